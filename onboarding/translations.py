"""What there is to translate: every marked text of code, templates and programmes, as one catalogue.

`python -m onboarding.translations` brings locale/*/LC_MESSAGES/django.po up to date (`make messages`). Babel reads and
writes it, and `pybabel compile` makes of it what the portal reads, so that nobody needs the programs of GNU gettext.
"""

import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}
SHOWN = ("label", "audience", "summary", "gives", "needs", "what", "put", "why")
"""The keys of a programme's file whose texts people read."""

_IDLE_HEADERS = rb'(?m)^"(Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team): .*\n'
"""What the history of the file knows better."""


def extracted() -> Catalog:
    """Return everything that is marked for translation, in the order of the files, without translations."""
    catalogue = Catalog(project="Fleet Onboarding", fuzzy=False)
    for path in sorted((ROOT / "onboarding").rglob("*.py")):
        _add(catalogue, path, extract("python", io.BytesIO(path.read_bytes()), KEYWORDS))
    for path in sorted((ROOT / "onboarding" / "programmes").glob("*.toml")):
        table = tomllib.loads(path.read_text("utf-8"))
        _add(catalogue, path, ((0, text, [], None) for text in _texts(table)))
    for path in sorted((ROOT / "templates").rglob("*.*")):
        # What Django makes of a template for xgettext is no Python as far as indentation goes.
        source = re.sub(r"(?m)^[ \t]+", "", templatize(path.read_text("utf-8")))
        _add(catalogue, path, extract("python", io.BytesIO(source.encode()), KEYWORDS))
    return catalogue


def _texts(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)
    elif key in SHOWN:
        yield value


def _add(catalogue: Catalog, path: Path, messages: Any) -> None:
    for _line, text, _comments, context in messages:
        # Line numbers would change with every change of the code.
        catalogue.add(text, locations=[(path.relative_to(ROOT).as_posix(), 0)], context=context)


def read(path: Path) -> Catalog:
    """Return the catalogue in a .po file."""
    with path.open("rb") as file:
        return read_po(file)


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as the text of a .po file, the same for the same messages."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=120, omit_header=False, include_lineno=False, ignore_obsolete=True)
    return re.sub(_IDLE_HEADERS, b"", buffer.getvalue())


def update() -> None:
    """Bring each language's .po file up to date: new texts come in untranslated, none is guessed, old ones go."""
    texts = extracted()
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        catalogue = read(path)
        catalogue.update(texts, no_fuzzy_matching=True, update_creation_date=False)
        path.write_bytes(written(catalogue))
        missing = sum(1 for message in catalogue if message.id and not is_translated(message))
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {missing} without translation")  # noqa: T201


def is_translated(message: Any) -> bool:
    """Say whether a message has its translation, in all its forms."""
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


if __name__ == "__main__":
    update()
