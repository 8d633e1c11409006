"""A client over made-up data: the same calls, no gateway, no permit, no network."""

from __future__ import annotations

import time
from collections.abc import Iterable

from .. import calls, normal
from ..builder import Query
from ..catalogue import Catalogue, View
from ..errors import QueryError, RegistersMissing
from ..plan import Plan, Release, moment
from ..progress import Progress, Shower, shower
from ..research.v1 import query_pb2, research_pb2 as wire
from ..result import Result
from . import desk, engine
from .data import Dummy
from .example import example_catalogue
from .shape import Shape

_HIDDEN = {"few": wire.HIDDEN_FEW, "dominance": wire.HIDDEN_DOMINANCE}


class DummyClient:
    """Answers as a gateway does, over dummy data of a catalogue.

    Hiding and rounding follow the gateway's rules. `silent` names registers that do not answer,
    so that an analysis can be rehearsed with a register missing.
    """

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        *,
        persons: int = 1_000,
        seed: int = 0,
        silent: Iterable[str] = (),
        smallest_cell: int = 5,
        rounding_base: int = 5,
    ) -> None:
        self._catalogue = example_catalogue() if catalogue is None else catalogue
        #: The rows.
        self.data = Dummy(self._catalogue, persons, seed)
        self._silent = frozenset(silent)
        self._rules = desk.Rules(smallest_cell, rounding_base)
        self._released: dict[bytes, tuple[wire.ReleasedTable, Plan]] = {}

    def catalogue(self, *, fresh: bool = False) -> Catalogue:
        """What can be asked about."""
        return self._catalogue

    def query(self, view: str | View) -> Query:
        """Starts a query over a view."""
        return Query(view if isinstance(view, View) else self._catalogue[view])

    def dry_run(self, question: calls.Question) -> Plan:
        """What would be asked of whom."""
        return self._planned(question)[0]

    def sql(
        self,
        statement: str,
        *,
        deadline: calls.Seconds | None = None,
        must_be_complete: bool = False,
        progress: bool | Shower = True,
    ) -> Result:
        """Refused: SQL is read at the gateway; dummy data are asked with the builder."""
        raise QueryError(
            "dummy data are asked with the builder, `client.query(view)…`; SQL is read by a "
            "gateway",
            reason="SQL_REFUSED",
        )

    def run(
        self,
        question: calls.Question,
        *,
        deadline: calls.Seconds | None = None,
        must_be_complete: bool = False,
        progress: bool | Shower = True,
    ) -> Result:
        """Counts the dummy rows, and releases a table."""
        calls.run_timeout_s(deadline)
        plan, shape = self._planned(question)
        show, at = shower(progress), Progress(run_id="00" * 16, plan=plan)
        parts: dict[str, engine.Cells] = {}
        for register in plan.registers:
            if register in self._silent:
                at.states[register] = "silent"
            else:
                parts[register] = engine.count(plan.query, register, self.data)
                at.states[register] = "answered"
            show(at)
        missing = [name for name in plan.registers if name in self._silent]
        if missing and must_be_complete:
            named = ", ".join(f"`{name}`" for name in missing)
            raise RegistersMissing(f"there is no answer of {named}", reason="REGISTERS_MISSING")
        if not parts:
            raise RegistersMissing(
                f"no register has answered; {len(missing)} were asked",
                reason="NO_REGISTER_ANSWERED",
            )
        name = bytes.fromhex(plan.query_name)
        if name not in self._released:
            self._released[name] = self._release(name, shape, parts, at), plan
            table = self._released[name][0]
        else:
            table = wire.ReleasedTable()
            table.CopyFrom(self._released[name][0])
            table.is_earlier = True
        at.is_done = True
        show(at)
        return Result(table, plan)

    def ledger(self) -> list[Release]:
        """What has been released."""
        return [
            Release(
                query_name=plan.query_name,
                released_at=moment(table.released_at),
                words_nb=plan.words_nb,
                words_en=plan.words_en,
                registers_asked=len(table.registers),
                registers_answered=sum(
                    one.state == wire.REGISTER_STATE_ANSWERED for one in table.registers
                ),
            )
            for table, plan in self._released.values()
        ]

    def close(self) -> None:
        """Does nothing."""

    def __enter__(self) -> DummyClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<innsyn client over dummy data of {len(self._catalogue)} views>"

    def _planned(self, question: calls.Question) -> tuple[Plan, Shape]:
        if isinstance(question, Query):
            asked = question.to_proto()
        elif isinstance(question, query_pb2.Query):
            asked = question
        else:
            raise QueryError("dummy data are asked with the builder; SQL is read by a gateway")
        view = self._catalogue[asked.view]
        query = normal.query(asked)
        registers = tuple(query.registers) or view.registers
        shared = len(registers) > 1 and not view.persons_disjoint
        shape = Shape(query, view, shared)
        words = f"Dummy data of `{view.name}`: {' '.join(str(query).split())}"
        plan = Plan(query, normal.name(query), words, words, registers, shape.cells_max)
        return plan, shape

    def _release(
        self, name: bytes, shape: Shape, parts: dict[str, engine.Cells], progress: Progress
    ) -> wire.ReleasedTable:
        exact = desk.Exact(parts, shape.shared)
        rows, shown = desk.shown_cells(exact, shape.domains, self._rules, shape.period_at)
        states = {
            "answered": wire.REGISTER_STATE_ANSWERED,
            "silent": wire.REGISTER_STATE_SILENT,
        }
        return wire.ReleasedTable(
            query_name=name,
            released_at=int(time.time()),
            counts_registrations=shape.shared,
            columns=shape.columns,
            rows=[self._row(key, key in shown, exact, shape) for key in rows],
            registers=[
                wire.RegisterProgress(register_id=register, state=states[state])
                for register, state in sorted(progress.states.items())
            ],
            smallest_cell=self._rules.k,
            rounding_base=self._rules.base,
        )

    def _row(self, key: engine.Key, is_shown: bool, exact: desk.Exact, shape: Shape) -> wire.Row:
        values = [
            wire.Value() if text is None else wire.Value(text=text) for text in shape.labels(key)
        ]
        for measure in shape.query.measures:
            if is_shown:
                values.append(self._value(key, measure, exact, shape))
            else:
                values.append(wire.Value(hidden=wire.HIDDEN_FEW))
        return wire.Row(values=values)

    def _value(
        self,
        key: engine.Key,
        measure: query_pb2.Measure,
        exact: desk.Exact,
        shape: Shape,
    ) -> wire.Value:
        kind = measure.WhichOneof("measure")
        name = engine.summed_name(measure)
        if name is None:
            total = exact.total(key)
            count = total.events if kind == "events" else total.persons
            return wire.Value(count=self._rules.rounded(count))
        low, high, centre = engine.bounds(measure, shape.view)
        numbers = desk.number(exact, key, name, (low, high), centre, self._rules)
        if isinstance(numbers, str):
            return wire.Value(hidden=_HIDDEN[numbers])
        return wire.Value(real=numbers[{"mean": 1, "variance": 2}.get(str(kind), 0)])
