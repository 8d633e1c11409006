"""What of a counted table may leave, by the rules of the gateway's release desk: threshold,
complementary check, rounding, and numbers that one person cannot make.

It is a second writing of `broker/src/research/desk.rs`, for made-up data only: nothing that a
register holds ever comes here.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from ..errors import NotReleasable
from .engine import Category, Cells, Key, Moments, Part
from .protect import ANY, Column, Interval
from .shape import Domain

CELLS_MAX = 10_000
#: The largest share of a total that one person may make.
_SHARE_MAX = 0.85
_NOBODY: Interval = (0, 0)


@dataclass(frozen=True)
class Rules:
    """The permit's threshold and rounding base."""

    k: int = 5
    base: int = 5

    def rounded(self, count: int) -> int:
        return (count + self.base // 2) // self.base * self.base

    def known(self, count: int) -> Interval:
        """What is known of a count that is shown."""
        rounded, middle = self.rounded(count), self.base // 2
        least = 0 if count < self.k else self.k
        return max(rounded - middle, least), rounded + self.base - 1 - middle


@dataclass
class _Counts:
    persons: int = 0
    events: int = 0
    threshold: int = 0


class Exact:
    """The total of all registers, with each register's part."""

    def __init__(self, parts: dict[str, Cells], shared: bool) -> None:
        self.shared = shared
        self.cells: dict[Key, dict[str, Part]] = {}
        for register in sorted(parts):
            for key, part in parts[register].items():
                self.cells.setdefault(key, {})[register] = part

    def total(self, key: Key) -> Part:
        total = Part()
        for part in self.cells[key].values():
            total.persons += part.persons
            total.events += part.events
            for name, moments in part.moments.items():
                total.moments.setdefault(name, Moments()).add(moments)
        return total


def shown_cells(
    exact: Exact, domains: list[Domain], rules: Rules, period_at: int | None
) -> tuple[list[Key], set[Key]]:
    """The rows of the table in their order, and which of them are shown."""
    lattice = _Lattice(exact, domains, period_at)
    shown = lattice.settle(rules)
    axes = [sorted({key[at] for key in shown}, key=_order) for at in range(len(domains))]
    return list(itertools.product(*axes)), shown


def number(
    exact: Exact, key: Key, name: str, clip: tuple[float, float], centre: float, rules: Rules
) -> tuple[float, float, float] | str:
    """Sum, mean and variance of a variable in a shown cell, or why they are hidden."""
    total = exact.total(key).moments.get(name, Moments())
    largest, places = total.n, 1
    if exact.shared:
        of_registers = [part.moments[name].n for part in exact.cells[key].values()]
        with_values = [n for n in of_registers if n]
        largest, places = max(with_values, default=0), len(with_values)
    if largest < 2 * rules.k:
        return "few"
    if places * max(abs(clip[0]), abs(clip[1])) > _SHARE_MAX * abs(total.n * centre + total.s):
        return "dominance"
    if total.n < 2:
        return "few"
    persons = max(rules.rounded(total.n), rules.k)
    span = places * (clip[1] - clip[0])
    mean = _to_grid(centre + total.s / total.n, span / persons)
    variance = max((total.q - total.s * total.s / total.n) / (total.n - 1), 0.0)
    step = span * (clip[1] - clip[0]) / persons
    return mean * rules.rounded(total.n), mean, _to_grid(variance, step)


def _to_grid(value: float, step: float) -> float:
    """To the smallest of 1, 2 and 5 times a power of ten that is not below `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    grid = next((digit * power for digit in (1.0, 2.0, 5.0, 10.0) if digit * power >= step), step)
    return math.floor(value / grid + 0.5) * grid


class _Lattice:
    """The table and its margins. An axis whose categories are not declared has a spare place."""

    def __init__(self, exact: Exact, domains: list[Domain], period_at: int | None) -> None:
        self.exact = exact
        self.period_at = period_at
        self.axes: list[list[Category]] = []
        self.lengths: list[int] = []
        for at, domain in enumerate(domains):
            used = {key[at] for key in exact.cells}
            categories = sorted(used | (domain or set()), key=_order)
            spare = domain is None and period_at != at
            self.axes.append(categories)
            self.lengths.append(len(categories) + spare)
        cells = math.prod(len(axis) for axis in self.axes)
        if cells > CELLS_MAX:
            raise NotReleasable(
                f"the table has {cells} cells, more than {CELLS_MAX}; ask for fewer or coarser "
                "dimensions",
                reason="NOT_RELEASABLE",
            )
        self.places = {
            key: tuple(self.axes[at].index(category) for at, category in enumerate(key))
            for key in exact.cells
        }

    def settle(self, rules: Rules) -> set[Key]:
        """Threshold, then the complementary check, margin by margin; the table comes last."""
        dimensions = range(len(self.axes))
        # In the order of their sets as numbers, so that a margin comes before what it adds up.
        kept_of = [
            tuple(at for at in dimensions if number >> at & 1)
            for number in range(1 << len(self.axes))
        ]
        margins = sorted(
            (kept for kept in kept_of if self.period_at is None or self.period_at in kept), key=len
        )
        registers = len({name for parts in self.exact.cells.values() for name in parts})
        few_max = (rules.k - 1) * (max(registers, 1) if self.exact.shared else 1)
        settled: list[_Margin] = []
        for kept in margins:
            table = _Margin(self, kept, rules)
            finer = [margin for margin in settled if set(margin.kept) < set(kept)][::-1]
            table.check_persons(finer, rules, few_max)
            if any(counts.events for counts in table.counts):
                table.check_events(finer, rules)
            settled.append(table)
        whole = settled[-1]
        return {
            tuple(self.axes[at][where] for at, where in enumerate(place))
            for place, shown in zip(whole.places, whole.shown, strict=True)
            if shown
        }


class _Margin:
    """A margin, or the table itself, when it is settled."""

    def __init__(self, lattice: _Lattice, kept: tuple[int, ...], rules: Rules) -> None:
        self.kept = kept
        self.places = list(itertools.product(*(range(lattice.lengths[at]) for at in kept)))
        self.index = {place: at for at, place in enumerate(self.places)}
        self.counts = [_Counts() for _ in self.places]
        of_register: dict[tuple[int, str], int] = {}
        for key, parts in lattice.exact.cells.items():
            at = self.index[tuple(lattice.places[key][one] for one in kept)]
            for register, part in parts.items():
                same = (at, register if lattice.exact.shared else "")
                of_register[same] = of_register.get(same, 0) + part.persons
                counts = self.counts[at]
                counts.persons += part.persons
                counts.events += part.events
                counts.threshold = max(counts.threshold, of_register[same])
        self.spare = [
            any(where >= len(lattice.axes[at]) for at, where in zip(kept, place, strict=True))
            for place in self.places
        ]
        self.shown = [counts.threshold >= rules.k for counts in self.counts]

    def check_persons(self, margins: list[_Margin], rules: Rules, few_max: int) -> None:
        column = self._column(margins, rules, "persons")
        column.hide_lone_cells(few_max)
        column.protect(self._small(margins, rules, events=False), range(1, rules.k))
        self.shown = column.shown()

    def check_events(self, margins: list[_Margin], rules: Rules) -> None:
        column = self._column(margins, rules, "events")
        column.protect(self._small(margins, rules, events=True), range(rules.k - 1, rules.k))
        self.shown = column.shown()

    def _column(self, margins: list[_Margin], rules: Rules, name: str) -> Column:
        column = Column()
        for counts, shown, spare in zip(self.counts, self.shown, self.spare, strict=True):
            value = getattr(counts, name)
            known = rules.known(value) if shown else _NOBODY if spare else ANY
            column.push_cell(value, known, rules.rounded(value) if shown else None)
        for margin in margins:
            cells: list[list[int]] = [[] for _ in margin.places]
            kept_at = [self.kept.index(at) for at in margin.kept]
            for at, place in enumerate(self.places):
                cells[margin.index[tuple(place[one] for one in kept_at)]].append(at)
            for counts, shown, of in zip(margin.counts, margin.shown, cells, strict=True):
                column.push_margin(of, rules.known(getattr(counts, name)) if shown else ANY)
        return column

    def _small(
        self, margins: list[_Margin], rules: Rules, *, events: bool
    ) -> list[tuple[str, int]]:
        """What must be protected: each cell and each margin that the threshold hides."""

        def small(counts: _Counts) -> bool:
            also = not events or counts.events < rules.k - 1
            return counts.threshold < rules.k and also

        targets = [("cell", at) for at, counts in enumerate(self.counts) if small(counts)]
        of_margins = [
            (counts, spare)
            for margin in margins
            for counts, spare in zip(margin.counts, margin.spare, strict=True)
        ]
        return targets + [
            ("margin", at)
            for at, (counts, spare) in enumerate(of_margins)
            if small(counts) and not spare
        ]


def _order(category: Category) -> tuple[object, ...]:
    if len(category) == 1:
        return (2,)
    value = category[1]
    return (0, value.encode()) if isinstance(value, str) else (1, value)
