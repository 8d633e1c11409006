"""Quantiles from a released histogram, within one bin's width of the exact ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from ..errors import QueryError
from ..result import Result
from .tables import Hidden, person_column, take_hidden

_BIN = re.compile(r"<(-?\d+)|>=(-?\d+)|\[(-?\d+),(-?\d+)\)")


def quantiles(
    result: Result, p: Sequence[float] = (0.25, 0.5, 0.75), *, hidden: Hidden = "refuse"
) -> pd.DataFrame:
    """The values below which the shares `p` of the persons lie, in each group of the table.

    Persons are taken to be spread evenly within each bin; who is off the grid counts in the bin
    at that end.
    """
    bins = [name for name in result.dimensions if name.endswith("_bin")]
    if len(bins) != 1:
        raise QueryError("that is no histogram; ask for one with `view.variable.histogram(...)`")
    if any(not 0 <= share <= 1 for share in p):
        raise QueryError("a share is from 0 to 1")
    persons, column = person_column(result), bins[0]
    start, width, count = _grid(result, column)
    names = list(result.columns)
    bin_at, value_at = names.index(column), names.index(persons)
    others = [name for name in result.dimensions if name != column]
    other_at = [names.index(name) for name in others]
    groups: dict[tuple[object, ...], list[float | None]] = {}
    for row in result.rows:
        # What is not named at all is hidden as well.
        of = groups.setdefault(tuple(row[at] for at in other_at), [None] * count)
        label, value = row[bin_at], row[value_at]
        if label is not None and isinstance(value, int):
            of[_place(str(label), start, width, count)] = float(value)
    concealed = sum(value is None for of in groups.values() for value in of)
    take_hidden(concealed, len(groups) * count, hidden, result.smallest_cell)
    instead = float(hidden) if isinstance(hidden, int) else 0.0
    rows = []
    for group, of in groups.items():
        known = [instead if value is None else value for value in of]
        told = {f"q{share:g}": quantile(known, start, width, share) for share in p}
        rows.append({**dict(zip(others, group, strict=True)), "n": sum(known), **told})
    return pd.DataFrame(rows)


def quantile(bins: Sequence[float], start: float, width: float, p: float) -> float | None:
    """The value below which the share `p` of the persons lies; none if nobody is counted."""
    total = sum(bins)
    if total <= 0:
        return None
    wanted, below, begin = p * total, 0.0, start
    answer = None
    for count in bins:
        if count > 0:
            answer = begin + width * min((wanted - below) / count, 1.0)
            if below + count >= wanted:
                break
        below += count
        begin += width
    return answer


def _grid(result: Result, column: str) -> tuple[int, int, int]:
    """Where the grid starts, how wide a bin is, and how many there are."""
    if result.plan is not None:
        for measure in result.plan.query.measures:
            if measure.HasField("histogram"):
                grid = measure.histogram
                return getattr(grid, "from"), grid.width, grid.bins
    raise QueryError(
        f"the grid of `{column}` is not known, for the result does not tell its query; "
        "run the query anew"
    )


def _place(label: str, start: int, width: int, count: int) -> int:
    found = _BIN.fullmatch(label)
    if not found:
        raise QueryError(f"`{label}` is no bin")
    if found[1] is not None:
        return 0
    if found[2] is not None:
        return count - 1
    return (int(found[3]) - start) // width
