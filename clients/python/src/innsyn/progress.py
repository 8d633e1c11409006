"""How a run goes: what each register does, shown on standard error or in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .plan import Plan
from .refusal import Refusal
from .research.v1 import research_pb2 as wire

_BAR_CHARACTERS = 24

#: States in which a register is done with its share.
DONE = ("answered", "refused", "silent")


@dataclass
class Progress:
    """Where a run stands; given to the callable that `progress=` names, at each change."""

    #: Names the run, in hexadecimal digits; empty before the gateway has told.
    run_id: str = ""
    plan: Plan | None = None
    #: Each register's state: asked, held, running, answered, refused or silent.
    states: dict[str, str] = field(default_factory=dict)
    #: What registers said that refused, as far as they tell.
    refusals: dict[str, Refusal] = field(default_factory=dict)
    #: Whether the table is there.
    is_done: bool = False

    @property
    def asked(self) -> int:
        """Registers that take part, as far as is known."""
        planned = self.plan.registers if self.plan else ()
        return len(self.states.keys() | set(planned))

    @property
    def answered(self) -> int:
        return sum(state == "answered" for state in self.states.values())

    @property
    def settled(self) -> int:
        """Registers that have answered, refused or fallen silent."""
        return sum(state in DONE for state in self.states.values())

    @property
    def held(self) -> tuple[str, ...]:
        """Registers whose steward must approve the query."""
        return tuple(name for name, state in self.states.items() if state == "held")

    def take(self, update: wire.RunResponse) -> None:
        """Books what the gateway told."""
        kind = update.WhichOneof("message")
        if kind == "started":
            self.run_id = update.started.run_id.hex()
            self.plan = Plan.of(update.started.plan)
        elif kind == "progress":
            self._note(update.progress)
        elif kind == "table":
            for register in update.table.registers:
                self._note(register)
            self.is_done = True

    def _note(self, register: wire.RegisterProgress) -> None:
        name = register.register_id
        self.states[name] = state_name(register.state)
        self.refusals.pop(name, None)
        if (refusal := Refusal.of(register)) is not None:
            self.refusals[name] = refusal

    def __str__(self) -> str:
        done = self.settled * _BAR_CHARACTERS // max(self.asked, 1)
        bar = "#" * done + "." * (_BAR_CHARACTERS - done)
        text = f"[{bar}] {self.answered} of {self.asked} registers answered"
        if self.held:
            text += f", {len(self.held)} await approval"
        missing = self.settled - self.answered
        return f"{text}, {missing} will not" if missing else text


Shower = Callable[[Progress], object]


def state_name(state: int) -> str:
    """The gateway's state in lower case; `unknown` of one that this version does not know."""
    try:
        name = wire.RegisterState.Name(wire.RegisterState.ValueType(state))
    except ValueError:
        return "unknown"
    return name.removeprefix("REGISTER_STATE_").lower()


def shower(progress: bool | Shower) -> Shower:
    """What shows the progress: nothing, a bar, or what was given."""
    if callable(progress):
        return progress
    if not progress:
        return lambda _: None
    return _notebook_bar() or _line()


def _line() -> Shower:
    """One line on standard error, if somebody looks at it."""
    width = 0

    def show(progress: Progress) -> None:
        nonlocal width
        if not sys.stderr.isatty():
            return
        text = str(progress)
        sys.stderr.write("\r" + text.ljust(width) + ("\n" if progress.is_done else ""))
        sys.stderr.flush()
        width = len(text)

    return show


def _notebook_bar() -> Shower | None:
    """A bar of `tqdm` in a notebook, if both are there."""
    if not _in_notebook():
        return None
    try:
        from tqdm.notebook import tqdm

        bar: Any = tqdm(total=None, unit="register", leave=False)
    except Exception:  # without its widgets it cannot draw, and a bar is worth no failure
        return None

    def show(progress: Progress) -> None:
        bar.total = progress.asked
        bar.n = progress.settled
        bar.set_description_str(f"{progress.answered} answered")
        bar.refresh()
        if progress.is_done:
            bar.close()

    return show


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = ipython.get_ipython()
    return shell is not None and shell.__class__.__name__ == "ZMQInteractiveShell"
