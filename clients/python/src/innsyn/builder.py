"""Builds the query that the gateway takes.

A :class:`Query` never changes: each method gives a new one. In a view of events, conditions on
variables of the person choose persons and all others choose events, as in SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import text_format

from . import normal
from .catalogue import View
from .condition import Condition, all_of
from .errors import QueryError
from .parts import Dimension, Measure
from .research.v1 import query_pb2 as wire

if TYPE_CHECKING:
    from .variable import Variable

#: A histogram or life table is one of them.
DIMENSIONS_MAX = 6
MEASURES_MAX = 16


class Query:
    """A question over one view."""

    def __init__(self, view: View, message: wire.Query | None = None) -> None:
        self.view = view
        self._message = message or wire.Query(view=view.name)

    def where(self, *conditions: Condition) -> Query:
        """Only persons, and of their events only those, that meet all conditions."""
        persons: list[Condition] = []
        events: list[Condition] = []
        for condition in conditions:
            all_of([condition])
            self.view.check(condition)
            (events if self.view.is_of_events and condition.of_event else persons).append(condition)
        query = self
        if persons:
            query = query.persons_where(*persons)
        return query.events_where(*events) if events else query

    def persons_where(self, *conditions: Condition) -> Query:
        """Only persons who meet all conditions."""
        joined = self._joined(conditions, "population")
        if self.view.is_of_events and joined.of_event:
            raise QueryError(
                "persons are chosen by variables of the person; choose events with `where`, or "
                "persons by their events with `has_events`"
            )
        changed = self._copy()
        changed.population.CopyFrom(joined.expression)
        return Query(self.view, changed)

    def events_where(self, *conditions: Condition) -> Query:
        """Only events that meet all conditions, also such as are of the person."""
        self._need_events("events are chosen in a view of events")
        joined = self._joined(conditions, "rows")
        if joined.of_events:
            raise QueryError(
                "`has_events` is asked of a person; join it to other conditions with a comma or a "
                "second `where`, not with `|` to conditions of events"
            )
        changed = self._copy()
        changed.rows.where.CopyFrom(joined.expression)
        if changed.rows.pick == wire.PICK_UNSPECIFIED:
            changed.rows.pick = wire.PICK_ALL
        return Query(self.view, changed)

    def first(self) -> Query:
        """Each person's first event that meets the conditions, or the first in each period."""
        return self._pick(wire.PICK_FIRST)

    def last(self) -> Query:
        """Each person's last event that meets the conditions, or the last in each period."""
        return self._pick(wire.PICK_LAST)

    def by(self, *dimensions: Dimension | Variable) -> Query:
        """Divides the table; a variable of a code stands for its whole codes."""
        changed = self._copy()
        for given in dimensions:
            dimension = self._dimension(given)
            if dimension.period is not None:
                self._need_events("the period of the rows is that of events")
                if changed.period not in (wire.PERIOD_UNSPECIFIED, dimension.period):
                    raise QueryError("a query has one period: a year, a quarter or a month")
                changed.period = dimension.period
            if dimension.message in changed.dimensions:
                raise QueryError("the table is divided by this already")
            changed.dimensions.append(dimension.message)
        return Query(self.view, changed)

    def measure(self, *measures: Measure) -> Query:
        """What the table tells of each cell; without, persons."""
        changed = self._copy()
        for measure in measures:
            if not isinstance(measure, Measure):
                raise QueryError(
                    f"a measure is `innsyn.persons()`, `view.days.mean()` or such, not {measure!r}"
                )
            if measure.view not in (None, self.view.name):
                raise QueryError(f"this measure is of `{measure.view}`, not of `{self.view.name}`")
            if measure.kind == "events":
                self._need_events("events are counted in a view of events")
            if measure.message in changed.measures:
                raise QueryError("the table tells this already")
            changed.measures.append(measure.message)
        return Query(self.view, changed)

    def at(self, *registers: str) -> Query:
        """Only these registers; without, all that publish the view."""
        changed = self._copy()
        for register in registers:
            if register not in self.view.registers:
                from .catalogue import UnknownName, nearest

                raise UnknownName(
                    f"register `{register}` does not publish `{self.view.name}` as far as is known "
                    f"now; {nearest(register, self.view.registers)}"
                )
            if register not in changed.registers:
                changed.registers.append(register)
        return Query(self.view, changed)

    def to_proto(self) -> wire.Query:
        """The message, checked as far as the catalogue tells."""
        message = self._copy()
        if not message.measures:
            message.measures.append(wire.Measure(persons=wire.Persons()))
        self._check(message)
        return message

    def text(self) -> str:
        """The message in protobuf's text format."""
        return str(text_format.MessageToString(self.to_proto()))

    def normal(self) -> wire.Query:
        """The normal form: equal for queries that say the same."""
        return normal.query(self.to_proto())

    @property
    def name(self) -> str:
        """The name by which ledgers and logs of use call it: SHA-256 of the normal form."""
        return normal.name(self.normal())

    def __repr__(self) -> str:
        return f"<innsyn query>\n{text_format.MessageToString(self._message)}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Query) and self._message == other._message

    def __hash__(self) -> int:
        return hash(self._message.SerializeToString(deterministic=True))

    def _copy(self) -> wire.Query:
        copy = wire.Query()
        copy.CopyFrom(self._message)
        return copy

    def _joined(self, conditions: tuple[Condition, ...], place: str) -> Condition:
        joined = all_of(conditions)
        if joined is None:
            raise QueryError("name at least one condition")
        self.view.check(joined)
        before = None
        if place == "population" and self._message.HasField("population"):
            before = self._message.population
        elif place == "rows" and self._message.rows.HasField("where"):
            before = self._message.rows.where
        if before is not None:
            joined = Condition(before, self.view.name, of_event=False) & joined
        joined.check_size()
        return joined

    def _pick(self, pick: wire.Pick) -> Query:
        self._need_events("the first or last is of many events")
        changed = self._copy()
        if changed.rows.pick in (wire.PICK_FIRST, wire.PICK_LAST) and changed.rows.pick != pick:
            raise QueryError(
                "a person's row is made by the first event or by the last, not by both"
            )
        changed.rows.pick = pick
        return Query(self.view, changed)

    def _dimension(self, given: object) -> Dimension:
        from .variable import Variable

        if isinstance(given, Variable):
            if given.kind != "code":
                how = ".bands(18, 65)" if given.kind == "number" else ".by_year()"
                raise QueryError(
                    f"`{given.name}` is a {given.kind}; divide by it with `{given.name}{how}`"
                )
            given = given.level(0)
        if not isinstance(given, Dimension):
            raise QueryError(
                f"a table is divided by such as `view.sex` or `innsyn.year()`, not by {given!r}"
            )
        if given.view not in (None, self.view.name):
            raise QueryError(f"this dimension is of `{given.view}`, not of `{self.view.name}`")
        return given

    def _need_events(self, why: str) -> None:
        if not self.view.is_of_events:
            raise QueryError(f"{why}, and `{self.view.name}` has one row per person")

    def _check(self, message: wire.Query) -> None:
        of_many = self.view.is_of_events and message.rows.pick not in (
            wire.PICK_FIRST,
            wire.PICK_LAST,
        )
        alone = [one for one in message.measures if one.HasField("histogram") or
                 one.HasField("life_table")]  # fmt: skip
        if alone and len(message.measures) > 1:
            raise QueryError(
                "a histogram or a life table is a table of its own; ask for other measures in "
                "another query"
            )
        if len(message.measures) > MEASURES_MAX:
            raise QueryError(f"a table has at most {MEASURES_MAX} measures")
        if len(message.dimensions) + len(alone) > DIMENSIONS_MAX:
            raise QueryError(
                f"a table has at most {DIMENSIONS_MAX} dimensions, a histogram or life table "
                "being one of them"
            )
        followed = any(
            one.HasField("life_table") or one.HasField("person_time") for one in message.measures
        )
        if followed and message.period:
            raise QueryError("life tables and person-time are not asked by period")
        for name in _one_value_names(message, of_many):
            if of_many and not self.view[name].of_person:
                raise QueryError(
                    f"`{name}` is of an event, and a person may have many; choose one with "
                    "`.first()` or `.last()`"
                )


def _one_value_names(message: wire.Query, of_many: bool) -> list[str]:
    """The variables of which a row must have one value."""
    names = []
    for dimension in message.dimensions:
        kind = dimension.WhichOneof("dimension")
        if kind in ("code", "bands", "date"):
            names.append(getattr(dimension, kind).variable)
    for measure in message.measures:
        kind = measure.WhichOneof("measure")
        if kind in ("sum", "mean", "variance"):
            names.append(getattr(measure, kind))
        elif kind == "histogram":
            names.append(measure.histogram.variable)
        elif kind in ("life_table", "person_time"):
            followed = getattr(measure, kind)
            names.extend((followed.entry, followed.event, followed.exit))
    return names if of_many else []


def query(view: View) -> Query:
    """Starts a query over `view`."""
    if not isinstance(view, View):
        raise QueryError("a query begins with a view of the catalogue: `catalogue['stays']`")
    return Query(view)
