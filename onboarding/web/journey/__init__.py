"""Where an application stands, whose turn it is, and what comes next: derived from facts, stored nowhere.

`facts` reads them, `turns` says whose turn it is, `tasks` makes the task list.
"""

from onboarding.web.journey.facts import Journey, Track, load, load_many, track
from onboarding.web.journey.tasks import credential_names, task_groups
from onboarding.web.journey.turns import Turn, track_turn, turn

__all__ = [
    "Journey",
    "Track",
    "Turn",
    "credential_names",
    "load",
    "load_many",
    "task_groups",
    "track",
    "track_turn",
    "turn",
]
