"""Service activation and CarKey in the mobile SDK, for partners who build an app; see `onboarding.mobile`."""
