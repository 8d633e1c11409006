"""Months and periods, as researchers write them and as queries count them: from January 1970."""

from __future__ import annotations

import datetime
import re
from typing import Literal

from .errors import QueryError
from .research.v1 import query_pb2 as wire

Period = Literal["year", "quarter", "month"]
#: `2020`, `2020-Q3`, `2020-07`, or a date on the first day of a month.
MonthLike = str | int | datetime.date

PERIODS: dict[str, wire.Period] = {
    "year": wire.PERIOD_YEAR,
    "quarter": wire.PERIOD_QUARTER,
    "month": wire.PERIOD_MONTH,
}
MONTHS_IN: dict[int, int] = {wire.PERIOD_YEAR: 12, wire.PERIOD_QUARTER: 3, wire.PERIOD_MONTH: 1}

_WRITTEN = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})(?:-(\d{2}))?))?")


def period(name: str) -> wire.Period:
    """The period called `name`."""
    if name not in PERIODS:
        raise QueryError(f"`{name}` is no period; write 'year', 'quarter' or 'month'")
    return PERIODS[name]


def first_month(when: MonthLike) -> int:
    """The month with which `when` begins."""
    return _months(when)[0]


def month_after(when: MonthLike) -> int:
    """The month after `when`: a year ends with its last month."""
    return _months(when)[1]


def _months(when: MonthLike) -> tuple[int, int]:
    if isinstance(when, datetime.date):
        if when.day != 1:
            raise QueryError(
                f"a date is used by the month and never finer; write '{when:%Y-%m}' for the month"
            )
        return _span((when.year - 1970) * 12 + when.month - 1, 1)
    if isinstance(when, int):
        return _span((when - 1970) * 12, 12)
    found = _WRITTEN.fullmatch(when)
    if not found:
        raise QueryError("that is no month; write '2020', '2020-Q3' or '2020-07'")
    year, quarter, month, day = found.groups()
    start = (int(year) - 1970) * 12
    if quarter:
        return _span(start + (int(quarter) - 1) * 3, 3)
    if not month:
        return _span(start, 12)
    if not 1 <= int(month) <= 12:
        raise QueryError("that is no month; write '2020', '2020-Q3' or '2020-07'")
    if day not in (None, "01"):
        raise QueryError(
            f"a date is used by the month and never finer; write '{year}-{month}' for the month"
        )
    return _span(start + int(month) - 1, 1)


def _span(first: int, months: int) -> tuple[int, int]:
    return first, first + months


def label(month: int, months: int = 1) -> str:
    """The period of `months` months that begins with `month`: `2020`, `2020-Q3` or `2020-07`."""
    year, within = 1970 + month // 12, month % 12
    if months == 12:
        return str(year)
    if months == 3:
        return f"{year}-Q{within // 3 + 1}"
    return f"{year}-{within + 1:02}"


def month_of(date: datetime.date) -> int:
    """The month that `date` is in."""
    return (date.year - 1970) * 12 + date.month - 1
