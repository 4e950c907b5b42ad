"""Make `fleet-check.pyz`: the checker, the fleet core and `requests` with what it needs, in one file that runs.

The same sources make the same bytes. What is in it is Python alone: compiled parts of installed packages are left out,
since each of them has its Python twin beside it. Run as a program: `python -m onboarding.checker.build FILE`.
"""

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

from onboarding.checker.programmes import DATA
from onboarding.programmes import PROGRAMMES, profile

FILE_NAME = "fleet-check.pyz"
ROOT = Path(__file__).parents[2]
PACKAGES = ("requests", "urllib3", "certifi", "idna", "charset_normalizer")

_FOLDER = PurePosixPath("onboarding/checker")
_OURS = ("onboarding/__init__.py", "onboarding/findings.py", "onboarding/pki/__init__.py",
         "onboarding/pki/files.py", "onboarding/pki/messages.py")  # fmt: skip
# What only the portal has a use for.
_LEFT_OUT = frozenset(
    {"onboarding/checker/build.py", "onboarding/fleet/portal_material.py", "onboarding/fleet/virtual_key.py"}
)
# Parts of the packages that would need more than is here, and that nothing here imports.
_NOT_CARRIED = ("certifi/tests/", "charset_normalizer/cli/", "urllib3/contrib/emscripten/")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say

# Readable by any Python that finds it, so that an old one can say what is wrong.
_MAIN = """\
import sys

if sys.version_info < (3, 10):
    sys.stderr.write("fleet-check: needs Python 3.10 or later; this is %d.%d\\n" % sys.version_info[:2])
    sys.exit(2)
try:
    try:
        import ssl
    except ImportError:
        sys.stderr.write("fleet-check: needs a Python with its ssl module; %s has none that loads\\n" % sys.executable)
        sys.exit(2)
    from onboarding.checker.command import main

    code = main()
except KeyboardInterrupt:  # in the first moments, before main() sees to it
    sys.stderr.write("fleet-check: interrupted\\n")
    code = 2
sys.exit(code)
"""


@cache
def build() -> bytes:
    """Return the file."""
    held = {"__main__.py": _MAIN.encode(), str(_FOLDER / DATA): _programmes(), "LICENSE": _licence()}
    held |= dict(_own_modules()) | dict(_catalogues())
    for package in PACKAGES:
        held |= dict(_package(package))
    buffer = io.BytesIO(b"#!/usr/bin/env python3\n")
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(held):
            info = zipfile.ZipInfo(name, _LONG_AGO)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            archive.writestr(info, held[name])
    return buffer.getvalue()


def _own_modules() -> Iterator[tuple[str, bytes]]:
    names = [*_OURS]
    for folder in ("checker", "fleet"):
        names += [path.relative_to(ROOT).as_posix() for path in (ROOT / "onboarding" / folder).glob("*.py")]
    for name in names:
        if name not in _LEFT_OUT:
            yield name, (ROOT / name).read_bytes()


def _catalogues() -> Iterator[tuple[str, bytes]]:
    """Yield the compiled translations, if there are any."""
    for path in (ROOT / "locale").glob("*/LC_MESSAGES/django.mo"):
        yield str(_FOLDER / path.relative_to(ROOT).as_posix()), path.read_bytes()


def _package(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the Python files, the data and the licences of an installed package."""
    installed = distribution(name)
    version = f"{name}-{installed.version}"
    for file in installed.files or ():
        path = PurePosixPath(file.as_posix())
        if path.parts[0] == name and path.suffix in (".py", ".pem") and not str(path).startswith(_NOT_CARRIED):
            yield str(path), Path(str(installed.locate_file(file))).read_bytes()
        elif path.parts[0].endswith(".dist-info") and _is_licence(path):
            yield f"licences/{version}/{path.name}", Path(str(installed.locate_file(file))).read_bytes()


def _is_licence(path: PurePosixPath) -> bool:
    return "licenses" in path.parts or path.name.upper().startswith(("LICENSE", "LICENCE", "NOTICE", "COPYING"))


def _programmes() -> bytes:
    rows = {
        id_: {"name": one.name, "credentials": one.credentials, "probes": one.probes}
        for id_, one in ((id_, profile(id_)) for id_ in PROGRAMMES)
    }
    return json.dumps(rows, indent=1, sort_keys=True).encode("ascii")


def _licence() -> bytes:
    path = ROOT / "LICENSE"
    return path.read_bytes() if path.exists() else b""


def main() -> None:
    """Write the file where the first argument says."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(build())
    target.chmod(0o755)


if __name__ == "__main__":
    main()
