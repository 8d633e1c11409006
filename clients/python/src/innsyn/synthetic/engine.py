"""Counts dummy rows as a register counts its own: one row per person and period, then cells."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..catalogue import View
from ..months import MONTHS_IN, month_of
from ..research.v1 import query_pb2 as wire
from .data import PERSON, Dummy, Row

#: A value along a dimension: a code, a number, or missing; in this order.
Category = tuple[int, str] | tuple[int, int] | tuple[int]
Key = tuple[Category, ...]
MISSING: Category = (2,)


@dataclass
class Moments:
    """Values, their sum and sum of squares about the catalogue's centre."""

    n: int = 0
    s: float = 0.0
    q: float = 0.0

    def add(self, other: Moments) -> None:
        self.n, self.s, self.q = self.n + other.n, self.s + other.s, self.q + other.q


@dataclass
class Part:
    """One register's part of a cell."""

    persons: int = 0
    events: int = 0
    moments: dict[str, Moments] = field(default_factory=dict)


Cells = dict[Key, Part]


def count(query: wire.Query, register: str, data: Dummy) -> Cells:
    """The cells of one register."""
    table = data[query.view]
    view = table.view
    rows = [
        row
        for row in table.rows.get(register, [])
        if (not query.HasField("population") or holds(query.population, row, register, data))
        and (not query.rows.HasField("where") or holds(query.rows.where, row, register, data))
    ]
    published = next(one for one in view.published if one.register_id == register)
    last_month = published.until_month - 1
    event_date = view.event_date.name if view.event_date is not None else None
    counts_events = view.is_of_events and not any(
        one.HasField("histogram") or one.HasField("life_table") for one in query.measures
    )
    cells: Cells = {}
    for (_, period), of_person in _collapsed(rows, query, event_date).items():
        row = of_person[0]
        key = tuple(_category(one, row, period, query, data) for one in query.dimensions)
        key += tuple(_spread(query, row, last_month))
        part = cells.setdefault(key, Part())
        part.persons += 1
        # Of a view of persons, of bins and of steps only persons are counted.
        part.events += len(of_person) if counts_events else 0
        for measure in query.measures:
            if (name := summed_name(measure)) is not None:
                moments = part.moments.setdefault(name, Moments())
                _add(moments, _summed_value(measure, row, last_month), bounds(measure, view))
    return cells


def holds(expression: wire.Expression, row: Row, register: str, data: Dummy) -> bool:
    """Whether it is true of the row; about a missing value every comparison is false."""
    kind = expression.WhichOneof("expression")
    if kind == "all":
        return all(holds(one, row, register, data) for one in expression.all.of)
    if kind == "any":
        return any(holds(one, row, register, data) for one in expression.any.of)
    if kind == "not":
        return not holds(getattr(expression, "not"), row, register, data)
    if kind == "events":
        return _has_events(expression.events, row, register, data)
    if kind == "codes":
        return _is_among(expression.codes, row[expression.codes.variable])
    if kind == "dates":
        return _is_within(expression.dates, row[expression.dates.variable])
    return _compares(expression.comparison, row[expression.comparison.variable])


def _has_events(events: wire.Events, row: Row, register: str, data: Dummy) -> bool:
    found = sum(
        not events.HasField("where") or holds(events.where, event, register, data)
        for event in data[events.view].of_person(register, row[PERSON])
    )
    return found >= events.at_least


def _is_among(membership: wire.CodeMembership, value: object) -> bool:
    if not isinstance(value, str):
        return False
    if membership.with_descendants:
        return value.startswith(tuple(membership.codes))
    return value in membership.codes


def _is_within(window: wire.DateWindow, value: object) -> bool:
    if not isinstance(value, datetime.date):
        return False
    month = month_of(value)
    after = not window.HasField("from_month") or window.from_month <= month
    return after and (not window.HasField("until_month") or month < window.until_month)


def _compares(comparison: wire.Comparison, value: object) -> bool:
    literal = getattr(comparison.literal, comparison.literal.WhichOneof("literal") or "code")
    if isinstance(value, str):
        return bool(value == literal)
    if not isinstance(value, (int, float)):
        return False
    return bool(
        {
            wire.OPERATOR_EQUAL: value == literal,
            wire.OPERATOR_LESS: value < literal,
            wire.OPERATOR_LESS_OR_EQUAL: value <= literal,
            wire.OPERATOR_GREATER: value > literal,
            wire.OPERATOR_GREATER_OR_EQUAL: value >= literal,
        }[comparison.operator]
    )


def _collapsed(
    rows: Iterable[Row], query: wire.Query, event_date: str | None
) -> dict[tuple[object, int], list[Row]]:
    """Each person's rows, by period; one of them where the first or last is picked."""
    months = MONTHS_IN.get(query.period, 0)
    found: dict[tuple[object, int], list[Row]] = {}
    for row in rows:
        period = 0
        if months and event_date is not None:
            period = _month(row[event_date]) // months * months
        found.setdefault((row[PERSON], period), []).append(row)
    if query.rows.pick in (wire.PICK_FIRST, wire.PICK_LAST) and event_date is not None:
        pick = min if query.rows.pick == wire.PICK_FIRST else max
        name = event_date
        return {
            key: [pick(of, key=lambda row: (str(row[name]), str(row)))] for key, of in found.items()
        }
    return found


def _category(
    dimension: wire.Dimension, row: Row, period: int, query: wire.Query, data: Dummy
) -> Category:
    kind = dimension.WhichOneof("dimension")
    if kind == "period":
        return (1, period)
    value = row[getattr(dimension, str(kind)).variable]
    if value is None:
        return MISSING
    if kind == "code":
        levels = data[query.view].view[dimension.code.variable].levels
        level = dimension.code.level
        return (0, str(value)[: levels[level - 1]] if level else str(value))
    if kind == "bands":
        number = float(str(value))
        return (1, sum(begin <= number for begin in dimension.bands.begins))
    months = MONTHS_IN[dimension.date.period]
    return (1, _month(value) // months * months)


def _spread(query: wire.Query, row: Row, last_month: int) -> list[Category]:
    """The bin or step that one more dimension is."""
    for measure in query.measures:
        if measure.HasField("histogram"):
            grid = measure.histogram
            value = row[grid.variable]
            if not isinstance(value, (int, float)):
                return [MISSING]
            place = int((value - getattr(grid, "from")) // grid.width)
            return [(1, min(max(place, 0), grid.bins - 1))]
        if measure.HasField("life_table"):
            return [_step(measure.life_table, row, last_month)]
    return []


def _step(table: wire.LifeTable, row: Row, last_month: int) -> Category:
    followed = _followed(table, row, last_month)
    if followed is None:
        return MISSING
    months, had_event = followed
    step = months // MONTHS_IN[table.step]
    if step >= table.steps:
        return (1, 2 * table.steps)
    return (1, 2 * step + (0 if had_event else 1))


def _followed(
    dates: wire.LifeTable | wire.PersonTime, row: Row, last_month: int
) -> tuple[int, bool] | None:
    """For how many months someone is followed, and whether they then have the event.

    Who left before the event did not have it; who did neither left with the last month.
    """
    entry, event, exit_date = (row[name] for name in (dates.entry, dates.event, dates.exit))
    if entry is None:
        return None
    left = None if exit_date is None else _month(exit_date)
    had_event = event is not None and (left is None or _month(event) <= left)
    end = _month(event) if had_event else (last_month if left is None else left)
    months = end - _month(entry)
    return None if months < 0 else (months, had_event)


def summed_name(measure: wire.Measure) -> str | None:
    """What a measure sums, in words; equal for those that sum the same; none if it counts."""
    kind = measure.WhichOneof("measure")
    if kind in ("sum", "mean", "variance"):
        return str(getattr(measure, kind))
    if kind == "person_time":
        time = measure.person_time
        return f"person_time({time.entry}, {time.event}, {time.exit})"
    return None


def bounds(measure: wire.Measure, view: View) -> tuple[float, float, float]:
    """Between what a summed value is clipped, and the centre."""
    if measure.HasField("person_time"):
        return 0.0, float(view.until_month - view.from_month), 0.0
    variable = view[getattr(measure, measure.WhichOneof("measure") or "sum")]
    low, high = variable.clip or (0.0, 1.0)
    return low, high, variable.message.number.centre


def _summed_value(measure: wire.Measure, row: Row, last_month: int) -> object:
    if measure.HasField("person_time"):
        followed = _followed(measure.person_time, row, last_month)
        return None if followed is None else followed[0]
    return row[getattr(measure, measure.WhichOneof("measure") or "sum")]


def _add(moments: Moments, value: object, within: tuple[float, float, float]) -> None:
    if not isinstance(value, (int, float)):
        return
    low, high, centre = within
    off = min(max(float(value), low), high) - centre
    moments.add(Moments(1, off, off * off))


def _month(value: object) -> int:
    return month_of(value) if isinstance(value, datetime.date) else 0
