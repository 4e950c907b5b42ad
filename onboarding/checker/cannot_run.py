"""Why the checker does not run."""


class CannotRun(Exception):
    """It cannot begin, or not end as asked; its text says why, in one line and in the reader's language."""
