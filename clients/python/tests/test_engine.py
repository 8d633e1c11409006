"""Single rows, and where they are counted."""

import datetime

import pytest

from innsyn.research.v1 import query_pb2 as wire
from innsyn.synthetic import engine
from innsyn.synthetic.data import Cell

TABLE = wire.LifeTable(entry="in", event="ill", exit="left", step=wire.PERIOD_QUARTER, steps=4)
LAST_MONTH = 620


def date(month: int) -> datetime.date:
    return datetime.date(1970 + month // 12, month % 12 + 1, 15)


@pytest.mark.parametrize(
    ("entry", "event", "left", "place"),
    [
        (600, 604, None, (1, 2)),  # the event in step 1
        (600, 604, 604, (1, 2)),  # the event first, within the month
        (600, 604, 603, (1, 3)),  # left before the event, in step 1
        (600, None, 602, (1, 1)),  # left in step 0
        (600, None, None, (1, 8)),  # followed to the last month, beyond
        (615, None, None, (1, 3)),  # followed to the last month, step 1
        (600, 599, None, engine.MISSING),  # the event before the entry
        (None, 604, None, engine.MISSING),
    ],
)
def test_a_person_leaves_in_a_step(
    entry: int | None, event: int | None, left: int | None, place: engine.Category
) -> None:
    dates = {"in": entry, "ill": event, "left": left}
    row: dict[str, Cell] = {
        name: None if month is None else date(month) for name, month in dates.items()
    }
    assert engine._step(TABLE, row, LAST_MONTH) == place
