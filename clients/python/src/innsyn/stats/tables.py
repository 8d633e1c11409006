"""Takes a released table for statistics, and what is hidden in it as the caller says."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from ..errors import HiddenCells, QueryError
from ..result import Result

#: How hidden cells are taken: not at all, left out, or each for so many.
Hidden = Literal["refuse", "drop"] | int


class HiddenCellsWarning(UserWarning):
    """An estimate was made although cells are hidden."""


def counts(result: Result, column: str, hidden: Hidden) -> pd.DataFrame:
    """The table's dimensions with `column` as floats, without or with hidden cells as told."""
    if column not in result.measures:
        raise QueryError(f"the table has no column `{column}`; it has {result.measures}")
    frame = result.pandas()
    concealed = [one.row for one in result.hidden if one.column == column]
    take_hidden(len(concealed), len(frame), hidden, result.smallest_cell)
    values = frame[column].astype("Float64")
    if isinstance(hidden, int):
        values.iloc[concealed] = float(hidden)
    frame[column] = values.astype("float64")
    return frame.drop(index=frame.index[concealed]) if hidden == "drop" else frame


def take_hidden(number: int, of: int, hidden: Hidden, smallest_cell: int) -> None:
    """Refuses hidden cells, or warns of them, as the caller says."""
    if hidden not in ("refuse", "drop") and (not isinstance(hidden, int) or hidden < 0):
        raise QueryError("`hidden` is 'refuse', 'drop' or a number of persons")
    if number == 0:
        return
    told = f"{number} of {of} cells are hidden"
    if hidden == "refuse":
        raise HiddenCells(
            f"{told}; ask for coarser groups, or say how to take them: hidden='drop' leaves them "
            f"out, hidden=2 takes each for 2 persons"
        )
    how = "left out" if hidden == "drop" else f"taken for {hidden} persons each"
    warnings.warn(
        f"{told} and {how}; a hidden cell may hold fewer than {smallest_cell} persons, none, or "
        "any number if it protects another",
        HiddenCellsWarning,
        stacklevel=4,
    )


def person_column(result: Result) -> str:
    """The column that counts persons, or registrations."""
    for name in ("persons", "registrations"):
        if name in result.measures:
            return name
    of_counts = [name for name, kind in result.columns.items() if kind == "count"]
    if len(of_counts) == 1:
        return of_counts[0]
    raise QueryError(f"no column of {result.measures} is known to count persons; name it")


def need_dimensions(result: Result, names: Sequence[str]) -> None:
    for name in names:
        if name not in result.dimensions:
            raise QueryError(f"the table has no dimension `{name}`; it has {result.dimensions}")
