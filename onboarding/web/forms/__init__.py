"""Forms: what a page asks for, and how its controls look."""
