"""A released table, with everything that belongs to it: who answered, what is hidden and why.

What holds:

- **A hidden value is never a number**: in Arrow, pandas and polars it is missing, and
  :attr:`Result.hidden` tells of it. A row that nobody may know of is not in the table at all.
- **A missing category is not hidden**: in a column of a dimension, *missing* is a group of its
  own, of those who have no value.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from . import show_result
from .errors import ConfigurationError
from .plan import Plan, moment
from .progress import state_name
from .refusal import Refusal
from .research.v1 import research_pb2 as wire

if TYPE_CHECKING:
    import pandas
    import polars

#: Why a value is not shown.
Reason = Literal["few", "dominance", "unknown"]

Scalar = str | int | float | None

_KINDS = {
    wire.COLUMN_KIND_TEXT: pa.string(),
    wire.COLUMN_KIND_COUNT: pa.int64(),
    wire.COLUMN_KIND_REAL: pa.float64(),
}


@dataclass(frozen=True)
class HiddenValue:
    """One value that is not shown."""

    #: The row, from 0.
    row: int
    column: str
    #: The row's categories.
    of: Mapping[str, str | None]
    reason: Reason
    #: The reason in words.
    why: str


class Coverage(Mapping[str, str]):
    """What became of each register that was asked: answered, refused or silent."""

    def __init__(self, registers: Iterable[wire.RegisterProgress]) -> None:
        registers = list(registers)
        self._outcomes = {one.register_id: state_name(one.state) for one in registers}
        refusals = {one.register_id: Refusal.of(one) for one in registers}
        #: What those said that refused, as far as they tell.
        self.refusals = {name: said for name, said in refusals.items() if said is not None}

    @property
    def asked(self) -> int:
        return len(self._outcomes)

    @property
    def answered(self) -> int:
        return sum(outcome == "answered" for outcome in self._outcomes.values())

    @property
    def is_complete(self) -> bool:
        return self.answered == self.asked

    def missing(self) -> dict[str, str]:
        """The registers that are not in the table, and why."""
        return {name: how for name, how in self._outcomes.items() if how != "answered"}

    def __getitem__(self, register: str) -> str:
        return self._outcomes[register]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def __str__(self) -> str:
        text = f"{self.answered} of {self.asked} registers answered"
        missing = [f"{name} ({self._how(name)})" for name in self.missing()]
        return f"{text}; missing: {', '.join(missing)}" if missing else text

    def _how(self, register: str) -> str:
        said = self.refusals.get(register)
        outcome = self._outcomes[register]
        return f"{outcome}: {said.why}" if said is not None and said.why else outcome

    def __repr__(self) -> str:
        return f"<coverage: {self}>"


class Result:
    """A table that may leave, as the gateway released it."""

    def __init__(self, table: wire.ReleasedTable, plan: Plan | None = None) -> None:
        self.message = table
        #: How the gateway understood the question.
        self.plan = plan
        self.coverage = Coverage(table.registers)
        #: The columns by name: `text` of a dimension, `count` or `real`.
        self.columns: dict[str, Literal["text", "count", "real"]] = {
            column.name: _kind(column) for column in table.columns
        }
        self.rows: list[tuple[Scalar, ...]] = [
            tuple(_shown(value) for value in row.values) for row in table.rows
        ]
        self.hidden: list[HiddenValue] = list(self._hidden_values())

    @property
    def query_name(self) -> str:
        """Names the query, in hexadecimal digits."""
        return self.message.query_name.hex()

    @property
    def released_at(self) -> datetime.datetime:
        return moment(self.message.released_at)

    @property
    def is_earlier(self) -> bool:
        """Whether it was released before and is given again."""
        return self.message.is_earlier

    @property
    def counts_registrations(self) -> bool:
        """Whether a person is counted once for each register that holds them."""
        return self.message.counts_registrations

    @property
    def smallest_cell(self) -> int:
        """Fewer persons are hidden."""
        return self.message.smallest_cell

    @property
    def rounding_base(self) -> int:
        """Counts are rounded to multiples of it."""
        return self.message.rounding_base

    @property
    def receipts(self) -> list[Any]:
        """The registers' signed receipts, if the gateway sends them."""
        return list(getattr(self.message, "receipts", ()))

    @property
    def dimensions(self) -> list[str]:
        return [name for name, kind in self.columns.items() if kind == "text"]

    @property
    def measures(self) -> list[str]:
        return [name for name, kind in self.columns.items() if kind != "text"]

    @property
    def unit(self) -> dict[str, str]:
        """The units of the columns that have one."""
        return {column.name: column.unit for column in self.message.columns if column.unit}

    @property
    def arrow(self) -> pa.Table:
        """As an Arrow table; its schema's metadata has coverage and hidden values as JSON."""
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(self.columns)
        fields, arrays = [], []
        for column, values in zip(self.message.columns, columns, strict=True):
            of_type = _KINDS.get(column.kind, pa.string())
            unit = {"unit": column.unit} if column.unit else None
            fields.append(pa.field(column.name, of_type, metadata=unit))
            arrays.append(pa.array(values, of_type))
        metadata = {"innsyn": json.dumps(self.report(), ensure_ascii=False)}
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata))

    def pandas(self, *, hidden: bool = False, coverage: bool = False) -> pandas.DataFrame:
        """As a DataFrame whose `attrs["innsyn"]` is the report.

        With `hidden`, a column `<name>_hidden` beside each measure has the reason where a value
        is hidden. With `coverage`, columns `_registers_asked` and `_registers_answered`.
        """
        pd = _needed("pandas", "pandas")
        types = {pa.int64(): pd.Int64Dtype(), pa.float64(): pd.Float64Dtype()}
        frame: pandas.DataFrame = self._table(hidden, coverage).to_pandas(types_mapper=types.get)
        frame.attrs["innsyn"] = self.report()
        return frame

    def polars(self, *, hidden: bool = False, coverage: bool = False) -> polars.DataFrame:
        """As a DataFrame of polars, with the same columns as :meth:`pandas` gives."""
        pl = _needed("polars", "polars")
        frame: polars.DataFrame = pl.from_arrow(self._table(hidden, coverage))
        return frame

    def report(self) -> dict[str, Any]:
        """What belongs to the table beside its cells, as plain values."""
        return {
            "query_name": self.query_name,
            "released_at": self.released_at.isoformat(),
            "is_earlier": self.is_earlier,
            "counts_registrations": self.counts_registrations,
            "smallest_cell": self.smallest_cell,
            "rounding_base": self.rounding_base,
            "registers_asked": self.coverage.asked,
            "registers_answered": self.coverage.answered,
            "registers": dict(self.coverage),
            "refusals": {
                name: said.reason for name, said in self.coverage.refusals.items() if said.reason
            },
            "hidden": [
                {"row": one.row, "column": one.column, "reason": one.reason} for one in self.hidden
            ],
        }

    def plot(self, measure: str | None = None, **options: Any) -> Any:
        """Draws a measure by the table's dimensions; hidden cells are hatched, never zero.

        Gives matplotlib's axes. Options: `by`, the dimension along the axis; `kind`, `"bar"` or
        `"line"`; `ax`.
        """
        _needed("matplotlib", "plot")
        from .plotting import plot

        return plot(self, measure, **options)

    def _table(self, hidden: bool, coverage: bool) -> pa.Table:
        table = self.arrow
        if hidden:
            reasons = {(one.row, one.column): one.reason for one in self.hidden}
            for measure in self.measures:
                of_rows = [reasons.get((row, measure)) for row in range(len(self.rows))]
                table = table.append_column(f"{measure}_hidden", pa.array(of_rows, pa.string()))
        if coverage:
            for name, number in (
                ("_registers_asked", self.coverage.asked),
                ("_registers_answered", self.coverage.answered),
            ):
                table = table.append_column(name, pa.array([number] * len(self.rows), pa.int64()))
        return table

    def _hidden_values(self) -> Iterator[HiddenValue]:
        names = list(self.columns)
        for at, row in enumerate(self.message.rows):
            values = zip(names, row.values, self.rows[at], strict=True)
            of = {name: text for name, _, text in values if self.columns[name] == "text"}
            for name, value in zip(names, row.values, strict=True):
                if value.WhichOneof("value") == "hidden":
                    reason = _reason(value.hidden)
                    why = show_result.why_hidden(reason, self.smallest_cell)
                    yield HiddenValue(at, name, of, reason, why)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return show_result.text(self)

    def _repr_html_(self) -> str:
        return show_result.html(self)


def _kind(column: wire.Column) -> Literal["text", "count", "real"]:
    if column.kind == wire.COLUMN_KIND_COUNT:
        return "count"
    return "real" if column.kind == wire.COLUMN_KIND_REAL else "text"


def _shown(value: wire.Value) -> Scalar:
    kind = value.WhichOneof("value")
    if kind is None or kind == "hidden":
        return None
    shown: str | int | float = getattr(value, kind)
    return shown


def _reason(hidden: int) -> Reason:
    if hidden == wire.HIDDEN_FEW:
        return "few"
    return "dominance" if hidden == wire.HIDDEN_DOMINANCE else "unknown"


def _needed(module: str, extra: str) -> Any:
    try:
        return __import__(module)
    except ImportError:
        raise ConfigurationError(
            f"`{module}` is not installed; `pip install innsyn[{extra}]` brings it"
        ) from None
