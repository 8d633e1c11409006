"""The shape of a table before anybody has counted: its columns, and what each may hold."""

from __future__ import annotations

from ..catalogue import View
from ..months import MONTHS_IN, PERIODS, label
from ..research.v1 import query_pb2, research_pb2 as wire
from .engine import MISSING, Category, Key

#: The categories that a dimension may have; none where nobody has said.
Domain = set[Category] | None

_PERIOD_NAMES = {number: name for name, number in PERIODS.items()}


class Shape:
    """Columns, domains and labels of one query's table."""

    def __init__(self, query: query_pb2.Query, view: View, shared: bool) -> None:
        self.query = query
        self.view = view
        self.shared = shared
        self.columns: list[wire.Column] = []
        self._domains: list[Domain] = []
        for dimension in query.dimensions:
            self._divide(dimension)
        for measure in query.measures:
            self._tell(measure)

    @property
    def period_at(self) -> int | None:
        """Which dimension is the rows' own period."""
        for at, dimension in enumerate(self.query.dimensions):
            if dimension.HasField("period"):
                return at
        return None

    @property
    def domains(self) -> list[Domain]:
        return self._domains

    @property
    def cells_max(self) -> int:
        """Cells as far as is known; a dimension of codes counts as one."""
        cells = 1
        for domain in self._domains:
            cells *= 1 if domain is None else len(domain)
        return cells

    def labels(self, key: Key) -> list[str | None]:
        """A text for each column of a dimension."""
        texts: list[str | None] = []
        for dimension, category in zip(self.query.dimensions, key, strict=False):
            texts.append(_label(dimension, category, self.query.period))
        for measure in self.query.measures:
            if measure.HasField("histogram"):
                texts.append(_bin(measure.histogram, key[-1]))
            elif measure.HasField("life_table"):
                texts.extend(_step(measure.life_table, key[-1]))
        return texts

    def _divide(self, dimension: query_pb2.Dimension) -> None:
        kind = dimension.WhichOneof("dimension")
        if kind == "code":
            level = f"_level_{dimension.code.level}" if dimension.code.level else ""
            self._text(f"{dimension.code.variable}{level}")
            self._domains.append(None)
        elif kind == "bands":
            self._text(f"{dimension.bands.variable}_band")
            bands: set[Category] = {(1, at) for at in range(len(dimension.bands.begins) + 1)}
            self._domains.append(bands | {MISSING})
        elif kind == "period":
            self._text(_PERIOD_NAMES[self.query.period])
            self._domains.append(self._periods(self.query.period))
        else:
            name, period = dimension.date.variable, dimension.date.period
            self._text(f"{name}_{_PERIOD_NAMES[period]}")
            known = self.view.event_date is not None and self.view.event_date.name == name
            self._domains.append(self._periods(period) | {MISSING} if known else None)

    def _tell(self, measure: query_pb2.Measure) -> None:
        kind = measure.WhichOneof("measure")
        persons = "registrations" if self.shared else "persons"
        if kind in ("sum", "mean", "variance"):
            name = getattr(measure, kind)
            unit = self.view[name].unit
            if kind == "variance" and unit:
                unit = f"({unit})²"
            self._column(f"{kind}_{name}", wire.COLUMN_KIND_REAL, unit)
            return
        if kind == "person_time":
            event = measure.person_time.event
            self._column(f"person_time_{event}", wire.COLUMN_KIND_REAL, "mo")
            return
        if kind == "histogram":
            self._text(f"{measure.histogram.variable}_bin")
            self._domains.append(_numbers(measure.histogram.bins - 1) | {MISSING})
        elif kind == "life_table":
            self._text("step")
            self._text("left_by")
            # Of each step two, and those who were still there.
            self._domains.append(_numbers(2 * measure.life_table.steps) | {MISSING})
        self._column("events" if kind == "events" else persons, wire.COLUMN_KIND_COUNT)

    def _periods(self, period: query_pb2.Period) -> set[Category]:
        """The first months of the periods that the view's months touch."""
        months = MONTHS_IN[period]
        first, last = self.view.from_month // months, (self.view.until_month - 1) // months
        return {(1, number * months) for number in range(first, last + 1)}

    def _text(self, name: str) -> None:
        self._column(name, wire.COLUMN_KIND_TEXT)

    def _column(self, name: str, kind: wire.ColumnKind, unit: str = "") -> None:
        taken = {column.name for column in self.columns}
        free, number = name, 2
        while free in taken:
            free, number = f"{name}_{number}", number + 1
        self.columns.append(wire.Column(name=free, kind=kind, unit=unit))


def _numbers(last: int) -> set[Category]:
    return {(1, number) for number in range(last + 1)}


def _label(dimension: query_pb2.Dimension, category: Category, own: query_pb2.Period) -> str | None:
    if len(category) == 1:
        return None
    value = category[1]
    if isinstance(value, str):
        return value
    if dimension.HasField("bands"):
        begins = dimension.bands.begins
        if value == 0:
            return f"<{begins[0]}"
        if value == len(begins):
            return f">={begins[-1]}"
        return f"[{begins[value - 1]},{begins[value]})"
    return label(value, MONTHS_IN[own if dimension.HasField("period") else dimension.date.period])


def _bin(grid: query_pb2.Histogram, category: Category) -> str | None:
    if len(category) == 1:
        return None
    at = int(category[1])
    begin = getattr(grid, "from") + at * grid.width
    end = begin + grid.width
    is_last = at + 1 == grid.bins
    if at == 0 and not is_last:
        return f"<{end}"
    return f">={begin}" if is_last and at > 0 else f"[{begin},{end})"


def _step(table: query_pb2.LifeTable, category: Category) -> list[str | None]:
    if len(category) == 1:
        return [None, None]
    step, of_two = divmod(int(category[1]), 2)
    if step >= table.steps:
        return [str(step), "beyond"]
    return [str(step), "exit" if of_two else "event"]
