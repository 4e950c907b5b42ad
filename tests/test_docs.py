"""The documentation says what the code does: configuration, commands, lifecycles, contracts, links."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands

from onboarding.checker import command
from onboarding.credentials import states as certificate_states
from onboarding.fleet.faults import BY_CODE
from onboarding.lifecycle import Lifecycle
from onboarding.memberships import states as join_states
from onboarding.registrations import states as registration_states
from onboarding.rehearsals import BY_TEST_ONLY, PORTS, REHEARSALS
from onboarding.sandbox import api, limits, server, shapes
from onboarding.sandbox.faults import answers

ROOT = Path(settings.BASE_DIR)
README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs" / "ARCHITECTURE.md"
SANDBOX = ROOT / "docs" / "SANDBOX.md"
PAGES = sorted([README, ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md")])

FOLDERS = r"onboarding|tests|templates|static|deploy|docs|requirements|\.ci|bin"
MADE_LATER = {"deploy/secrets/"}

COMPUTED = object()
"""Stands for a default that settings.py works out, which a table can only describe."""


def section(page: Path, heading: str) -> str:
    """Return what stands under a heading, down to the next one of its level or above."""
    level = heading.split(" ")[0]
    _, found, after = page.read_text("utf-8").partition(f"\n{heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of a Markdown table's body, without backquotes."""
    lines = [line for line in text.splitlines() if line.lstrip().startswith("|")]
    cells = [[cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")] for line in lines]
    return [row for row in cells[2:] if row[0]]


def variables_read() -> Mapping[str, object]:
    """Return each variable that settings.py reads through `env`, with its literal default."""
    found: dict[str, object] = {}
    for node in ast.walk(ast.parse((ROOT / "onboarding" / "settings.py").read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str(name)), *rest]):
                default = rest[0] if rest else None
                found.setdefault(name, default.value if isinstance(default, ast.Constant) else COMPUTED)
    return found


def as_written(default: object) -> str:
    """Return a default as the table writes it."""
    if isinstance(default, bool):
        return str(int(default))
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_the_configuration_table_has_every_variable_that_is_read_and_no_other() -> None:
    documented = [row[0] for row in rows(section(README, "## Configuration"))]
    assert sorted(documented) == sorted(variables_read())


def test_the_configuration_table_gives_the_defaults_of_the_code() -> None:
    documented = {row[0]: row[1] for row in rows(section(README, "## Configuration"))}
    literal = {name: as_written(default) for name, default in variables_read().items() if default not in (COMPUTED, "")}
    assert len(literal) > 10
    assert {name: documented[name] for name in literal} == literal


def test_the_variables_of_the_compose_file_are_documented() -> None:
    substituted = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    documented = {row[0] for row in rows(section(README, "### With Docker Compose"))}
    assert substituted == documented | (substituted & set(variables_read()))
    assert documented <= substituted


@pytest.mark.parametrize(
    ("heading", "lifecycle"),
    [
        ("### Registration", registration_states.LIFECYCLE),
        ("### Certificate request", certificate_states.LIFECYCLE),
        ("### Request to join", join_states.LIFECYCLE),
    ],
    ids=["registration", "certificate request", "request to join"],
)
def test_the_lifecycle_tables_are_those_of_the_code(heading: str, lifecycle: Lifecycle) -> None:
    text = section(ARCHITECTURE, heading)
    documented = [tuple(row) for row in rows(text)]
    coded = [
        (str(state), event, str(target), lifecycle.turn.get(target, "nobody"))
        for (state, event), target in lifecycle.transitions.items()
    ]
    assert documented == coded
    assert f"it begins as `{lifecycle.initial}`" in text


def test_each_import_contract_is_explained_under_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    heading = "## Layers: who knows nothing of whom"
    assert [row[0] for row in rows(section(ARCHITECTURE, heading))] == [contract["name"] for contract in contracts]
    drawn = section(ARCHITECTURE, heading).partition("```text\n")[2].partition("```")[0]
    layers = [re.sub(r"^(edges|processes|records|queueing|pure)?\s+", "", line) for line in drawn.splitlines()]
    assert layers == [layer.replace("onboarding.", "") for layer in contracts[0]["layers"]]


def test_every_model_of_ours_is_explained() -> None:
    table = rows(section(ARCHITECTURE, "## The rows, and why each exists"))
    explained = {name for row in table for name in row[0].split(", ")}
    models = {model.__name__ for model in apps.get_models() if model.__module__.startswith("onboarding.")}
    assert explained == models


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", page.read_text("utf-8")))
    assert [path for path in sorted(named - MADE_LATER) if not (ROOT / path).exists()] == []


def test_every_command_in_the_readme_exists() -> None:
    text = README.read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())
    assert set(re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)", text)) <= targets


def test_every_command_of_ours_is_in_the_readme() -> None:
    table = rows(section(README, "## Other commands"))
    documented = {row[0].split()[1] for row in table if row[0].startswith("manage.py")}
    ours = {name for name, app in get_commands().items() if app.startswith("onboarding.")}
    assert ours <= documented


def test_the_offline_checkers_options_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "programmes", dict)
    coded = {option for action in command.parser()._actions for option in action.option_strings if "--" in option}
    documented = {name for row in rows(section(README, "### The offline checker")) for name in row[0].split(", ")}
    assert documented == coded - {"--help", "--version"}


def test_the_sandboxes_paths_are_those_of_its_routes() -> None:
    documented = [row[1] for row in rows(section(SANDBOX, "## Paths"))]
    patterns = [re.sub(r"\(\?P<(\w+)>\[\^/\]\+\)", r"{\1}", route.pattern.pattern) for route in api.ROUTES]
    assert documented == patterns


def test_the_sandboxes_figures_are_those_of_the_code() -> None:
    text = SANDBOX.read_text("utf-8")
    day, second = (f"{limit.requests:,}".replace(",", " ") for limit in limits.LIMITS)
    assert f"{day} requests a day and {second} a second" in text
    assert f"1\nto {shapes.MAX_PAGE_SIZE} and {shapes.MAX_PAGE_SIZE} by default" in text
    codes = {row[0] for row in rows(section(SANDBOX, "## In which order it checks"))}
    coded = (shapes.NO_STATUS, shapes.NO_VEHICLE, shapes.NO_DATA, shapes.BAD_PARAMETER)
    assert codes == {str(code) for code in (*coded, shapes.METHOD_NOT_ALLOWED, shapes.NOT_ACCEPTABLE, shapes.INTERNAL)}


def test_the_failures_are_those_of_the_code() -> None:
    text = section(SANDBOX, "## Rehearse a failure")
    offered, _, others = text.partition("### What cannot be rehearsed")
    assert rows(offered) == [
        [
            one.name,
            str(one.rung),
            one.code,
            f"{one.played} {one.port(0)}" if one.has_port else str(one.played),
            one.title,
        ]
        for one in REHEARSALS
    ]
    assert rows(others) == [[code, str(BY_CODE[code].rung), why] for code, why in BY_TEST_ONLY.items()]
    assert f"{len(PORTS)} ports from the one after" in offered
    for said in (f"The first of {len(PORTS)} ports", f"in the demo {len(PORTS)} more"):
        assert said in README.read_text("utf-8")
    most, hold = answers.MOST_BYTES // 1024**2, server.HOLD_SECONDS
    assert (f"{most} MiB are sent" in SANDBOX.read_text("utf-8"), hold) == (True, 120)


def slug(heading: str) -> str:
    """Return the anchor that is made of a heading where these pages are shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links that lead to files and headings of ours."""
    prose = re.sub(r"^\s*```.*?^\s*```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), link
