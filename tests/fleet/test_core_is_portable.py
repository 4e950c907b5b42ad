"""The core of the ladder runs on a bare Python 3.10: the offline checker carries it, and installs nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = (
    "onboarding.findings",
    *(
        f"onboarding.fleet.{name}"
        for name in (
            "bundle", "checks", "client", "diagnosis", "evidence", "faults", "limits", "material", "messages",
            "offline_material", "probes", "retry", "target", "trace",
        )
    ),
)  # fmt: skip
CARRIED = {"requests", "urllib3", "certifi", "idna", "charset_normalizer"}

# What Python 3.11 brought, as far as somebody may reach for it here.
NEWER_MODULES = {"tomllib"}
NEWER_NAMES = {
    "StrEnum", "ReprEnum", "UTC", "Self", "LiteralString", "Never", "assert_never", "assert_type", "reveal_type",
    "Required", "NotRequired", "TypeVarTuple", "Unpack", "dataclass_transform", "override", "ExceptionGroup",
    "BaseExceptionGroup", "TaskGroup", "add_note", "file_digest", "chdir", "batched", "getLevelNamesMapping",
    "fromisoformat",
}  # fmt: skip

_IMPORT_AND_LIST = """
import sys
for name in {blocked!r}:
    sys.modules[name] = None
for name in {core!r}:
    __import__(name)
print(*sorted(name for name in sys.modules if sys.modules[name] is not None), sep="\\n")
"""


@pytest.fixture(scope="module")
def modules() -> set[str]:
    """All modules that a fresh Python has after it has imported the core, with others made impossible."""
    blocked = ("cryptography", "tomllib", "django", "celery", "cffi", "brotli", "zstandard", "socks", "chardet")
    script = _IMPORT_AND_LIST.format(blocked=blocked, core=CORE)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_it_needs_the_standard_library_and_what_the_checker_carries_and_nothing_else(modules: set[str]) -> None:
    top = {name.partition(".")[0] for name in modules}
    others = top - set(sys.stdlib_module_names) - CARRIED - {"onboarding", "__main__"}
    # Compiled parts and import hooks of the environment that the tests run in; Debian's Python has a sitecustomize.
    assert {name for name in others if not name.startswith("_") and "__mypyc" not in name} <= {
        "cython_runtime",
        "sitecustomize",
    }


def test_the_portals_own_proof_of_a_set_is_not_part_of_it(modules: set[str]) -> None:
    assert "onboarding.fleet.portal_material" not in modules
    assert {name for name in modules if name.startswith("onboarding.pki.")} == {
        "onboarding.pki.files",
        "onboarding.pki.messages",
    }


def test_nothing_in_it_is_newer_than_python_3_10(modules: set[str]) -> None:
    ours = [name for name in modules if name.startswith("onboarding")]
    assert len(ours) > len(CORE)
    for name in ours:
        path = ROOT / (name.replace(".", "/") + ".py")
        source = (path if path.exists() else ROOT / name.replace(".", "/") / "__init__.py").read_text("utf-8")
        tree = ast.parse(source, feature_version=(3, 10))
        assert_nothing_newer(name, tree)


def assert_nothing_newer(name: str, tree: ast.AST) -> None:
    """Hold one module against the modules and names that Python 3.10 does not have."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = {alias.name for alias in names} & NEWER_MODULES
            case ast.ImportFrom(module=module, names=names):
                found = ({module} & NEWER_MODULES) | ({alias.name for alias in names} & NEWER_NAMES)
            case ast.Attribute(attr=attribute):
                found = {attribute} & NEWER_NAMES
            case _:
                continue
        assert not found, f"{name}, line {node.lineno}: {found}"
