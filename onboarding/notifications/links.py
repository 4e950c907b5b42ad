"""Links in mails that whoever holds them may follow, without an account.

A token names a row and the number of the mail it stands in, signed with SECRET_KEY. It is made when the mail is sent,
and stored nowhere: who reads the database, the mail ledger or the queue cannot follow a link. The row says whether it
still counts: until when, which number is the latest, and whether it was used.
"""

from uuid import UUID

from django.core.signing import BadSignature, Signer


def token(kind: str, row_id: str | UUID, serial: int) -> str:
    """Return the token of mail number `serial` about a row. kind: what for, so that one link is no other's."""
    return _signer(kind).sign(f"{UUID(str(row_id)).hex}-{serial}")


def read_token(kind: str, text: str) -> tuple[UUID, int] | None:
    """Return the row's id and the mail's number, or None if we have made no such token."""
    try:
        row_id, _, serial = _signer(kind).unsign(text).partition("-")
        return UUID(row_id), int(serial)
    except (BadSignature, ValueError):
        return None


def _signer(kind: str) -> Signer:
    return Signer(sep=".", salt=f"onboarding.link.{kind}")
