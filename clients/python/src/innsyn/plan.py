"""What a gateway would ask of whom, and what it has released."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from html import escape

from google.protobuf import text_format

from .research.v1 import query_pb2, research_pb2 as wire


@dataclass(frozen=True)
class Plan:
    """What a dry run tells: no register was asked, and nothing was charged."""

    #: The query in normal form.
    query: query_pb2.Query
    #: Names the query, in hexadecimal digits.
    query_name: str
    #: The query in words.
    words_nb: str
    words_en: str
    #: Who would be asked.
    registers: tuple[str, ...]
    #: Cells that the table can have.
    cells_max: int

    @classmethod
    def of(cls, message: wire.DryRunResponse) -> Plan:
        return cls(
            query=message.query,
            query_name=message.query_name.hex(),
            words_nb=message.words_nb,
            words_en=message.words_en,
            registers=tuple(message.registers),
            cells_max=message.cells_max,
        )

    def text(self) -> str:
        """The normal form in protobuf's text format."""
        return str(text_format.MessageToString(self.query))

    def __str__(self) -> str:
        return (
            f"{self.words_en}\n\n{len(self.registers)} registers would be asked, "
            f"for at most {self.cells_max} cells.\nquery {self.query_name}"
        )

    def _repr_html_(self) -> str:
        return (
            f"<pre>{escape(self.words_en)}</pre><p>{len(self.registers)} registers would be "
            f"asked, for at most {self.cells_max} cells.</p>"
            f"<p><small>query <code>{escape(self.query_name)}</code></small></p>"
        )


@dataclass(frozen=True)
class Release:
    """A table that was released under the permit."""

    query_name: str
    released_at: datetime.datetime
    words_nb: str
    words_en: str
    registers_asked: int
    registers_answered: int

    @classmethod
    def of(cls, message: wire.Release) -> Release:
        return cls(
            query_name=message.query_name.hex(),
            released_at=moment(message.released_at),
            words_nb=message.words_nb,
            words_en=message.words_en,
            registers_asked=message.registers_asked,
            registers_answered=message.registers_answered,
        )


def moment(seconds: int) -> datetime.datetime:
    """So many seconds since 1970, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
