"""The audit's vocabulary: each word of it is used, and nothing is recorded that is not in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from onboarding.audit.events import Event
from onboarding.credentials import states as certificates
from onboarding.memberships import states as joining
from onboarding.registrations import states as registrations
from onboarding.web.forms.audit import GROUPS, event_choices

CODE = Path(settings.BASE_DIR) / "onboarding"
VOCABULARY = CODE / "audit" / "events.py"
READERS = {CODE / "web" / "timeline.py", CODE / "web" / "auditing.py"}
"""What only words or colours the events."""

LIFECYCLES = (registrations.LIFECYCLE, certificates.LIFECYCLE, joining.LIFECYCLE)
NOT_OFFERED_YET = {"certificate_request:revoke"}
"""Transitions that are in the tables before a page has them."""


def produced() -> Iterator[str]:
    """Each event that code names, or that it brings about by naming a transition of a lifecycle."""
    for path in CODE.rglob("*.py"):
        if path == VOCABULARY or path in READERS:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="Event"), attr=name) if name in Event.__members__:
                    yield Event[name].value
                case ast.Call(func=ast.Name(id="advance"), args=[_row, _lifecycle, ast.Constant(value=str(verb)), *_]):
                    yield from (f"{lifecycle.name}:{verb}" for lifecycle in LIFECYCLES)
                case ast.keyword(
                    arg="event", value=ast.IfExp(body=ast.Constant(value=one), orelse=ast.Constant(value=other))
                ):
                    yield from (f"certificate_request:{verb}" for verb in (one, other))


def test_each_event_is_brought_about_by_something() -> None:
    found = set(produced())
    unused = {str(event) for event in Event} - found
    assert unused <= NOT_OFFERED_YET
    assert len(found & set(Event.values)) > 90


def test_each_transition_of_a_lifecycle_has_its_word() -> None:
    for lifecycle in LIFECYCLES:
        assert {f"{lifecycle.name}:{event}" for _state, event in lifecycle.transitions} <= set(Event.values)


def test_each_event_can_be_asked_for_in_its_group() -> None:
    groups = dict(event_choices()[1:])
    assert len(groups) == len(GROUPS)  # none is left over among "others"
    assert {value for events in groups.values() for value, _label in events} == set(Event.values)
