"""What the synchronous and the asynchronous client have in common: requests and their limits."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .builder import Query
from .errors import QueryError
from .research.v1 import query_pb2, research_pb2 as wire

#: What a caller waits for an answer that asks no register to count, in seconds.
CALL_TIMEOUT_S = 60.0
#: What a caller waits beyond a run's own deadline, in seconds: the release takes time too.
GRACE_S = 120.0
DEADLINE_DEFAULT_S = 30.0
DEADLINE_MIN_S = 0.2
DEADLINE_MAX_S = 600.0

_SERVICE = "/innsyn.research.v1.ResearchService"

#: A query that was built, one as the gateway takes it, or SQL.
Question = Query | query_pb2.Query | str
Seconds = float | datetime.timedelta

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    """One call of the service."""

    path: str
    request: type[Request]
    response: type[Response]

    def call(self, of_channel: Any) -> Any:
        """This call over a channel; `of_channel` is its `unary_unary` or `unary_stream`."""
        to_bytes: Any = self.request
        from_bytes: Any = self.response
        return of_channel(
            self.path,
            request_serializer=to_bytes.SerializeToString,
            response_deserializer=from_bytes.FromString,
        )


CATALOGUE = Method(f"{_SERVICE}/Catalogue", wire.CatalogueRequest, wire.CatalogueResponse)
DRY_RUN = Method(f"{_SERVICE}/DryRun", wire.RunRequest, wire.DryRunResponse)
RUN = Method(f"{_SERVICE}/Run", wire.RunRequest, wire.RunResponse)
CANCEL = Method(f"{_SERVICE}/Cancel", wire.CancelRequest, wire.CancelResponse)
LEDGER = Method(f"{_SERVICE}/Ledger", wire.LedgerRequest, wire.LedgerResponse)


def run_request(
    question: Question, permit: str, deadline: Seconds | None, must_be_complete: bool
) -> wire.RunRequest:
    request = wire.RunRequest(data_permit=permit, must_be_complete=must_be_complete)
    if isinstance(question, str):
        request.sql = question
    elif isinstance(question, Query):
        request.query.CopyFrom(question.to_proto())
    elif isinstance(question, query_pb2.Query):
        request.query.CopyFrom(question)
    else:
        raise QueryError(
            f"a question is a query that was built, or SQL as text, not {type(question).__name__}"
        )
    if deadline is not None:
        request.deadline_ms = round(seconds(deadline) * 1_000)
    return request


def seconds(deadline: Seconds) -> float:
    found = (
        deadline.total_seconds() if isinstance(deadline, datetime.timedelta) else float(deadline)
    )
    if not DEADLINE_MIN_S <= found <= DEADLINE_MAX_S:
        raise QueryError(f"a deadline is {DEADLINE_MIN_S} to {DEADLINE_MAX_S:g} seconds")
    return found


def run_timeout_s(deadline: Seconds | None) -> float:
    return (DEADLINE_DEFAULT_S if deadline is None else seconds(deadline)) + GRACE_S
