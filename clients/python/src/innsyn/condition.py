"""Conditions on persons and events, before they stand in a query.

A value that is missing makes every comparison false, and its negation true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from .errors import QueryError
from .research.v1 import query_pb2 as wire

if TYPE_CHECKING:
    from .catalogue import View

#: Comparisons, code lists, windows and events that one condition may be made of.
PREDICATES_MAX = 6
#: How deep a condition may be nested, each `&`, `|`, `~` and comparison counted.
NESTING_MAX = 16


@dataclass(frozen=True, eq=False)
class Condition:
    """True or false of a person or of an event; join them with `&`, `|` and `~`."""

    expression: wire.Expression
    #: The view whose variables it compares; none if it asks of events only.
    view: str | None
    #: Whether it compares a variable of an event.
    of_event: bool
    #: Whether it asks which events a person has.
    of_events: bool = False

    def __and__(self, other: Condition) -> Condition:
        return _joined([self, other], all_of=True)

    def __or__(self, other: Condition) -> Condition:
        return _joined([self, other], all_of=False)

    def __invert__(self) -> Condition:
        negated = wire.Expression()
        getattr(negated, "not").CopyFrom(self.expression)
        return Condition(negated, self.view, self.of_event, self.of_events)

    def __bool__(self) -> NoReturn:
        raise QueryError(
            "a condition is not true or false here; join conditions with `&`, `|` and `~`, "
            "each in parentheses, and write `.between(a, b)` instead of `a <= x <= b`"
        )

    def __repr__(self) -> str:
        return f"<condition {' '.join(str(self.expression).split())}>"

    def check_size(self) -> None:
        """Refuses what no register would take."""
        predicates, depth = _size(self.expression)
        if predicates > PREDICATES_MAX:
            raise QueryError(
                f"a condition is made of at most {PREDICATES_MAX} comparisons, this of "
                f"{predicates}; a list of codes is one: `.is_in(...)` or `.under(...)`"
            )
        if depth > NESTING_MAX:
            raise QueryError(f"a condition is nested at most {NESTING_MAX} deep")


def all_of(conditions: Iterable[Condition]) -> Condition | None:
    """All of the conditions; none of none."""
    found = list(conditions)
    for one in found:
        if not isinstance(one, Condition):
            raise QueryError(
                f"a condition compares variables, as in `view.sex == 'K'`; this is {one!r}"
            )
    if len(found) < 2:
        return found[0] if found else None
    return _joined(found, all_of=True)


def has_events(view: View, *conditions: Condition, at_least: int = 1) -> Condition:
    """The person has at least so many events in `view` that meet all conditions."""
    if not view.is_of_events:
        raise QueryError(f"`{view.name}` has one row per person; name a view of events")
    if at_least < 1:
        raise QueryError("`at_least` is 1 or more; for no event at all, write `~has_events(...)`")
    where = all_of(conditions)
    events = wire.Events(view=view.name, at_least=at_least)
    if where is not None:
        view.check(where)
        if where.of_events:
            raise QueryError("events cannot be asked of an event, only of a person")
        where.check_size()
        events.where.CopyFrom(where.expression)
    return Condition(wire.Expression(events=events), None, of_event=False, of_events=True)


def _joined(conditions: list[Condition], *, all_of: bool) -> Condition:
    views = {one.view for one in conditions if one.view is not None}
    if len(views) > 1:
        names = " and ".join(f"`{name}`" for name in sorted(views))
        raise QueryError(
            f"these conditions are of {names}; ask of another view's events with `has_events`"
        )
    of = wire.Expressions(of=[one.expression for one in conditions])
    expression = wire.Expression(all=of) if all_of else wire.Expression(any=of)
    return Condition(
        expression,
        next(iter(views), None),
        any(one.of_event for one in conditions),
        any(one.of_events for one in conditions),
    )


def _size(expression: wire.Expression) -> tuple[int, int]:
    """How many predicates, and how deep."""
    kind = expression.WhichOneof("expression")
    if kind in ("all", "any"):
        sizes = [_size(one) for one in getattr(expression, kind).of]
        return sum(size[0] for size in sizes), 1 + max(size[1] for size in sizes)
    if kind == "not":
        predicates, depth = _size(getattr(expression, "not"))
        return predicates, depth + 1
    return 1, 1
