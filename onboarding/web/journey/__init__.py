"""Where an application stands, whose turn it is, and what comes next: derived from facts, stored nowhere.

`facts` reads them, `turns` says whose turn it is, `tasks` makes the task list; `quick` follows sandbox credentials that
were asked for in one go. `alone` says what is otherwise in solo mode.
"""

from onboarding.web.journey.facts import Journey, Track, load, load_many, talk_url, track
from onboarding.web.journey.quick import sandbox_progress
from onboarding.web.journey.saying import Turn
from onboarding.web.journey.tasks import Column, credential_names, task_columns
from onboarding.web.journey.turns import track_turn, turn

__all__ = [
    "Column",
    "Journey",
    "Track",
    "Turn",
    "credential_names",
    "load",
    "load_many",
    "sandbox_progress",
    "talk_url",
    "task_columns",
    "track",
    "track_turn",
    "turn",
]
