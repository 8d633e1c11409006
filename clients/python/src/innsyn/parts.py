"""What a table is divided by, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import QueryError
from .months import Period, period
from .research.v1 import query_pb2 as wire

if TYPE_CHECKING:
    from .variable import Variable


@dataclass(frozen=True, eq=False)
class Dimension:
    """What a table is divided by."""

    message: wire.Dimension
    #: The view of its variable; none of the rows' own period.
    view: str | None = None
    variable: Variable | None = None
    #: The rows' own period, if it is that.
    period: wire.Period | None = None


@dataclass(frozen=True, eq=False)
class Measure:
    """What a table tells of each of its cells."""

    message: wire.Measure
    #: The view of its variables; none if it has none.
    view: str | None = None
    variables: tuple[Variable, ...] = ()

    @property
    def kind(self) -> str:
        return self.message.WhichOneof("measure") or ""

    @property
    def is_table_of_its_own(self) -> bool:
        """Whether its bins or steps are one more dimension, so that it stands alone."""
        return self.kind in ("histogram", "life_table")


def year() -> Dimension:
    """By the year that events fall in; a person counts once in each."""
    return _own("year")


def quarter() -> Dimension:
    """By the quarter that events fall in; a person counts once in each."""
    return _own("quarter")


def month() -> Dimension:
    """By the month that events fall in; a person counts once in each."""
    return _own("month")


def _own(name: Period) -> Dimension:
    return Dimension(wire.Dimension(period=wire.OwnPeriod()), period=period(name))


def persons() -> Measure:
    """How many persons."""
    return Measure(wire.Measure(persons=wire.Persons()))


def events() -> Measure:
    """How many events the persons have."""
    return Measure(wire.Measure(events=wire.EventCount()))


def histogram(variable: Variable, start: int, *, width: int, bins: int) -> Measure:
    """Persons by bins of a number; quantiles are read from it."""
    return variable.histogram(start, width=width, bins=bins)


def life_table(
    entry: Variable, event: Variable, exit: Variable, *, step: Period = "month", steps: int
) -> Measure:
    """Persons who had the event, or left without it, by whole steps since they came in."""
    dates = _dates(entry, event, exit)
    if steps < 1:
        raise QueryError("a life table has at least one step")
    table = wire.LifeTable(
        entry=entry.name, event=event.name, exit=exit.name, step=period(step), steps=steps
    )
    return Measure(wire.Measure(life_table=table), entry.view, dates)


def person_time(entry: Variable, event: Variable, exit: Variable) -> Measure:
    """The months that persons were followed, from entry to the event or to having left."""
    dates = _dates(entry, event, exit)
    time = wire.PersonTime(entry=entry.name, event=event.name, exit=exit.name)
    return Measure(wire.Measure(person_time=time), entry.view, dates)


def _dates(*dates: Variable) -> tuple[Variable, ...]:
    """Three dates between which persons are followed."""
    for date in dates:
        if date.kind != "date":
            raise QueryError(f"`{date.name}` is a {date.kind}; persons are followed by dates")
    if len({date.view for date in dates}) > 1:
        raise QueryError("persons are followed by dates of one view")
    if len({date.name for date in dates}) < len(dates):
        raise QueryError("persons are followed by three different dates")
    return dates
