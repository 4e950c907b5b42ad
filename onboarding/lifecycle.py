"""Lifecycles as tables: which event leads from which state to which. Pure data and one look-up."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class IllegalTransition(Exception):
    """The event is not possible in this state. Nothing was changed.

    The reader is told what the row's state is now: most often somebody else was quicker.
    """

    def __init__(self, lifecycle: str, state: str, event: str) -> None:
        super().__init__(f"{lifecycle}: {event!r} is not possible in state {state!r}")
        self.lifecycle, self.state, self.event = lifecycle, state, event


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One lifecycle.

    name: the audit subject ("registration").
    initial: the state of a new row.
    transitions: (state, event) -> next state.
    turn: state -> who has to act ("partner", "operator", "nobody").
    """

    name: str
    initial: str
    transitions: Mapping[tuple[str, str], str]
    turn: Mapping[str, str] = field(default_factory=dict)

    @property
    def states(self) -> tuple[str, ...]:
        """All states, the initial one first, in the table's order."""
        seen = dict.fromkeys([self.initial])
        for (state, _event), target in self.transitions.items():
            seen |= {state: None, target: None}
        return tuple(seen)

    @property
    def events(self) -> tuple[str, ...]:
        """All events, in the table's order."""
        return tuple(dict.fromkeys(event for _state, event in self.transitions))

    def target(self, state: str, event: str) -> str:
        """Return the state that `event` leads to from `state`. Raises IllegalTransition if there is none."""
        try:
            return self.transitions[state, event]
        except KeyError:
            raise IllegalTransition(self.name, state, event) from None

    def allows(self, state: str, event: str) -> bool:
        """Tell whether `event` is possible in `state`."""
        return (state, event) in self.transitions
