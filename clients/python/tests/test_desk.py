"""The desk for made-up data hides and rounds as the gateway's: its cases, written again."""

import pytest

import innsyn
from innsyn.synthetic import desk
from innsyn.synthetic.engine import Category, Key, Moments, Part
from innsyn.synthetic.shape import Domain

RULES = desk.Rules(5, 5)


def key(*numbers: int) -> Key:
    return tuple((1, number) for number in numbers)


def exact(*registers: dict[Key, tuple[int, int]], shared: bool = False) -> desk.Exact:
    parts = {
        f"r{at}": {place: Part(*counts) for place, counts in register.items() if counts[0]}
        for at, register in enumerate(registers)
    }
    return desk.Exact(parts, shared)


def line(*persons: int) -> dict[Key, tuple[int, int]]:
    return {key(at): (count, count) for at, count in enumerate(persons)}


def shown(
    *registers: dict[Key, tuple[int, int]],
    domains: list[Domain] | None = None,
    shared: bool = False,
    rules: desk.Rules = RULES,
) -> dict[Key, int]:
    table = exact(*registers, shared=shared)
    if domains is None:
        size = len(next(iter(registers[0])))
        domains = [{place[at] for one in registers for place in one} for at in range(size)]
    _, kept = desk.shown_cells(table, domains, rules, None)
    return {place: rules.rounded(table.total(place).persons) for place in sorted(kept)}


def test_few_persons_are_hidden_and_the_rest_is_rounded() -> None:
    assert list(shown(line(4, 5, 7, 8, 1000, 1002, 1003)).values()) == [
        5, 5, 10, 1000, 1000, 1005,
    ]  # fmt: skip


def test_from_the_middle_a_count_is_rounded_up() -> None:
    assert list(shown(line(14, 15), rules=desk.Rules(5, 10)).values()) == [10, 20]


def test_a_cell_that_the_margin_would_give_away_takes_another_with_it() -> None:
    assert shown(line(8, 8, 1)) == {key(1): 10}


def test_events_give_no_cell_away_either() -> None:
    register = {key(0): (6, 8), key(1): (6, 8), key(2): (1, 1)}
    assert shown(register) == {key(1): 5}


@pytest.mark.parametrize("persons", [(4, 4), (1, 7), (3, 5)])
def test_a_cell_alone_beside_nearly_full_ones_is_hidden(persons: tuple[int, int]) -> None:
    assert shown(line(*persons)) == {}


def test_a_small_cell_beside_a_large_one_leaves_it() -> None:
    assert shown(line(1, 5000)) == {key(1): 5000}


def test_zero_and_few_look_alike() -> None:
    def of(few: int) -> tuple[list[Key], set[Key]]:
        cells = {
            key(0, 0): (30, 30),
            key(0, 1): (50, 50),
            key(1, 0): (40, 40),
            key(1, 1): (few, few),
            key(2, 2): (few, few),
        }
        domains: list[Domain] = [{(1, 0), (1, 1), (1, 2)}] * 2
        return desk.shown_cells(exact(cells), domains, RULES, None)

    for few in range(1, 5):
        assert of(few) == of(0)
    assert len(of(0)[0]) == 4


def test_where_registers_share_persons_the_largest_decides() -> None:
    registers = line(3, 60), line(2, 60)
    assert shown(*registers, shared=True) == {key(1): 120}
    assert shown(*registers) == {key(0): 5, key(1): 120}


def test_a_category_that_nobody_has_is_protected_too() -> None:
    assert shown(line(5, 0)) == {}
    assert shown(line(5), domains=[None]) == {}
    assert shown(line(5)) == {key(0): 5}


def test_a_table_of_one_cell_is_shown_or_hidden() -> None:
    for persons, kept in ((12, {()}), (4, set())):
        rows = desk.shown_cells(exact({(): (persons, persons)}), [], RULES, None)
        assert rows == ([()], kept)


def test_a_table_beyond_its_bounds_is_refused() -> None:
    wide: dict[Key, tuple[int, int]] = {key(at): (9, 9) for at in range(desk.CELLS_MAX + 1)}
    with pytest.raises(innsyn.NotReleasable, match="10001 cells"):
        desk.shown_cells(exact(wide), [None], RULES, None)


def number(parts: list[list[float]], shared: bool = False) -> tuple[float, float, float] | str:
    cells = {}
    for at, values in enumerate(parts):
        off = [value - 10 for value in values]
        moments = Moments(len(values), sum(off), sum(one * one for one in off))
        cells[f"r{at}"] = {(): Part(len(values) + 3, len(values) + 3, {"x": moments})}
    found: dict[str, dict[tuple[Category, ...], Part]] = cells
    return desk.number(desk.Exact(found, shared), (), "x", (0.0, 100.0), 10.0, RULES)


def test_a_total_that_one_person_could_make_is_hidden() -> None:
    assert number([[12.0] * 9 + [9.0]]) == "dominance"
    assert isinstance(number([[12.0] * 9 + [10.0]]), tuple)
    assert number([[11.5] * 10] * 2, shared=True) == "dominance"
    assert number([[90.0] * 9]) == "few"


def test_a_mean_is_as_coarse_as_what_one_person_could_move() -> None:
    told = number([[40.0] * 50 + [43.0] * 50])
    assert isinstance(told, tuple)
    total, mean, variance = told
    # 100 persons within 100: one moves the mean by 1, and the variance by 100.
    assert (total, mean, variance) == (4200.0, 42.0, 0.0)
