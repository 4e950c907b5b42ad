"""From a mail's row to its words: plain text first, and the same words as HTML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

LINK = re.compile(r"^(?:(?P<label>.+?)\s*:\s+)?(?P<url>https?://\S+)$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a mail. url: where it leads, if it is a link to the portal; text is its label then, or empty."""

    text: str
    url: str = ""


def paragraphs(text: str) -> Iterator[list[Line]]:
    """Yield a text's paragraphs, line by line.

    Only a line that is an address of the portal becomes a link: what people wrote stays what they wrote.
    """
    for block in re.split(r"\n\s*\n", text.strip()):
        yield [_line(line.strip()) for line in block.splitlines()]


def portal_links(text: str) -> list[tuple[str, str]]:
    """Return the addresses of the portal that a text leads to, each with the line that it stands in."""
    return [
        (found["url"], line.strip())
        for line in text.splitlines()
        if (found := LINK.match(line.strip())) and found["url"].startswith(urljoin(settings.PUBLIC_URL, "/"))
    ]


def _line(text: str) -> Line:
    found = LINK.match(text)
    if found and found["url"].startswith(urljoin(settings.PUBLIC_URL, "/")):
        return Line(found["label"] or "", found["url"])
    return Line(text)


def html(subject: str, body: str, footer: str = "") -> str:
    """Return the words of a mail as a page of their own, with nothing that has to be loaded."""
    return render_to_string(
        "mail/layout.html",
        {
            "subject": subject,
            "paragraphs": list(paragraphs(body)),
            "footer": list(paragraphs(footer)) if footer else [],
            "portal_name": settings.PORTAL_NAME,
            "accent": settings.ACCENT_COLOUR or "#0b5a78",
        },
    )


def with_html(message: EmailMultiAlternatives, footer: str = "") -> EmailMultiAlternatives:
    """Add to a plain text message the same words as HTML, and to both the footer. Returns the message."""
    words = str(message.body).strip()
    message.attach_alternative(html(str(message.subject), words, footer), "text/html")
    message.body = f"{words}\n\n-- \n{footer.strip()}\n" if footer else f"{words}\n"
    return message
