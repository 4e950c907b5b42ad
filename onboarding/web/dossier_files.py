"""Files of a dossier: plain text, and a mail that is ready to be sent."""

import textwrap
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from django.conf import settings
from django.utils.encoding import punycode
from django.utils.translation import gettext as _

from onboarding.partners.models import User
from onboarding.web.dossiers import Dossier, in_words

WIDTH = 76
"""Characters a line: what mail programs quote without breaking it again."""
KEY_WIDTH = 26


def as_text(dossier: Dossier, *, made_at: datetime, sender: str) -> str:
    """Return a dossier as plain text, in lines of at most WIDTH characters, save what has no blanks."""
    blocks = [
        _underlined(dossier.subject, "="),
        "\n".join([*_rows([*dossier.facts, {"key": _("Date"), "value": in_words(made_at.date())}])]),
        _wrapped(dossier.intro),
        "\n".join([_("We ask you to:"), *(_numbered(number, wish) for number, wish in enumerate(dossier.wishes, 1))]),
    ]
    if dossier.changes:
        blocks.append(_underlined(_("What changed"), "-"))
        for change in dossier.changes:
            lines = [_wrapped(change["label"])]
            for words, values in change["sides"]:
                lines += _rows([{"key": words, "values": values or [_("Not given")]}], indent="  ")
            blocks.append("\n".join(lines))
    blocks += [
        _underlined(section["title"], "-") + "\n" + "\n".join(_rows(section["rows"])) for section in dossier.sections
    ]
    for csr in dossier.csrs:
        title = _("CSR for %(environment)s") % {"environment": csr.environment}
        blocks.append(_underlined(title, "-") + "\n" + "\n".join(_rows(csr.rows)))
        blocks.append(csr.pem.strip())
    blocks.append(sender)
    return "\n\n".join(blocks) + "\n"


def as_mail(dossier: Dossier, *, made_at: datetime, sender: User) -> bytes:
    """Return a mail with the dossier as its text and each CSR attached, for a mail program to open and send.

    RFC 5322 and MIME. `X-Unsent: 1` makes mail programs open it for editing. It has no Message-ID, which whoever sends
    it gives; To is DOSSIER_TO, or left to be filled in.
    """
    message = _mail(dossier.subject, as_text(dossier, made_at=made_at, sender=str(sender)), made_at, sender)
    for csr in dossier.csrs:
        message.add_attachment(csr.pem.encode("ascii"), maintype="application", subtype="pkcs10", filename=csr.filename)
    return _bytes(message)


def chase_mail(subject: str, text: str, *, made_at: datetime, sender: User) -> bytes:
    """Return a mail that asks how things stand, likewise."""
    return _bytes(_mail(subject, text, made_at, sender))


def _mail(subject: str, text: str, made_at: datetime, sender: User) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join(subject.split())
    message["From"] = Address(display_name=" ".join(sender.name.split()), addr_spec=_ascii(sender.email))
    if settings.DOSSIER_TO:
        message["To"] = Address(addr_spec=_ascii(settings.DOSSIER_TO))
    message["Date"] = made_at
    message["X-Unsent"] = "1"
    message.set_content(text)
    return message


def _bytes(message: EmailMessage) -> bytes:
    """Return the mail. A subject that just fills a line is put on the next one, and then shown with a blank before it
    by some programs: there it stays on its own line, which may have 998 characters.
    """
    return message.as_bytes().replace(b"Subject:\r\n ", b"Subject: ", 1)


def _ascii(address: str) -> str:
    """Return an address as mail servers take it: a domain in other letters has a form in these."""
    local, _at, domain = address.rpartition("@")
    return f"{local}@{punycode(domain)}"


def _underlined(title: str, mark: str) -> str:
    lines = _wrapped(title)
    return f"{lines}\n{mark * max(map(len, lines.splitlines()))}"


def _numbered(number: int, text: str) -> str:
    return _wrapped(text, first=f"{number}. ", rest="   ")


def _rows(rows: Iterable[Mapping[str, Any]], indent: str = "") -> list[str]:
    lines: list[str] = []
    for row in rows:
        values = [str(value) for value in row.get("values") or [row.get("value")] if value]
        values += [row["note"]] if row.get("note") else []
        key = f"{indent}{row['key']}:"
        first = key.ljust(KEY_WIDTH) if len(key) < KEY_WIDTH else ""
        lines += [] if first else [key]
        for place, value in enumerate(values):
            for paragraph in value.splitlines() or [""]:
                lines.append(_wrapped(paragraph, first=first if place == 0 and first else " " * KEY_WIDTH))
                first = ""
    return lines


def _wrapped(text: str, *, first: str = "", rest: str | None = None) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
