"""Draws a released table. A hidden cell is a hatched place, never a zero and never a gap."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Literal

from .errors import QueryError
from .months import first_month, label, month_after

if TYPE_CHECKING:
    from .result import Result

#: Series in one figure; more cannot be told apart.
SERIES_MAX = 12
#: Times along an axis that are filled in where the table does not name them.
TIMES_MAX = 1_000
#: Labels along an axis.
_LABELS_MAX = 40
_MISSING = "(missing)"
#: Columns that run along time, whose values are joined by lines.
_TIME = ("year", "quarter", "month", "step")


def plot(
    result: Result,
    measure: str | None = None,
    *,
    by: str | None = None,
    kind: Literal["bar", "line"] | None = None,
    ax: Any = None,
) -> Any:
    """Draws `measure` along `by`, a series for each combination of the other dimensions."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    measure = measure or (result.measures[0] if result.measures else None)
    if measure not in result.measures:
        raise QueryError(f"the table has no measure `{measure}`; it has {result.measures}")
    along = by or _along(result)
    if along is not None and along not in result.dimensions:
        raise QueryError(f"the table has no dimension `{along}`; it has {result.dimensions}")
    categories, series = _series(result, measure, along)
    if len(series) > SERIES_MAX:
        raise QueryError(
            f"that would be {len(series)} series; ask for fewer groups, or draw `.pandas()`"
        )
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
    kind = kind or ("line" if along is not None and _is_time(along) else "bar")
    shown = [value for of in series.values() for value in of.values() if value is not None]
    # A hidden cell's height tells nothing; this is only tall enough to be seen.
    stub = max(shown, default=1.0) * 0.06 or 1.0
    for at, (name, values) in enumerate(series.items()):
        colour = f"C{at % 10}"
        heights = [values.get(category) for category in categories]
        is_hidden = [category in values and values[category] is None for category in categories]
        width = 0.8 / len(series)
        if kind == "line":
            xs = list(range(len(categories)))
            drawn = [float("nan") if height is None else height for height in heights]
            ax.plot(xs, drawn, marker="o", color=colour, label=name)
        else:
            xs = [place - 0.4 + width * (at + 0.5) for place in range(len(categories))]  # type: ignore[misc]
            drawn = [0.0 if height is None else height for height in heights]
            ax.bar(xs, drawn, width, color=colour, label=name)
        hidden_at = [x for x, hidden in zip(xs, is_hidden, strict=True) if hidden]
        ax.bar(
            hidden_at, [stub] * len(hidden_at), width if kind == "bar" else 0.8,
            fill=False, hatch="////", edgecolor=colour, linewidth=0,
            gid="hidden",
        )  # fmt: skip
    every = -(-len(categories) // _LABELS_MAX) or 1
    ax.set_xticks(range(0, len(categories), every), categories[::every], rotation=45, ha="right")
    unit = result.unit.get(measure, "")
    ax.set_ylabel(f"{measure} ({unit})" if unit not in ("", "1") else measure)
    ax.set_xlabel(along or "")
    ax.set_ylim(bottom=min(0.0, *shown) if len(shown) > 1 else None)
    handles, names = ax.get_legend_handles_labels()
    if any(value is None for of in series.values() for value in of.values()):
        handles.append(Patch(fill=False, hatch="////", edgecolor="grey", linewidth=0))
        names.append("not shown, not zero")
    if len(names) > 1:
        ax.legend(handles, names, fontsize="small")
    ax.set_title("\n".join(textwrap.wrap(caption(result), 95)), fontsize="small", loc="left")
    return ax


def caption(result: Result) -> str:
    """What a reader of the figure must know."""
    counted = "registrations" if result.counts_registrations else "persons"
    return (
        f"{result.coverage}. Counts of {counted} rounded to {result.rounding_base}, "
        f"cells of fewer than {result.smallest_cell} hidden. {result.released_at:%Y-%m-%d}."
    )


def _along(result: Result) -> str | None:
    in_time = [name for name in result.dimensions if _is_time(name)]
    return next(iter([*in_time, *result.dimensions]), None)


def _is_time(name: str) -> bool:
    return name.rpartition("_")[2] in _TIME


def _series(
    result: Result, measure: str, along: str | None
) -> tuple[list[str], dict[str, dict[str, float | None]]]:
    """The categories along the axis, and each series' values; None where it is hidden."""
    names = list(result.columns)
    value_at = names.index(measure)
    others = [name for name in result.dimensions if name != along]
    series: dict[str, dict[str, float | None]] = {}
    categories: dict[str, None] = {}
    for row in result.rows:
        category = measure if along is None else _text(row[names.index(along)])
        of = ", ".join(_text(row[names.index(other)]) for other in others) or measure
        value = row[value_at]
        categories[category] = None
        series.setdefault(of, {})[category] = None if value is None else float(value)
    named = list(categories)
    if along is not None and _is_time(along):
        named = _without_gaps(named)
        for values in series.values():
            # A time that no row names is hidden for everybody.
            values.update((category, None) for category in named if category not in categories)
    return named, series


def _without_gaps(named: list[str]) -> list[str]:
    """The times from the first to the last, also those that the table does not name."""
    times = [name for name in named if name != _MISSING]
    if not times:
        return named
    if all(time.isdigit() and len(time) < 4 for time in times):
        steps = [int(time) for time in times]
        filled = [str(step) for step in range(min(steps), max(steps) + 1)]
    else:
        starts = [first_month(time) for time in times]
        months = month_after(times[0]) - starts[0]
        filled = [label(at, months) for at in range(min(starts), max(starts) + 1, months)]
    if len(filled) > TIMES_MAX:
        return named
    return filled + ([_MISSING] if _MISSING in named else [])


def _text(value: object) -> str:
    return _MISSING if value is None else str(value)
