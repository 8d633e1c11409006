"""How a run is shown while it goes."""

import io
import sys
import types
from typing import Any

import pytest

import innsyn
from innsyn import progress
from innsyn.research.v1 import research_pb2 as wire


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at(**states: str) -> innsyn.Progress:
    return innsyn.Progress(states=states)


def test_a_line_tells_who_has_answered_and_who_waits() -> None:
    shown = str(at(nord="answered", sør="silent", vest="held", øst="running"))
    assert shown.startswith("[############............]")
    assert "1 of 4 registers answered, 1 await approval, 1 will not" in shown
    assert at(vest="held").held == ("vest",)
    assert "0 of 0" in str(innsyn.Progress())


def test_one_line_is_written_anew_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    show = progress.shower(True)
    show(at(nord="held", vest="asked"))
    done = at(nord="answered", vest="answered")
    done.is_done = True
    show(done)
    first, last = sys.stderr.getvalue().split("\r")[1:]  # type: ignore[attr-defined]
    assert "await approval" in first
    assert last.endswith("\n")
    assert len(last) >= len(first)


def test_nothing_is_written_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    progress.shower(True)(at(nord="answered"))
    progress.shower(False)(at(nord="answered"))
    assert capsys.readouterr().err == ""


def test_a_notebook_gets_a_bar_if_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class ZMQInteractiveShell:
        pass

    class Bar:
        def __init__(self, **_: Any) -> None:
            self.total, self.n, self.is_closed = 0, 0, False
            bars.append(self)

        def set_description_str(self, _: str) -> None:
            pass

        def refresh(self) -> None:
            pass

        def close(self) -> None:
            self.is_closed = True

    bars: list[Bar] = []
    ipython = types.SimpleNamespace(get_ipython=ZMQInteractiveShell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)  # type: ignore[arg-type]
    notebook = types.SimpleNamespace(tqdm=Bar)
    monkeypatch.setitem(sys.modules, "tqdm.notebook", notebook)  # type: ignore[arg-type]
    show = progress.shower(True)
    done = at(nord="answered", vest="refused")
    done.is_done = True
    show(done)
    (bar,) = bars
    assert (bar.total, bar.n, bar.is_closed) == (2, 2, True)


def test_states_of_the_gateway_are_lower_case_words() -> None:
    assert progress.state_name(wire.REGISTER_STATE_HELD) == "held"
    assert progress.state_name(99) == "unknown"
