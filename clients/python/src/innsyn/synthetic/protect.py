"""The complementary check: a value of a hidden cell is possible if there is a whole table that
has it and would be published alike.

Starting from the true table, the cell gets the value, and margins that leave what is known of
them are mended by moving persons in or out of other cells. Where no such table is found, a shown
cell is hidden. See `broker/src/research/desk/protect.rs`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

#: What may be known of a count: it is from the first to the second.
Interval = tuple[int, int]
ANY: Interval = (0, 1 << 60)
#: A cell or a margin, by its place.
Target = tuple[str, int]

_MOVES_MAX = 8
_WIDTH_MAX = 8
_TRIES_MAX = 500


@dataclass
class _Cell:
    value: int
    known: Interval
    shown: int | None
    margins: list[int] = field(default_factory=list)


@dataclass
class _Margin:
    cells: list[int]
    sum: int
    known: Interval


class Column:
    """One additive column of a table, true values and what is known of them."""

    def __init__(self) -> None:
        self.cells: list[_Cell] = []
        self.margins: list[_Margin] = []
        self.wrong: set[int] = set()
        self._tries = 0

    def push_cell(self, value: int, known: Interval, shown: int | None) -> None:
        self.cells.append(_Cell(value, known, shown))

    def push_margin(self, cells: list[int], known: Interval) -> None:
        """Margins of few cells should come first: they are mended first."""
        for at in cells:
            self.cells[at].margins.append(len(self.margins))
        self.margins.append(_Margin(cells, sum(self.cells[at].value for at in cells), known))

    def shown(self) -> list[bool]:
        return [cell.shown is not None for cell in self.cells]

    def hide_lone_cells(self, few_max: int) -> None:
        """Hides a cell that is shown alone where the others would have to be nearly full."""
        while (lone := self._lone(few_max)) is not None:
            self._hide(lone)

    def protect(self, targets: Iterable[Target], possible: range) -> None:
        """Hides cells until each target could have any of the possible values."""
        for target in targets:
            for value in possible:
                while not self._could_be(target, value):
                    smallest = self._smallest_beside(target)
                    if self._hide_what_helps(smallest, target, value):
                        break
                    if not smallest:
                        break
                    self._hide(smallest[0])

    def _lone(self, few_max: int) -> int | None:
        for margin in self.margins:
            cells, low = len(margin.cells), margin.known[0]
            if not 1 + (cells - 1) * few_max < low <= cells * few_max:
                continue
            shown = [at for at in margin.cells if self.cells[at].shown is not None]
            if len(shown) == 1:
                return shown[0]
        return None

    def _smallest_beside(self, target: Target) -> list[int]:
        """The smallest shown cell of each margin that the target has a part in."""
        of_target = [target[1]] if target[0] == "cell" else self.margins[target[1]].cells
        smallest: list[int] = []
        for at in sorted({margin for cell in of_target for margin in self.cells[cell].margins}):
            margin = self.margins[at]
            shown = [
                (shown, cell)
                for cell in margin.cells
                if (shown := self.cells[cell].shown) is not None
            ]
            if shown and margin.known != ANY and min(shown)[1] not in smallest:
                smallest.append(min(shown)[1])
        return smallest

    def _hide_what_helps(self, cells: list[int], target: Target, value: int) -> bool:
        for at in cells:
            cell = self.cells[at]
            before = cell.shown, cell.known
            self._hide(at)
            if self._could_be(target, value):
                return True
            cell.shown, cell.known = before
        return False

    def _could_be(self, target: Target, value: int) -> bool:
        """Whether there is a witness for the target having the value."""
        exactly = (value, value)
        trail: list[tuple[int, int]] = []
        before = self._set_known(target, exactly)
        if target[0] == "cell":
            change = value - self.cells[target[1]].value
            self._shift(target[1], change)
            trail.append((target[1], change))
        self._tries = _TRIES_MAX
        found = self._mend(trail)
        for at, change in trail:
            self._shift(at, -change)
        self._set_known(target, before)
        return found

    def _mend(self, trail: list[tuple[int, int]]) -> bool:
        """Moves until no margin is wrong; the moves are in `trail`, those in vain undone."""
        if not self.wrong:
            return True
        if len(trail) > _MOVES_MAX:
            return False
        margin = self.margins[min(self.wrong)]
        lack = _lack(margin.known, margin.sum)
        wrong = sum(abs(_lack(self.margins[at].known, self.margins[at].sum)) for at in self.wrong)
        moves: list[tuple[int, int, int]] = []
        for at in margin.cells:
            cell = self.cells[at]
            low, high = min(cell.known[0] - cell.value, 0), max(cell.known[1] - cell.value, 0)
            change = min(max(lack, low), high)
            if change == 0 or any(was == at and by * lack < 0 for was, by in trail):
                continue
            after = wrong + self._wrong_after(cell, change)
            if after == 0:
                self._shift(at, change)
                trail.append((at, change))
                return True
            moves.append((after, at, change))
        for _, at, change in sorted(moves)[:_WIDTH_MAX]:
            if self._tries == 0:
                return False
            self._tries -= 1
            self._shift(at, change)
            trail.append((at, change))
            if self._mend(trail):
                return True
            trail.pop()
            self._shift(at, -change)
        return False

    def _wrong_after(self, cell: _Cell, change: int) -> int:
        """By how much less or more the cell's margins would be wrong if the cell changed."""
        margins = (self.margins[at] for at in cell.margins)
        return sum(
            abs(_lack(one.known, one.sum + change)) - abs(_lack(one.known, one.sum))
            for one in margins
        )

    def _shift(self, at: int, change: int) -> None:
        cell = self.cells[at]
        cell.value += change
        for number in cell.margins:
            margin = self.margins[number]
            margin.sum += change
            self._book(number, margin)

    def _set_known(self, target: Target, known: Interval) -> Interval:
        """Replaces what is known of the target, and gives what was."""
        if target[0] == "cell":
            cell = self.cells[target[1]]
            before, cell.known = cell.known, known
            return before
        margin = self.margins[target[1]]
        before, margin.known = margin.known, known
        self._book(target[1], margin)
        return before

    def _book(self, number: int, margin: _Margin) -> None:
        if _lack(margin.known, margin.sum) == 0:
            self.wrong.discard(number)
        else:
            self.wrong.add(number)

    def _hide(self, at: int) -> None:
        self.cells[at].shown = None
        self.cells[at].known = ANY


def _lack(known: Interval, value: int) -> int:
    """By how much the value must change to lie within; zero if it does."""
    return min(max(value, known[0]), known[1]) - value
