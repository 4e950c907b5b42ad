"""Small pictures of figures, as numbers that a template puts into SVG attributes: no inline style, no script."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, BASE = 24, 96, 100
"""Of one column, of the drawing field, and where its lower end is; in the units of the view box."""

BAR = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: a bar, and above it a thin line up to a second value.

    In units of the view box, as SVG writes them whatever the reader's language; height is empty for no bar.
    """

    label: str
    value: float | None
    x: str
    middle: str
    y: str
    height: str
    line_y: str | None


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns side by side, and the largest value that the scale reaches."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    top: float


def chart(columns: Sequence[tuple[str, float | None, float | None]]) -> Chart:
    """Draw columns of (label, value, further value); None is drawn as nothing."""
    top = max((one for _label, *values in columns for one in values if one is not None), default=0.0)
    top = max(top, 1.0)  # a scale of less than one day, or one thing, would make much of nothing
    bars = []
    for place, (label, value, further) in enumerate(columns):
        height = max(value / top * HEIGHT, 1.0) if value else 0.0
        bars.append(
            Bar(
                label,
                value,
                f"{place * WIDTH + (WIDTH - BAR) / 2:g}",
                f"{place * WIDTH + WIDTH / 2:g}",
                f"{BASE - height:.2f}",
                f"{height:.2f}" if height else "",
                None if further is None else f"{BASE - further / top * HEIGHT:.2f}",
            )
        )
    return Chart(tuple(bars), WIDTH * len(columns), BASE, top)
