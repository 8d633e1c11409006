"""A released table as text and as HTML: hidden cells with their reason, and the coverage."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .show import html_table, table

if TYPE_CHECKING:
    from .result import Result, Scalar

#: Rows that are shown of a long table.
ROWS_SHOWN_MAX = 60


def why_hidden(reason: str, smallest_cell: int) -> str:
    """Why a value is hidden, in words."""
    if reason == "few":
        return (
            f"fewer than {smallest_cell} persons, or for a mean or sum fewer than "
            f"{2 * smallest_cell}, or hidden to protect such a cell"
        )
    if reason == "dominance":
        return "one person could make most of the total"
    return "hidden for a reason that this version does not know"


def mark(reason: str, smallest_cell: int) -> str:
    """What stands in the place of a hidden value; the star leads to the reason."""
    if reason == "few":
        return f"<{smallest_cell}*"
    return "†" if reason == "dominance" else "‡"


def text(result: Result) -> str:
    header = tuple(result.columns)
    lines = table([header, *(tuple(row) for row in _cells(result))]) if header else []
    return "\n".join([*lines, "", *notes(result)])


def html(result: Result) -> str:
    reasons = {(one.row, one.column): one for one in result.hidden}
    rows = []
    for at, row in enumerate(_cells(result)):
        cells = []
        for name, cell in zip(result.columns, row, strict=True):
            hidden = reasons.get((at, name))
            shown = escape(cell)
            if hidden is not None:
                style = (
                    "color:#777;background:repeating-linear-gradient(45deg,#eee 0 4px,#fff 4px 8px)"
                )
                shown = f'<span style="{style}" title="{escape(hidden.why)}">{shown}</span>'
            cells.append(shown)
        rows.append(cells)
    head = [_heading(result, name) for name in result.columns]
    lines = "<br>".join(escape(note) for note in notes(result))
    return f"{html_table(head, rows)}<p><small>{lines}</small></p>"


def notes(result: Result) -> list[str]:
    """Everything that a reader of the table must know, in lines."""
    lines = []
    left_out = len(result) - ROWS_SHOWN_MAX
    if left_out > 0:
        lines.append(f"… and {left_out} rows more; `.arrow` and `.pandas()` have all")
    for reason in dict.fromkeys(one.reason for one in result.hidden):
        why = why_hidden(reason, result.smallest_cell)
        lines.append(f"{mark(reason, result.smallest_cell)}  {why}")
    lines.append(f"{result.coverage}.")
    counted = "Registrations" if result.counts_registrations else "Persons"
    once = " (a person once for each register)" if result.counts_registrations else ""
    lines.append(
        f"{counted}{once}, rounded to {result.rounding_base}; at least {result.smallest_cell} "
        "persons in each cell that is shown."
    )
    again = "Released before, on" if result.is_earlier else "Released"
    lines.append(f"{again} {result.released_at:%Y-%m-%d %H:%M} UTC, query {result.query_name}.")
    return lines


def _heading(result: Result, name: str) -> str:
    unit = result.unit.get(name, "")
    return f"{name} ({unit})" if unit not in ("", "1") else name


def _cells(result: Result) -> list[list[str]]:
    reasons = {(one.row, one.column): one.reason for one in result.hidden}
    rows = []
    for at, row in enumerate(result.rows[:ROWS_SHOWN_MAX]):
        cells = []
        for (name, kind), value in zip(result.columns.items(), row, strict=True):
            reason = reasons.get((at, name))
            if reason is not None:
                cells.append(mark(reason, result.smallest_cell))
            else:
                cells.append(_cell(value, kind))
        rows.append(cells)
    return rows


def _cell(value: Scalar, kind: str) -> str:
    if value is None:
        return "(missing)" if kind == "text" else ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
