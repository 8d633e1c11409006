"""What can be asked about: the views that registers publish, and their variables.

The same view at several registers is one table. ``catalogue["stays"]`` or ``catalogue.stays`` is
a view, ``catalogue.stays["sex"]`` or ``catalogue.stays.sex`` a variable; names that Python or a
view has taken are reached with brackets.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from . import months, show
from .condition import Condition
from .errors import QueryError
from .research.v1 import catalogue_pb2 as wire, research_pb2
from .variable import Variable

if TYPE_CHECKING:
    from .builder import Query


class View(Mapping[str, Variable]):
    """One view, as all registers that publish it agree on it."""

    def __init__(self, published: list[wire.View]) -> None:
        first = published[0]
        self.published = published
        self.name = first.name
        self.label_nb = first.label_nb
        self.label_en = first.label_en
        #: The registers that publish it.
        self.registers = tuple(sorted(view.register_id for view in published))
        self.is_of_events = first.grain == wire.GRAIN_EVENT
        #: The months of its data over all registers, `[from, until)`, from January 1970.
        self.from_month = min(view.from_month for view in published)
        self.until_month = max(view.until_month for view in published)
        #: Persons over all registers, about; a person once for each register.
        self.persons_about = sum(view.persons_about for view in published)
        #: Whether no person is in two of the registers.
        self.persons_disjoint = len(published) == 1 or all(
            view.persons_disjoint for view in published
        )
        self._event_date = first.event_date
        self._variables = {one.name: Variable(first.name, one) for one in first.variables}
        #: In what registers differ; such a view can be asked of those only that are alike.
        self.differences = tuple(_differences(published))

    @property
    def event_date(self) -> Variable | None:
        """The date of its events; none in a view of persons."""
        return self._variables.get(self._event_date)

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(self._variables.values())

    @property
    def grain(self) -> str:
        return "event" if self.is_of_events else "person"

    @property
    def months(self) -> str:
        """The months of its data, in words."""
        last = max(self.until_month - 1, self.from_month)
        return f"{months.label(self.from_month)} to {months.label(last)}"

    def __getitem__(self, name: str) -> Variable:
        try:
            return self._variables[name]
        except KeyError:
            raise UnknownName(self._unknown(name)) from None

    def __getattr__(self, name: str) -> Variable:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._variables[name]
        except KeyError:
            raise UnknownName(self._unknown(name)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __contains__(self, name: object) -> bool:
        return name in self._variables

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and self.published == other.published

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._variables]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._variables)

    def _unknown(self, name: str) -> str:
        return f"`{self.name}` has no variable `{name}`; {nearest(name, self._variables)}"

    def check(self, condition: Condition) -> None:
        """Refuses a condition on another view's variables."""
        if condition.view not in (None, self.name):
            raise QueryError(
                f"this condition is on `{condition.view}`, and the view is `{self.name}`; ask of "
                "another view's events with `has_events`"
            )

    def query(self) -> Query:
        """Starts a query over this view."""
        from .builder import Query

        return Query(self)

    def __repr__(self) -> str:
        return show.view_text(self)

    def _repr_html_(self) -> str:
        return show.view_html(self)


class Catalogue(Mapping[str, View]):
    """Every view that is published now."""

    def __init__(self, views: Iterable[wire.View], registers_silent: Iterable[str] = ()) -> None:
        by_name: dict[str, list[wire.View]] = {}
        for view in views:
            by_name.setdefault(view.name, []).append(view)
        self._views = {name: View(by_name[name]) for name in sorted(by_name)}
        #: Registers whose views are not known now.
        self.registers_silent = tuple(sorted(registers_silent))

    @classmethod
    def of(cls, response: research_pb2.CatalogueResponse) -> Catalogue:
        return cls(response.views, response.registers_silent)

    @property
    def views(self) -> tuple[View, ...]:
        return tuple(self._views.values())

    @property
    def registers(self) -> tuple[str, ...]:
        """The registers that publish anything."""
        return tuple(sorted({name for view in self.views for name in view.registers}))

    def __getitem__(self, name: str) -> View:
        try:
            return self._views[name]
        except KeyError:
            raise UnknownName(self._unknown(name)) from None

    def __getattr__(self, name: str) -> View:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._views]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._views)

    def _unknown(self, name: str) -> str:
        text = f"no register publishes a view `{name}`; {nearest(name, self._views)}"
        if self.registers_silent:
            text += f"; {len(self.registers_silent)} registers are silent now"
        return text

    def find(self, word: str) -> list[Variable]:
        """Variables whose name or label has `word` in it."""
        word = word.casefold()
        return [
            variable
            for view in self.views
            for variable in view.variables
            if any(
                word in text.casefold()
                for text in (variable.name, variable.label_nb, variable.label_en, variable.system)
            )
        ]

    def __repr__(self) -> str:
        return show.catalogue_text(self)

    def _repr_html_(self) -> str:
        return show.catalogue_html(self)


class UnknownName(QueryError, KeyError, AttributeError):
    """The catalogue has no such name; the text tells the nearest ones."""

    __str__ = QueryError.__str__


def nearest(name: str, known: Iterable[str]) -> str:
    """What may have been meant."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {_listed(close)}?"
    shown = names[:12]
    more = f" and {len(names) - len(shown)} others" if len(names) > len(shown) else ""
    return f"there are {_listed(shown)}{more}" if shown else "there are none"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _differences(published: list[wire.View]) -> Iterator[str]:
    def comparable(view: wire.View) -> dict[str, bytes]:
        parts = {"its grain": bytes([view.grain]), "its event date": view.event_date.encode()}
        for variable in view.variables:
            alike = wire.Variable()
            alike.CopyFrom(variable)
            alike.label_nb = alike.label_en = ""
            parts[f"variable `{variable.name}`"] = alike.SerializeToString(deterministic=True)
        return parts

    first = comparable(published[0])
    for view in published[1:]:
        other = comparable(view)
        for what in sorted(first.keys() | other.keys()):
            if first.get(what) != other.get(what):
                yield f"{what} differs at {view.register_id} from {published[0].register_id}"
