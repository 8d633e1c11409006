"""The synchronous client."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import grpc

from . import calls
from .builder import Query
from .catalogue import Catalogue, View
from .connection import Connection, PathLike, Secret, describe
from .errors import Cancelled, GatewayFailed, from_rpc, from_run
from .plan import Plan, Release
from .progress import Progress, Shower, shower
from .research.v1 import research_pb2 as wire
from .result import Result


def connect(
    target: str,
    *,
    token: Secret | None = None,
    token_file: PathLike | None = None,
    data_permit: Secret | None = None,
    permit_file: PathLike | None = None,
    tls_ca: PathLike | None = None,
    insecure: bool = False,
) -> Client:
    """Connects to a research gateway at ``HOST:PORT``.

    The access token is read from `token_file` at each call, or given as `token`: a text, or
    what gives one. The data permit likewise, from `permit_file` or as `data_permit`; without it
    the catalogue can be read and nothing asked. `tls_ca` names certificates to trust instead of
    the system's. `insecure` leaves TLS out and is for a gateway on this machine only.
    """
    return Client(
        describe(
            target,
            token=token,
            token_file=token_file,
            data_permit=data_permit,
            permit_file=permit_file,
            tls_ca=tls_ca,
            insecure=insecure,
        )
    )


class Client:
    """A connection to a research gateway; a context manager closes it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        if connection.insecure:
            self._channel: Any = grpc.insecure_channel(connection.target, connection.options)
        else:
            self._channel = grpc.secure_channel(
                connection.target, connection.credentials(), connection.options
            )
        self._known: Catalogue | None = None

    def catalogue(self, *, fresh: bool = False) -> Catalogue:
        """What can be asked about; asked of the gateway once, or anew if `fresh`."""
        if self._known is None or fresh:
            response = self._call(calls.CATALOGUE, wire.CatalogueRequest())
            self._known = Catalogue.of(response)
        return self._known

    def query(self, view: str | View) -> Query:
        """Starts a query over a view."""
        return Query(view if isinstance(view, View) else self.catalogue()[view])

    def dry_run(self, question: calls.Question) -> Plan:
        """What would be asked of whom; no register is asked and nothing is charged."""
        permit = self._connection.data_permit()
        request = calls.run_request(question, permit, None, False)
        return Plan.of(self._call(calls.DRY_RUN, request))

    def sql(
        self,
        statement: str,
        *,
        deadline: calls.Seconds | None = None,
        must_be_complete: bool = False,
        progress: bool | Shower = True,
    ) -> Result:
        """Runs one `SELECT` over a published view."""
        return self.run(
            statement, deadline=deadline, must_be_complete=must_be_complete, progress=progress
        )

    def run(
        self,
        question: calls.Question,
        *,
        deadline: calls.Seconds | None = None,
        must_be_complete: bool = False,
        progress: bool | Shower = True,
    ) -> Result:
        """Asks the registers and waits for the table. Ctrl-C cancels the run at the gateway."""
        with self.start(
            question, deadline=deadline, must_be_complete=must_be_complete, progress=progress
        ) as run:
            return run.result()

    def start(
        self,
        question: calls.Question,
        *,
        deadline: calls.Seconds | None = None,
        must_be_complete: bool = False,
        progress: bool | Shower = False,
    ) -> Run:
        """Asks the registers without waiting; the run can be looked at and cancelled.

        `deadline` is how long registers may take, in seconds. With `must_be_complete` a table
        that lacks a register is an error. `progress` shows a bar, or calls what is given.
        """
        permit = self._connection.data_permit()
        request = calls.run_request(question, permit, deadline, must_be_complete)
        call = calls.RUN.call(self._channel.unary_stream)
        stream = call(
            request,
            metadata=self._connection.metadata(),
            timeout=calls.run_timeout_s(deadline),
        )
        return Run(stream, self._connection.target, shower(progress))

    def cancel(self, run_id: str) -> bool:
        """Ends a run that another connection of yours began; whether it was under way."""
        request = wire.CancelRequest(run_id=bytes.fromhex(run_id))
        response: wire.CancelResponse = self._call(calls.CANCEL, request)
        return response.was_running

    def ledger(self) -> list[Release]:
        """What has been released under the permit, in that order."""
        request = wire.LedgerRequest(data_permit=self._connection.data_permit())
        response: wire.LedgerResponse = self._call(calls.LEDGER, request)
        return [Release.of(release) for release in response.releases]

    def close(self) -> None:
        """Closes the connection; runs under way are cancelled."""
        self._channel.close()

    def _call(self, method: calls.Method[Any, Any], request: Any) -> Any:
        call = method.call(self._channel.unary_unary)
        try:
            return call(request, metadata=self._connection.metadata(), timeout=calls.CALL_TIMEOUT_S)
        except grpc.RpcError as error:
            raise from_rpc(error, self._connection.target) from None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<innsyn client of {self._connection.target}>"


class Run:
    """A run under way. Leaving its `with`, or losing it, cancels it at the gateway."""

    def __init__(self, stream: Any, target: str, show: Shower) -> None:
        self._stream = stream
        self._target = target
        self._show = show
        self._table: wire.ReleasedTable | None = None
        self.progress = Progress()

    def updates(self) -> Iterator[Progress]:
        """The progress at each change, until the table is there."""
        try:
            for update in self._stream:
                self.progress.take(update)
                if update.HasField("table"):
                    self._table = update.table
                self._show(self.progress)
                yield self.progress
        except grpc.RpcError as error:
            raise from_run(error, self._target, self.progress) from None
        except grpc.FutureCancelledError:
            raise Cancelled("the run was cancelled", reason="CANCELLED") from None
        finally:
            self._stream.cancel()

    def result(self) -> Result:
        """Waits for the table."""
        if self._table is None:
            for _ in self.updates():
                pass
        if self._table is None:
            raise GatewayFailed("the gateway closed without a table")
        return Result(self._table, self.progress.plan)

    def cancel(self) -> None:
        """Ends the run at the gateway and at the registers."""
        self._stream.cancel()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.cancel()

    def __del__(self) -> None:
        self._stream.cancel()
