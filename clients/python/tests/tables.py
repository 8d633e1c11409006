"""Released tables, made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import innsyn
from innsyn.plan import Plan
from innsyn.research.v1 import query_pb2, research_pb2 as wire

FEW = "few"
DOMINANCE = "dominance"

_HIDDEN = {FEW: wire.HIDDEN_FEW, DOMINANCE: wire.HIDDEN_DOMINANCE}
_KINDS = {
    "text": wire.COLUMN_KIND_TEXT,
    "count": wire.COLUMN_KIND_COUNT,
    "real": wire.COLUMN_KIND_REAL,
}


class Hidden:
    def __init__(self, reason: str = FEW) -> None:
        self.reason = reason


Value = str | int | float | None | Hidden


def result(
    columns: Sequence[tuple[str, str]] | Sequence[tuple[str, str, str]],
    rows: Sequence[Sequence[Value]],
    *,
    registers: dict[str, int] | None = None,
    query: query_pb2.Query | None = None,
    **fields: object,
) -> innsyn.Result:
    """A table with these columns, each a name, a kind and perhaps a unit."""
    table = wire.ReleasedTable(
        query_name=b"q" * 32,
        released_at=1_700_000_000,
        smallest_cell=5,
        rounding_base=5,
        columns=[
            wire.Column(name=one[0], kind=_KINDS[one[1]], unit="".join(one[2:])) for one in columns
        ],
        rows=[wire.Row(values=[_value(value) for value in row]) for row in rows],
        registers=[
            wire.RegisterProgress(register_id=name, state=state)
            for name, state in (registers or {"nord": wire.REGISTER_STATE_ANSWERED}).items()
        ],
    )
    for name, value in fields.items():
        setattr(table, name, value)
    plan = None
    if query is not None:
        plan = Plan.of(wire.DryRunResponse(query=query))
    return innsyn.Result(table, plan)


def _value(value: Value) -> wire.Value:
    if isinstance(value, Hidden):
        return wire.Value(hidden=_HIDDEN[value.reason])
    if isinstance(value, str):
        return wire.Value(text=value)
    if isinstance(value, int):
        return wire.Value(count=value)
    return wire.Value() if value is None else wire.Value(real=value)
