"""How far the sandbox credentials are that were asked for in one go: each piece, and where to look at it."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from onboarding.credentials.models import KeyOrder
from onboarding.credentials.states import State
from onboarding.validation.models import Run
from onboarding.web.journey.facts import Track

TONES = {"done": "success", "now": "waiting", "failed": "danger", "later": "neutral"}


@dataclass(frozen=True, slots=True)
class Progress:
    """The pieces, as the one group of the component `task_list.html`.

    state: "new" (nothing was asked for), "working", "stopped" (somebody has to do something) or "done".
    seen: changes whenever something here does.
    """

    state: str
    groups: list[dict[str, Any]]
    seen: str


def sandbox_progress(one: Track) -> Progress:
    """Derive it from the order for the key, the signing cycle and the first run."""
    order, run = one.key_order, one.run
    reached = _reached(one)
    working = one.is_key_ordered or one.is_call_coming or (run is not None and run.is_open)
    state = "working" if working else "done" if one.is_live else "stopped" if _is_stopped(one) else "new"
    underway = {"working": "now", "stopped": "failed" if _has_failed(one) else "later"}.get(state, "later")
    kinds = ["done" if number < reached else underway if number == reached else "later" for number in range(PIECES)]
    there = one.request_state != State.AWAITING_CSR
    tasks = [
        {
            "title": title,
            "hint": hint,
            "href": one.url(page) if there and kind != "later" else None,
            "status": {"label": _label(kind, run if number == PIECES else None), "tone": TONES[kind]},
        }
        for number, (kind, (title, hint, page)) in enumerate(zip(kinds, _pieces(), strict=True), start=1)
    ]
    seen = [state, reached]
    seen += [order.state, order.step, order.attempt] if order else []
    seen += [run.state, run.progress] if run else []
    return Progress(state, [{"tasks": tasks}], "-".join(map(str, seen)))


def _pieces() -> tuple[tuple[str, str, str], ...]:
    """Return what is made, what is to be said of it, and the page to look at it."""
    return (
        (_("A key"), _("Sealed here; take an encrypted copy whenever you like."), "csr"),
        (_("A certificate request (CSR)"), _("Checked by the rules that hold everywhere."), "csr"),
        (_("A certificate"), _("Signed by the sandbox's own CA."), "certificate"),
        (_("Credentials"), _("All that a call needs beside it, sealed."), "credentials"),
        (_("A first call"), _("A real one, over mutual TLS, check by check."), "validate"),
    )


PIECES = 5


def _reached(one: Track) -> int:
    """Return how many of the pieces are there."""
    if one.has_certificate:
        return PIECES if one.is_live else PIECES - 1
    if one.request_state != State.AWAITING_CSR:
        return 2
    step = one.key_order.step if one.key_order is not None and one.is_key_ordered else ""
    return {KeyOrder.Step.CHECKING.value: 1, KeyOrder.Step.SEALING.value: 2}.get(step, 0)


def _is_stopped(one: Track) -> bool:
    return one.has_key_failed or one.request_state != State.AWAITING_CSR


def _has_failed(one: Track) -> bool:
    return one.has_key_failed or (one.run is not None and one.run.state in (Run.State.FAILED, Run.State.ABANDONED))


def _label(kind: str, run: Run | None) -> str:
    if kind == "now" and run is not None:
        return str(run.get_state_display())
    return {"done": _("Done"), "now": _("At work"), "failed": _("Failed"), "later": _("Not yet")}[kind]
