"""Makes the rows.

What holds: equal catalogue, number of persons and seed make equal data; variables of the person
are the same in each of a person's rows, in every view and at every register.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, overload

import pyarrow as pa

from ..catalogue import Catalogue, View
from ..errors import QueryError
from ..result import _needed
from ..variable import Variable
from . import codes

if TYPE_CHECKING:
    import pandas
    import polars

Cell = str | int | float | datetime.date | None
Row = dict[str, Cell]

#: Persons that are made; more take long and rehearse nothing more.
PERSONS_MAX = 1_000_000
#: The share of persons that a register holds.
_HELD = 0.6
#: The share of values that are missing.
_MISSING = 0.03
_EVENTS_MAX = 6

PERSON = "person"
REGISTER = "_register"


class DummyTable:
    """The rows of one view at all its registers, with columns `person` and `_register`."""

    def __init__(self, view: View, rows: dict[str, list[Row]]) -> None:
        self.view = view
        #: By register, person by person.
        self.rows = rows
        self._by_person: dict[str, dict[Cell, list[Row]]] = {}

    def of_person(self, register: str, person: Cell) -> list[Row]:
        """One person's rows at one register."""
        if register not in self._by_person:
            by_person = self._by_person.setdefault(register, {})
            for row in self.rows.get(register, []):
                by_person.setdefault(row[PERSON], []).append(row)
        return self._by_person[register].get(person, [])

    @property
    def arrow(self) -> pa.Table:
        fields = [(PERSON, pa.int64()), (REGISTER, pa.string())]
        fields += [(one.name, _type(one)) for one in self.view.variables]
        of_all = [
            {REGISTER: register, **row} for register, rows in self.rows.items() for row in rows
        ]
        return pa.Table.from_pylist(of_all, schema=pa.schema(fields))

    def pandas(self) -> pandas.DataFrame:
        _needed("pandas", "pandas")
        frame: pandas.DataFrame = self.arrow.to_pandas()
        return frame

    def polars(self) -> polars.DataFrame:
        frame: polars.DataFrame = _needed("polars", "polars").from_arrow(self.arrow)
        return frame

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.rows.values())

    def __repr__(self) -> str:
        return f"<dummy rows of {self.view.name}: {len(self)} at {len(self.rows)} registers>"


class Dummy(Mapping[str, DummyTable]):
    """Dummy rows of every view of a catalogue."""

    def __init__(self, catalogue: Catalogue, persons: int, seed: int) -> None:
        self.catalogue = catalogue
        maker = _Maker(persons, seed)
        self._tables = {view.name: maker.table(view) for view in catalogue.views}

    def __getitem__(self, name: str) -> DummyTable:
        self.catalogue[name]  # an unknown one is told with its nearest
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


@overload
def dummy(of: View, *, persons: int = ..., seed: int = ...) -> DummyTable: ...
@overload
def dummy(of: Catalogue, *, persons: int = ..., seed: int = ...) -> Dummy: ...
def dummy(of: View | Catalogue, *, persons: int = 1_000, seed: int = 0) -> DummyTable | Dummy:
    """Dummy rows of a view, or of every view of a catalogue."""
    if not 1 <= persons <= PERSONS_MAX:
        raise QueryError(f"dummy data are of 1 to {PERSONS_MAX} persons")
    if isinstance(of, View):
        return _Maker(persons, seed).table(of)
    return Dummy(of, persons, seed)


class _Maker:
    def __init__(self, persons: int, seed: int) -> None:
        self.persons = persons
        self.seed = seed
        dice = self.dice("born")
        self.born = [int(dice.triangular(1_925, 2_012, 1_965)) for _ in range(persons)]
        self.of_person: dict[str, list[Cell]] = {}

    def dice(self, topic: str) -> random.Random:
        return random.Random(f"innsyn {self.seed} {topic}")

    def table(self, view: View) -> DummyTable:
        rows = {}
        for published in sorted(view.published, key=lambda one: one.register_id):
            register = published.register_id
            months = range(
                published.from_month, max(published.until_month, published.from_month + 1)
            )
            dice = self.dice(f"held {register}")
            held = [person for person in range(self.persons) if dice.random() < _HELD]
            dice = self.dice(f"rows {register} {view.name}")
            rows[register] = [
                row for person in held for row in self._rows_of(person, view, months, dice)
            ]
        return DummyTable(view, rows)

    def _rows_of(
        self, person: int, view: View, months: range, dice: random.Random
    ) -> Iterator[Row]:
        number = 1
        if view.is_of_events:
            number = min(int(dice.expovariate(0.6)), _EVENTS_MAX)
        for _ in range(number):
            event_date = _date_in(months, dice)
            row: Row = {PERSON: person + 1}
            for variable in view.variables:
                if variable.of_person:
                    row[variable.name] = self._of_person(variable, months)[person]
                elif variable is view.event_date:
                    row[variable.name] = event_date
                else:
                    row[variable.name] = _value(variable, event_date, dice)
            yield row

    def _of_person(self, variable: Variable, months: range) -> list[Cell]:
        """The variable of every person, made once."""
        if variable.name not in self.of_person:
            dice = self.dice(f"variable {variable.name}")
            self.of_person[variable.name] = [
                self._of_one(variable, months, born, dice) for born in self.born
            ]
        return self.of_person[variable.name]

    def _of_one(self, variable: Variable, months: range, born: int, dice: random.Random) -> Cell:
        name = variable.name.casefold()
        is_birth = "born" in name or "birth" in name
        if variable.kind == "number" and is_birth:
            return born
        if variable.kind == "date" and is_birth:
            return _date_in(range((born - 1970) * 12, (born - 1969) * 12), dice)
        if variable.kind == "date" and not name.startswith("regist"):
            # Deaths, emigrations: most have none, and those late.
            late = range(months.start + len(months) // 3, months.stop)
            return _date_in(late, dice) if dice.random() < 0.3 else None
        return _value(variable, _date_in(months, dice), dice)


def _value(variable: Variable, date: datetime.date, dice: random.Random) -> Cell:
    if dice.random() < _MISSING:
        return None
    if variable.kind == "code":
        found = codes.of(variable)
        # The first are common, the last so rare that a table hides them.
        return dice.choices(found, [0.7**at for at in range(len(found))])[0]
    if variable.kind == "date":
        return date
    low, high = variable.clip or (0.0, 100.0)
    centre = variable.message.number.centre if variable.clip else 50.0
    if centre - low < (high - low) / 5:
        number = low + dice.expovariate(1 / max(centre - low, 1e-9))
    else:
        number = dice.gauss(centre, (high - low) / 8)
    number = min(max(number, low), high)
    return round(number) if variable.message.number.is_integer else round(number, 2)


def _date_in(months: range, dice: random.Random) -> datetime.date:
    month = dice.choice(months)
    return datetime.date(1970 + month // 12, month % 12 + 1, dice.randint(1, 28))


def _type(variable: Variable) -> pa.DataType:
    if variable.kind == "code":
        return pa.string()
    if variable.kind == "date":
        return pa.date32()
    return pa.int64() if variable.message.number.is_integer else pa.float64()
