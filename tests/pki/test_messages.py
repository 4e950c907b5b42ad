"""The catalogue is complete: each code that can be found has words, and each of them can be filled in."""

import ast
import string
from pathlib import Path

import pytest

from onboarding import credentials, pki
from onboarding.pki import csr, intake, keys, weak_keys
from onboarding.pki.certificates import Claim
from onboarding.pki.messages import MESSAGES
from onboarding.programmes import PROGRAMMES, profile

FINDERS = {"Finding", "_finding", "_error", "_refused", "_file_error", "_nothing", "_note", "error", "warning"}
FINDERS |= {"chain_finding"}
COMMON = {"found", "expected", "field"}
ATTRIBUTE = {"label", "command"}
"""What every finding about an attribute of the subject carries besides (`subject.Value`)."""


def findings_in_the_source() -> dict[str, set[str]]:
    """Return each code that is written in a call that makes a finding, with the names of its parameters."""
    found: dict[str, set[str]] = {}
    bringing = Path(str(credentials.__file__)).parent
    for file in (
        *Path(str(pki.__file__)).parent.glob("*.py"),
        # What is brought in is judged here, and what is wrong with it said with the rest.
        bringing / "importing.py",
        bringing / "manifest.py",
    ):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function = node.func
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            if name not in FINDERS:
                continue
            for inner in ast.walk(node.args[0]):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    found.setdefault(inner.value, set()).update(key.arg for key in node.keywords if key.arg)
    found.pop("_slip", None)  # the end of a code that is made from the attribute's name
    for programme in PROGRAMMES:
        for rule in profile(programme).dn:
            if rule.slips:
                found[f"{rule.attribute.lower()}_slip"] = set()
    for table in (csr._NOT_A_CSR, keys._NOT_A_KEY, intake._NOT_A_CERTIFICATE):
        found |= {code: set() for code in table.values()}
    found |= {code: set() for code in weak_keys.TESTS.values()}
    return found


def test_each_code_that_can_be_found_has_words_and_no_words_are_idle() -> None:
    idle = set(MESSAGES) - set(findings_in_the_source()) - {"file_missing", "import_not_kept"}  # found by the commands
    assert set(findings_in_the_source()) <= set(MESSAGES)
    assert not idle


@pytest.mark.parametrize("code", MESSAGES)
def test_each_message_says_what_to_do_in_words_that_can_be_filled_in(code: str) -> None:
    message = MESSAGES[code]
    assert message.title
    assert message.remedy
    known = COMMON | ATTRIBUTE | {"example", "count", "length", "limit", "wanted", "attribute", "subject", "days"}
    known |= {"ca", "address", "why", "which", *Claim.__dataclass_fields__}
    for template in (message.title, message.remedy, message.command):
        assert {name for _, name, _, _ in string.Formatter().parse(template) if name} <= known
