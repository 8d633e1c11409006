"""A gateway that dies, told in plain words; the real one dies in `tests/tests/system`."""

import asyncio
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from gateway import PERMIT, TOKEN, Gateway

import innsyn
from innsyn import calls

OPTIONS: dict[str, Any] = {"token": TOKEN, "data_permit": PERMIT, "insecure": True}
#: A gateway in a process of its own, whose runs never end.
PROGRAM = """
import sys
from gateway import Gateway
gateway = Gateway()
gateway.lets_answer.clear()
print(gateway.target, flush=True)
sys.stdin.read()
"""


class Mortal:
    """A gateway that can be killed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=pathlib.Path(__file__).parent,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.target = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def mortal() -> Iterator[Mortal]:
    gateway = Mortal()
    yield gateway
    gateway.kill()


def is_plain(error: innsyn.InnsynError, target: str) -> None:
    """It says where, what about charges, and what to do; gRPC's words stand last."""
    told, _, cause = error.message.partition(" (")
    assert target in told
    assert "charged twice" in told
    assert "again in a moment" in told
    assert cause.endswith(")") and len(cause) > 2
    for word in ("ocket", "tream", "pipe", "errno", "refused", TOKEN, PERMIT):
        assert word not in told


def test_a_gateway_that_dies_during_a_run_breaks_off_and_is_unreachable_then(
    mortal: Mortal,
) -> None:
    with innsyn.connect(mortal.target, **OPTIONS) as client:
        query = client.query("stays")
        with client.start(query.by(query.view.sex)) as run:
            updates = run.updates()
            next(updates)
            mortal.kill()
            with pytest.raises(innsyn.BrokeOff, match="in the middle of the run") as broken:
                list(updates)
        is_plain(broken.value, mortal.target)
        with pytest.raises(innsyn.Unreachable, match="cannot be reached") as unreachable:
            client.run(query.by(query.view.sex), progress=False)
        is_plain(unreachable.value, mortal.target)
        assert not isinstance(unreachable.value, innsyn.BrokeOff)


def test_the_asynchronous_client_is_told_the_same(mortal: Mortal) -> None:
    async def ask() -> None:
        async with innsyn.aio.connect(mortal.target, **OPTIONS) as client:
            query = await client.query("stays")
            async with client.start(query.by(query.view.sex)) as run:
                with pytest.raises(innsyn.BrokeOff, match="in the middle of the run") as broken:
                    async for _ in run:
                        mortal.kill()
            is_plain(broken.value, mortal.target)
            with pytest.raises(innsyn.Unreachable, match="cannot be reached") as unreachable:
                await client.catalogue(fresh=True)
            is_plain(unreachable.value, mortal.target)

    asyncio.run(ask())


def test_a_gateway_that_falls_silent_is_given_up_with_what_to_do(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.lets_answer.clear()
    monkeypatch.setattr(calls, "GRACE_S", 0.0)
    with gateway.connect() as client:
        query = client.query("stays")
        with pytest.raises(innsyn.DeadlineExceeded, match="Ask the same query again") as late:
            client.run(query.by(query.view.sex), deadline=0.2, progress=False)
    assert gateway.target in str(late.value)
    assert "charged twice" in str(late.value)
