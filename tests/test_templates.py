"""What Django's template language lets pass in silence."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
MAIL = ROOT / "templates/mail/layout.html"
"""Never served as a page; mail programs know no stylesheets."""


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_comment_ends_on_its_line_or_it_would_be_printed(path: Path) -> None:
    for line in path.read_text("utf-8").splitlines():
        assert line.count("{#") == line.count("#}"), line


@pytest.mark.parametrize("path", sorted({*TEMPLATES} - {MAIL}), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_is_inline_that_the_content_security_policy_forbids(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<[^>]*\s(?:style|on[a-z]+)=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
