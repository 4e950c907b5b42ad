"""Guided onboarding for a car maker's fleet API. docs/ARCHITECTURE.md is the map."""
