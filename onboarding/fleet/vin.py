"""Vehicle identification numbers: read as people type them, and shown so that nobody can tell the vehicle.

A VIN is personal data: it leads to a car, and so to who drives it.
"""

LENGTH = 17
_ALPHABET = frozenset("0123456789ABCDEFGHJKLMNPRSTUVWXYZ")  # no I, O and Q: too much like 1 and 0 (ISO 3779)
_SHOWN = 4


class BadVin(ValueError):
    """What was typed is no VIN. characters: those that no VIN has, as typed; length: how many there are in all."""

    def __init__(self, characters: str, length: int) -> None:
        super().__init__("no VIN")
        self.characters = characters
        self.length = length


def read(typed: str) -> str:
    """Return a VIN in its one form, capitals without blanks (ISO 3779, section 4). Raises BadVin."""
    vin = "".join(typed.split())
    wrong = "".join(dict.fromkeys(one for one in vin if not one.isascii() or one.upper() not in _ALPHABET))
    if wrong or len(vin) != LENGTH:
        raise BadVin(wrong, len(vin))
    return vin.upper()


def masked(vin: str) -> str:
    """Return what is shown of a VIN: its last characters, which many vehicles share."""
    return f"…{vin[-_SHOWN:]}"
