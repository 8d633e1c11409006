"""A variable of a published view, and what can be asked of it.

Comparisons make conditions, `level`, `bands` and `by_year` make dimensions, `mean` and the like
make measures. What the catalogue rules out is refused here, when it is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from .condition import Condition
from .errors import QueryError
from .months import MonthLike, Period, first_month, month_after, period
from .parts import Dimension, Measure
from .research.v1 import catalogue_pb2, query_pb2 as wire

#: Codes in one list.
CODES_MAX = 200
#: Characters of one code.
CODE_CHARACTERS_MAX = 32

Kind = Literal["code", "number", "date"]
Value = str | int | float


@dataclass(frozen=True, eq=False, repr=False)
class Variable:
    """One variable, as the registers publish it."""

    view: str
    message: catalogue_pb2.Variable

    @property
    def name(self) -> str:
        return self.message.name

    @property
    def label_nb(self) -> str:
        return self.message.label_nb

    @property
    def label_en(self) -> str:
        return self.message.label_en

    @property
    def of_person(self) -> bool:
        """Whether it is of the person, and not of the event."""
        return self.message.of_person

    @property
    def kind(self) -> Kind:
        """A code of a code system, a number, or a date that is used by the month."""
        kind: Kind | None = self.message.WhichOneof("type")
        if kind is None:
            raise QueryError(f"`{self.name}` is published without a type, so it cannot be asked")
        return kind

    @property
    def unit(self) -> str:
        return self.message.number.unit

    @property
    def system(self) -> str:
        """The code system, with its version."""
        code = self.message.code
        return f"{code.system} {code.version}".strip()

    @property
    def levels(self) -> tuple[int, ...]:
        """How many characters the levels of the code system have, the coarsest first."""
        return tuple(self.message.code.level_characters)

    @property
    def clip(self) -> tuple[float, float] | None:
        """What values are clipped to before they are summed; without, there are no sums."""
        number = self.message.number
        if number.HasField("clip_from") and number.HasField("clip_to"):
            return number.clip_from, number.clip_to
        return None

    def __repr__(self) -> str:
        of = "person" if self.of_person else "event"
        told = {"code": self.system, "number": self.unit, "date": "by the month"}[self.kind]
        return f"<{self.view}.{self.name}: {self.kind} ({told}) of the {of}, {self.label_en!r}>"

    def __hash__(self) -> int:
        return hash((self.view, self.name))

    def __bool__(self) -> bool:
        raise QueryError(
            f"`{self.name}` is no value here; compare it, as in `view.{self.name} == …`"
        )

    # Conditions

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        if self.kind == "date":
            raise self._wrong("ask for months, as in `.between('2020-01', '2020-12')`")
        return self._compare(wire.OPERATOR_EQUAL, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        raise QueryError(
            f"`{self.name} != …` would leave open what becomes of a missing value; write "
            f"`~(view.{self.name} == …)`, which is true of it, or name what you want with `.is_in`"
        )

    def __lt__(self, other: Value | MonthLike) -> Condition:
        if self.kind == "date":
            return self._window(None, first_month(_month_like(other)))
        return self._compare(wire.OPERATOR_LESS, other)

    def __le__(self, other: Value | MonthLike) -> Condition:
        if self.kind == "date":
            return self._window(None, month_after(_month_like(other)))
        return self._compare(wire.OPERATOR_LESS_OR_EQUAL, other)

    def __gt__(self, other: Value | MonthLike) -> Condition:
        if self.kind == "date":
            return self._window(month_after(_month_like(other)), None)
        return self._compare(wire.OPERATOR_GREATER, other)

    def __ge__(self, other: Value | MonthLike) -> Condition:
        if self.kind == "date":
            return self._window(first_month(_month_like(other)), None)
        return self._compare(wire.OPERATOR_GREATER_OR_EQUAL, other)

    def between(self, first: Any, last: Any) -> Condition:
        """From `first` to `last`, both included; of a date, whole months, quarters or years."""
        if self.kind == "date":
            return self._window(first_month(_month_like(first)), month_after(_month_like(last)))
        within: Condition = (self >= first) & (self <= last)
        return within

    def is_in(self, values: Iterable[Value]) -> Condition:
        """One of these values."""
        found = list(values) if not isinstance(values, str) else [values]
        if not found:
            raise QueryError("the list is empty; name at least one value")
        if self.kind == "code":
            return self._codes(found, with_descendants=False)
        if self.kind == "date":
            raise self._wrong("ask for months, as in `.between('2020-01', '2020-12')`")
        any_of = self == found[0]
        for value in found[1:]:
            any_of = any_of | (self == value)
        return any_of

    def under(self, *codes: str) -> Condition:
        """One of these codes, or a code below one of them: `.under('I21', 'C50')`."""
        if self.kind != "code":
            raise self._wrong("`under` is for codes")
        for code in codes:
            self._check_level(code)
        return self._codes(codes, with_descendants=True)

    # Dimensions

    def level(self, level: int) -> Dimension:
        """By the code cut to a level of its code system, 1 being the coarsest."""
        self._need_dimension()
        if not 0 <= level <= len(self.levels):
            raise QueryError(
                f"`{self.name}` is of {self.system}, which has {len(self.levels)} levels here; "
                "1 is the coarsest, 0 the whole code"
            )
        code = wire.CodeLevel(variable=self.name, level=level)
        return Dimension(wire.Dimension(code=code), self.view, self)

    def bands(self, *begins: int) -> Dimension:
        """By bands of a number: `.bands(18, 65)` is below 18, from 18 to 64, and from 65."""
        self._need("number", "bands are of numbers")
        if not begins:
            raise QueryError("name where the bands begin, as in `.bands(18, 65)`")
        if any(not _is_whole(begin) for begin in begins):
            raise QueryError("bands begin at whole numbers")
        if any(one >= following for one, following in zip(begins, begins[1:], strict=False)):
            raise QueryError("bands begin at rising numbers; below the first is a band of its own")
        bands = wire.Bands(variable=self.name, begins=[int(begin) for begin in begins])
        return Dimension(wire.Dimension(bands=bands), self.view, self)

    def by(self, step: Period) -> Dimension:
        """By the year, quarter or month of a date."""
        self._need("date", "periods are of dates")
        date = wire.DatePeriod(variable=self.name, period=period(step))
        return Dimension(wire.Dimension(date=date), self.view, self)

    def by_year(self) -> Dimension:
        return self.by("year")

    def by_quarter(self) -> Dimension:
        return self.by("quarter")

    def by_month(self) -> Dimension:
        return self.by("month")

    # Measures

    def sum(self) -> Measure:
        return self._summed("sum")

    def mean(self) -> Measure:
        return self._summed("mean")

    def variance(self) -> Measure:
        return self._summed("variance")

    def histogram(self, start: int, *, width: int, bins: int) -> Measure:
        """Persons in `bins` bins of `width` from `start`; quantiles are read from it."""
        self._need("number", "a histogram is of a number")
        if width < 1 or bins < 1:
            raise QueryError("a histogram has at least one bin, each of width 1 or more")
        grid = wire.Histogram(variable=self.name, width=width, bins=bins)
        setattr(grid, "from", start)
        return Measure(wire.Measure(histogram=grid), self.view, (self,))

    # What the catalogue tells

    def _summed(self, measure: Literal["sum", "mean", "variance"]) -> Measure:
        self._need("number", f"a {measure} is of a number")
        if self.clip is None:
            raise QueryError(
                f"`{self.name}` is published without bounds to clip its values to, so it has no "
                f"{measure}; ask for a histogram or for bands"
            )
        message = wire.Measure()
        setattr(message, measure, self.name)
        return Measure(message, self.view, (self,))

    def _compare(self, operator: wire.Operator, value: object) -> Condition:
        comparison = wire.Comparison(
            variable=self.name, operator=operator, literal=self._literal(operator, value)
        )
        return self._condition(wire.Expression(comparison=comparison))

    def _literal(self, operator: wire.Operator, value: object) -> wire.Literal:
        if self.kind == "code":
            if operator != wire.OPERATOR_EQUAL:
                raise self._wrong("a code can only be equal; write `==`, `.is_in` or `.under`")
            return wire.Literal(code=_code(value))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(f"compare it with a number, not with {type(value).__name__}")
        if not math.isfinite(value):
            raise QueryError("compare with a finite number")
        if self.message.number.is_integer:
            if not _is_whole(value):
                raise self._wrong("it is whole, so compare it with a whole number")
            return wire.Literal(integer=int(value))
        if operator == wire.OPERATOR_EQUAL:
            raise self._wrong("it need not be whole, so ask whether it is less or greater")
        return wire.Literal(real=float(value))

    def _codes(self, values: Iterable[object], *, with_descendants: bool) -> Condition:
        codes = [_code(value) for value in values]
        if not 1 <= len(codes) <= CODES_MAX:
            raise QueryError(f"a list has 1 to {CODES_MAX} codes, this has {len(codes)}")
        membership = wire.CodeMembership(
            variable=self.name, codes=codes, with_descendants=with_descendants
        )
        return self._condition(wire.Expression(codes=membership))

    def _window(self, start: int | None, until: int | None) -> Condition:
        if start is not None and until is not None and start >= until:
            raise QueryError("the months end before they begin")
        window = wire.DateWindow(variable=self.name, from_month=start, until_month=until)
        return self._condition(wire.Expression(dates=window))

    def _condition(self, expression: wire.Expression) -> Condition:
        return Condition(expression, self.view, of_event=not self.of_person)

    def _need(self, kind: Kind, instead: str) -> None:
        if self.kind != kind:
            raise self._wrong(instead)

    def _need_dimension(self) -> None:
        self._need("code", "name a code, or divide with `.bands` or `.by_year`")
        if not self.message.code.is_dimension:
            raise QueryError(f"`{self.name}` may be compared, but no table may be divided by it")

    def _check_level(self, code: str) -> None:
        """A code between two levels would be a group that the register does not publish."""
        levels = self.levels
        if levels and len(code) not in levels and len(code) <= levels[-1]:
            characters = " or ".join(str(level) for level in levels)
            raise QueryError(
                f"`{code}` is at no level of {self.system}: codes above others have {characters} "
                "characters here"
            )

    def _wrong(self, instead: str) -> QueryError:
        return QueryError(f"`{self.name}` is a {self.kind}: {instead}")


def _is_whole(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _code(value: object) -> str:
    if not isinstance(value, str):
        raise QueryError(f"a code is text, as in 'I21', not {type(value).__name__}")
    if not 1 <= len(value) <= CODE_CHARACTERS_MAX or not all(
        sign.isalnum() or sign in ".-_/+*" for sign in value
    ):
        raise QueryError(
            f"a code is 1 to {CODE_CHARACTERS_MAX} letters, digits and any of `.-_/+*`"
        )
    return value


def _month_like(value: Any) -> MonthLike:
    if isinstance(value, float):
        raise QueryError("write '2020', '2020-Q3' or '2020-07'")
    month: MonthLike = value
    return month
