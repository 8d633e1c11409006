"""Catalogues and views as text and as HTML.

Everything that a register published is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .catalogue import Catalogue, View
    from .variable import Variable

#: Registers that are named in a line.
_NAMED_MAX = 6
_STYLE = "text-align:left;vertical-align:top"


def catalogue_text(catalogue: Catalogue) -> str:
    rows = [("VIEW", "ROW", "REGISTERS", "PERSONS", "MONTHS", "LABEL")]
    for view in catalogue.views:
        rows.append(
            (
                view.name,
                view.grain,
                str(len(view.registers)),
                f"~{view.persons_about}",
                view.months,
                labels(view.label_nb, view.label_en),
            )
        )
    return "\n".join([*table(rows), *_notes(catalogue)])


def catalogue_html(catalogue: Catalogue) -> str:
    head = ["view", "one row per", "registers", "persons", "months", "label"]
    rows = []
    for view in catalogue.views:
        cells = [
            f"<code>{escape(view.name)}</code>",
            view.grain,
            f'<span title="{escape(", ".join(view.registers))}">{len(view.registers)}</span>',
            f"~{view.persons_about}",
            escape(view.months),
            escape(labels(view.label_nb, view.label_en)),
        ]
        rows.append(cells)
    details = "".join(
        f"<details><summary><code>{escape(view.name)}</code></summary>{view_html(view)}</details>"
        for view in catalogue.views
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(catalogue))
    return html_table(head, rows) + notes + details


def _notes(catalogue: Catalogue) -> list[str]:
    notes = []
    if catalogue.registers_silent:
        silent = named(catalogue.registers_silent)
        notes.append(f"silent, so what they publish is not known now: {silent}")
    for view in catalogue.views:
        notes.extend(f"{view.name}: {difference}" for difference in view.differences)
    return notes


def view_text(view: View) -> str:
    rows = [("VARIABLE", "OF", "TYPE", "LABEL")]
    for variable in view.variables:
        rows.append((variable.name, _of(variable), _type(variable), _variable_labels(variable)))
    return "\n".join([_heading(view), *table(rows)])


def view_html(view: View) -> str:
    rows = [
        [
            f"<code>{escape(variable.name)}</code>",
            _of(variable),
            escape(_type(variable)),
            escape(_variable_labels(variable)),
        ]
        for variable in view.variables
    ]
    heading = f"<p>{escape(_heading(view))}</p>"
    return heading + html_table(["variable", "of", "type", "label"], rows)


def _heading(view: View) -> str:
    return (
        f"{view.name}: {labels(view.label_nb, view.label_en)}; one row per {view.grain}, "
        f"{view.months}, about {view.persons_about} persons at {named(view.registers)}"
    )


def _of(variable: Variable) -> str:
    return "person" if variable.of_person else "event"


def _type(variable: Variable) -> str:
    if variable.kind == "date":
        return "date, by the month"
    if variable.kind == "code":
        levels = "".join(f", level {at}: {n}" for at, n in enumerate(variable.levels, 1))
        may_divide = "" if variable.message.code.is_dimension else ", not a dimension"
        return f"code of {variable.system}{levels}{may_divide}"
    whole = "whole number" if variable.message.number.is_integer else "number"
    unit = f", {variable.unit}" if variable.unit not in ("", "1") else ""
    clip = variable.clip
    bounds = f", clipped to {clip[0]:g}–{clip[1]:g}" if clip else ", no sums"
    return f"{whole}{unit}{bounds}"


def _variable_labels(variable: Variable) -> str:
    return labels(variable.label_nb, variable.label_en)


def labels(nb: str, en: str) -> str:
    return " / ".join(text for text in dict.fromkeys((nb, en)) if text)


def named(registers: tuple[str, ...]) -> str:
    """Registers by name, not all of a long list."""
    more = len(registers) - _NAMED_MAX
    text = ", ".join(registers[:_NAMED_MAX])
    return f"{text} and {more} others" if more > 0 else text


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as lines with columns of one width."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def html_table(head: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are HTML already."""
    heads = "".join(f'<th style="{_STYLE}">{escape(name)}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_STYLE}">{cell}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
