"""Which steps of a description can be changed now: after comments on single answers, those that hold them."""

from onboarding.registrations.description import BY_NAME, STEPS, missing
from onboarding.registrations.models import Registration


def open_steps(registration: Registration) -> frozenset[str]:
    """Return the steps that can be changed.

    A step that lacks an answer is always among them: what is asked for can make another question necessary.
    """
    if not registration.is_editable:
        return frozenset()
    order = [step for step, _label in STEPS]
    if not registration.reopened:
        return frozenset(order)
    return frozenset(step for step in order if step in registration.reopened or missing(registration.answers, step))


def commented_steps(registration: Registration) -> list[str]:
    """Return the steps that hold a reviewer's comment, in their order."""
    held = {BY_NAME[name].step for name in registration.comments}
    return [step for step, _label in STEPS if step in held]
