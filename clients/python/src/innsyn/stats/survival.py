"""Survival from a released life table: Kaplan and Meier, and the log-rank test.

A life table counts persons by whole steps since they came in, those who had the event apart from
those who left without it. Who leaves in a step is at risk until its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..errors import QueryError
from ..result import Result
from .tables import Hidden, need_dimensions, person_column, take_hidden

_Z95 = 1.959963984540054
Group = tuple[str | None, ...]


@dataclass(frozen=True)
class Survival:
    """Survival of one group, step by step."""

    #: The group's categories by dimension; empty of the whole table.
    group: dict[str, str | None]
    #: By step: `at_risk`, `events`, `censored`, `survival`, `std_error`, `lower`, `upper`; with
    #: `hidden="bounds"` also `survival_low` and `survival_high`.
    frame: pd.DataFrame
    #: Persons who were still there after the last step.
    beyond: float

    @property
    def median(self) -> float:
        """The number of steps after which half are without the event; infinite if never."""
        below = self.frame.index[self.frame["survival"] <= 0.5]
        return float(below[0]) + 1 if len(below) else math.inf

    def to_lifelines(self) -> Any:
        """A fitted `lifelines.KaplanMeierFitter`; a person's time is the end of the step."""
        from lifelines import KaplanMeierFitter

        steps = np.arange(1, len(self.frame) + 1)
        times = np.concatenate([steps, steps, [len(steps) + 1]])
        had_event = np.concatenate([np.ones(len(steps)), np.zeros(len(steps) + 1)])
        weights = np.concatenate([self.frame["events"], self.frame["censored"], [self.beyond]])
        counted = weights > 0
        label = ", ".join(str(text) for text in self.group.values()) or "all"
        return KaplanMeierFitter().fit(
            times[counted], had_event[counted], weights=weights[counted], label=label
        )


@dataclass(frozen=True)
class LogRank:
    """Whether survival differs between groups."""

    statistic: float
    degrees_of_freedom: int
    p_value: float
    #: By group: events observed and expected.
    frame: pd.DataFrame


def kaplan_meier(
    result: Result, by: list[str] | None = None, *, hidden: Hidden | Literal["bounds"] = "refuse"
) -> list[Survival]:
    """Survival in each group of the dimensions `by`; of all that the table has, if not told.

    With ``hidden="bounds"`` hidden cells are left out of `survival`, and `survival_low` and
    `survival_high` tell what it were if each held as many or as few as the threshold hides. A
    cell that is hidden to protect another may hold more.
    """
    groups = _groups(result, by, hidden)
    return [_survival(group, leavers) for group, leavers in groups]


def logrank(result: Result, by: list[str] | None = None, *, hidden: Hidden = "refuse") -> LogRank:
    """Tests whether survival is the same in all groups."""
    from scipy.stats import chi2

    groups = _groups(result, by, hidden)
    if len(groups) < 2:
        raise QueryError("a log-rank test compares groups; divide the life table by a dimension")
    events = np.array([leavers.events for _, leavers in groups])
    at_risk = np.array([leavers.at_risk for _, leavers in groups])
    all_events, all_at_risk = events.sum(axis=0), at_risk.sum(axis=0)
    anybody = all_at_risk > 0
    share = np.divide(at_risk, all_at_risk, out=np.zeros_like(at_risk), where=anybody)
    expected = (share * all_events).sum(axis=1)
    lone = all_at_risk > 1
    factor = np.zeros_like(all_at_risk)
    factor[lone] = (
        all_events[lone] * (all_at_risk[lone] - all_events[lone]) / (all_at_risk[lone] - 1)
    )
    count = len(groups) - 1
    difference = (events.sum(axis=1) - expected)[:count]
    variance = np.empty((count, count))
    for one in range(count):
        for other in range(count):
            same = 1.0 if one == other else 0.0
            variance[one, other] = (factor * share[one] * (same - share[other])).sum()
    statistic = float(difference @ np.linalg.pinv(variance) @ difference)
    frame = pd.DataFrame([group for group, _ in groups])
    frame["observed"], frame["expected"] = events.sum(axis=1), expected
    return LogRank(statistic, count, float(chi2.sf(statistic, count)), frame)


class _Leavers:
    """How many leave in each step, of one group."""

    def __init__(self, steps: int, smallest_cell: int) -> None:
        self.events = np.zeros(steps)
        self.censored = np.zeros(steps)
        self.beyond = 0.0
        # How many cells of each are hidden.
        self.hidden_events = np.zeros(steps)
        self.hidden_censored = np.zeros(steps)
        self.hidden_beyond = 0
        self.few_max = smallest_cell - 1
        self.with_bounds = False

    @property
    def at_risk(self) -> Any:
        return _at_risk(self.events, self.censored, self.beyond)


def _at_risk(events: Any, censored: Any, beyond: float) -> Any:
    leaving = events + censored
    return leaving[::-1].cumsum()[::-1] + beyond


def _product(events: Any, at_risk: Any) -> Any:
    share = np.divide(events, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    return np.cumprod(1 - share)


def _survival(group: dict[str, str | None], leavers: _Leavers) -> Survival:
    events, at_risk = leavers.events, leavers.at_risk
    survival = _product(events, at_risk)
    left = at_risk * (at_risk - events)
    greenwood = np.cumsum(np.divide(events, left, out=np.zeros_like(left), where=left > 0))
    std_error = survival * np.sqrt(greenwood)
    lower, upper = _log_log(survival, greenwood)
    columns = {
        "at_risk": at_risk,
        "events": events,
        "censored": leavers.censored,
        "survival": survival,
        "std_error": std_error,
        "lower": lower,
        "upper": upper,
    }
    if leavers.with_bounds:
        columns["survival_low"], columns["survival_high"] = _bounds(leavers)
    frame = pd.DataFrame(columns)
    frame.index.name = "step"
    return Survival(group, frame, leavers.beyond)


def _bounds(leavers: _Leavers) -> tuple[Any, Any]:
    """The least and the greatest survival after each step.

    An event lowers what comes after it and raises what comes before, for its person was at risk
    until then; who leaves without one only raises.
    """
    few_max, steps = leavers.few_max, len(leavers.events)
    most_events = leavers.events + few_max * leavers.hidden_events
    most_censored = leavers.censored + few_max * leavers.hidden_censored
    most_beyond = leavers.beyond + few_max * leavers.hidden_beyond
    low, high = np.ones(steps), np.ones(steps)
    for step in range(steps):
        until = np.arange(steps) <= step
        many = np.where(until, most_events, leavers.events)
        few = np.where(until, leavers.events, most_events)
        at_least = _at_risk(many, leavers.censored, leavers.beyond)
        at_most = _at_risk(few, most_censored, most_beyond)
        low[step] = _product(many, at_least)[step]
        high[step] = _product(few, at_most)[step]
    return low, high


def _log_log(survival: Any, greenwood: Any) -> tuple[Any, Any]:
    """The 95 % interval on the scale of log(−log S), as lifelines has it."""
    inside = (survival > 0) & (survival < 1)
    log = np.log(survival, out=np.full_like(survival, -1.0), where=inside)
    spread = _Z95 * np.sqrt(greenwood) / log
    centre = np.log(-log)
    lower = np.where(inside, np.exp(-np.exp(centre - spread)), survival)
    upper = np.where(inside, np.exp(-np.exp(centre + spread)), survival)
    return lower, upper


def _groups(
    result: Result, by: list[str] | None, hidden: Hidden | Literal["bounds"]
) -> list[tuple[dict[str, str | None], _Leavers]]:
    if not {"step", "left_by"} <= set(result.dimensions):
        raise QueryError("that is no life table; ask for one with `innsyn.life_table(...)`")
    others = [name for name in result.dimensions if name not in ("step", "left_by")]
    by = others if by is None else by
    need_dimensions(result, by)
    persons = person_column(result)
    names = list(result.columns)
    step_at, left_by_at, value_at = (names.index(name) for name in ("step", "left_by", persons))
    group_at = [names.index(name) for name in by]
    steps = _steps(result, step_at, left_by_at)
    whole: dict[Group, set[Group]] = {}
    values: dict[tuple[Group, str, int], list[float | None]] = {}
    other_at = [names.index(name) for name in others]
    for row in result.rows:
        step, left_by, value = row[step_at], row[left_by_at], row[value_at]
        group = tuple(_text(row[at]) for at in group_at)
        whole.setdefault(group, set()).add(tuple(_text(row[at]) for at in other_at))
        if step is None:
            continue  # they never came in
        number = None if value is None else float(value)
        values.setdefault((group, str(left_by), int(step)), []).append(number)
    found, concealed = [], 0
    for group, parts in whole.items():
        leavers = _Leavers(steps, result.smallest_cell)
        leavers.with_bounds = hidden == "bounds"
        for step in range(steps):
            for left_by, into, flags in (
                ("event", leavers.events, leavers.hidden_events),
                ("exit", leavers.censored, leavers.hidden_censored),
            ):
                # A step that is not named at all is hidden as well, in each of the parts.
                told = values.get((group, left_by, step), [None] * len(parts))
                unknown = sum(value is None for value in told)
                flags[step] = unknown
                concealed += unknown
                into[step] = sum(value or 0.0 for value in told) + unknown * _taken(hidden)
        told = values.get((group, "beyond", steps), [None] * len(parts))
        unknown = leavers.hidden_beyond = sum(value is None for value in told)
        concealed += unknown
        leavers.beyond = sum(value or 0.0 for value in told) + unknown * _taken(hidden)
        found.append((dict(zip(by, group, strict=True)), leavers))
    cells = len(found) * (2 * steps + 1)
    take_hidden(concealed, cells, "drop" if hidden == "bounds" else hidden, result.smallest_cell)
    return found


def _taken(hidden: Hidden | Literal["bounds"]) -> float:
    return float(hidden) if isinstance(hidden, int) else 0.0


def _steps(result: Result, step_at: int, left_by_at: int) -> int:
    """How many steps were asked for: the query tells, for the table may not name the last."""
    if result.plan is not None:
        for measure in result.plan.query.measures:
            if measure.HasField("life_table"):
                return measure.life_table.steps
    named = [
        int(str(row[step_at])) + (row[left_by_at] != "beyond")
        for row in result.rows
        if row[step_at] is not None
    ]
    return max(named, default=0)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
