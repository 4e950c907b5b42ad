"""A folder of credentials with a manifest, `manifest.toml`: read, bounded, and never left.

One entry, `[[application]]`, for each application. Certificates and keys are files, and so are secrets: none stands in
the manifest. Every path is relative to the folder and stays inside it, whatever links there are.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onboarding.credentials.importing import Brought
from onboarding.findings import Finding, Severity, gettext_noop
from onboarding.pki import files
from onboarding.pki.intake import MAX_ZIP_BYTES
from onboarding.pki.subject import visible

NAME = "manifest.toml"
MAX_BYTES = 16 * 1024 * 1024
"""Of the manifest itself: 10,000 applications have about 4 MiB."""

MAX_SECRET = 1000
"""The longest secret, in characters, as everywhere."""

TEXTS = ("name", "programme", "mzp", "client_id", "environment")
FILES = {"certificate": MAX_ZIP_BYTES, "ca": files.MAX_BYTES, "key": files.MAX_BYTES}
SECRET_FILES = {"password_file": "password", "client_secret_file": "client_secret", "passphrase_file": "passphrase"}
FIELDS = (*TEXTS, "brands", *FILES, *SECRET_FILES)
REQUIRED = ("name", "programme", "brands", "mzp", "client_id", "certificate")


class NoManifest(Exception):
    """The folder or its manifest cannot be used at all; the message says why."""


class EntryRefused(Exception):
    """One entry cannot be used; the findings say why."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, and the entries of its manifest as they stand there, each to be read with `read_entry`."""

    path: Path
    entries: tuple[Any, ...]


def open_folder(path: Path) -> Folder:
    """Read a folder's manifest. Raises NoManifest."""
    try:
        root = path.resolve(strict=True)
        with (root / NAME).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NoManifest(f"{path / NAME}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise NoManifest(f"{path / NAME}: larger than {MAX_BYTES} bytes")
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        # Where, not what: a secret may have been put into it by mistake.
        where = str(error).rpartition("(")[2].rstrip(")") if "(at " in str(error) else "not UTF-8"
        raise NoManifest(f"{path / NAME}: not TOML ({where})") from None
    entries = table.get("application")
    if not isinstance(entries, list) or not entries or set(table) != {"application"}:
        raise NoManifest(f"{path / NAME}: it has to hold entries [[application]], and nothing else")
    return Folder(root, tuple(entries))


def read_entry(folder: Folder, entry: Any, *, environment: str) -> Brought:
    """Read one entry with its files. environment: for an entry that names none. Raises EntryRefused."""
    findings = tuple(_shape(entry))
    if findings:
        raise EntryRefused(findings)
    found: list[Finding] = []
    values: dict[str, Any] = {"environment": environment}
    values |= {name: entry[name] for name in TEXTS if name in entry}
    values["brands"] = tuple(entry["brands"])
    for name, limit in FILES.items():
        if name in entry:
            values[name] = _content(folder, entry[name], name, limit, found)
    for name, secret in SECRET_FILES.items():
        if name in entry:
            text = _secret(folder, entry[name], name, found)
            values[secret] = text.encode() if secret == "passphrase" else text  # noqa: S105 — a field's name
    if found:
        raise EntryRefused(tuple(found))
    return Brought(**values)


def label(entry: Any) -> str:
    """Return what an entry is called in a report: its name, as far as it has one."""
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return visible(name)[:120] if isinstance(name, str) else ""


def _shape(entry: Any) -> Iterator[Finding]:
    if not isinstance(entry, Mapping):
        yield _error("manifest_type", "application", "application", label=gettext_noop("a table"))
        return
    for name in entry:
        if name in SECRET_FILES.values():
            yield _error("manifest_secret", name, name, f"{name}_file")
        elif name not in FIELDS:
            yield _error("manifest_field", "application", name, ", ".join(FIELDS))
    for name in REQUIRED:
        if name not in entry:
            yield _error("manifest_missing", name, expected=name)
    for name, value in entry.items():
        if name == "brands":
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                yield _error("manifest_type", name, name, label=gettext_noop("a list of texts"))
        elif name in FIELDS and not isinstance(value, str):
            yield _error("manifest_type", name, name, label=gettext_noop("a text"))


def _content(folder: Folder, name: str, field: str, limit: int, found: list[Finding]) -> bytes:
    """Return a file's content, at most `limit` bytes; what stands in the way is added to `found`."""
    # Not where a secret is expected: it may have been written there itself.
    which = "" if field in SECRET_FILES else f" ({visible(name)})"
    try:
        path = (folder.path / name).resolve()  # follows links, so that none leads out either
        if not path.is_relative_to(folder.path):
            found.append(_error("manifest_path", field, which=which))
        elif not path.is_file() and path.exists():
            found.append(_error("manifest_file", field, which=which, label=gettext_noop("not a file")))
        else:
            with open(path, "rb", opener=_open) as file:
                content: bytes = file.read(limit + 1)
            if len(content) <= limit:
                return content
            found.append(_error("manifest_too_large", field, expected=f"{limit}", which=which))
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name; links in a circle
        why = error.strerror if isinstance(error, OSError) and error.strerror else gettext_noop("not a file's name")
        found.append(_error("manifest_file", field, which=which, label=why))
    return b""


def _open(path: str, flags: int) -> int:
    """Open what was looked at: neither a link, nor a pipe to wait at, that was put there meanwhile."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _secret(folder: Folder, name: str, field: str, found: list[Finding]) -> str:
    """Return the one line of a file, without the line's end."""
    before = len(found)
    content = _content(folder, name, field, 4 * MAX_SECRET + 2, found)
    if len(found) > before:
        return ""
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""
    if not text or len(text) > MAX_SECRET or not text.isprintable():
        found.append(_error("manifest_not_text", field, expected=f"{MAX_SECRET}"))
    return text


def _error(code: str, field: str, found: str = "", expected: str = "", **params: str) -> Finding:
    return Finding(code, Severity.ERROR, field, visible(found), expected, params)
