"""The asynchronous client: as the other one, with `await`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

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
) -> AsyncClient:
    """Connects to a research gateway, as :func:`innsyn.connect` does."""
    return AsyncClient(
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


class AsyncClient:
    """A connection to a research gateway; an asynchronous context manager closes it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        if connection.insecure:
            self._channel: Any = grpc.aio.insecure_channel(connection.target, connection.options)
        else:
            self._channel = grpc.aio.secure_channel(
                connection.target, connection.credentials(), connection.options
            )
        self._known: Catalogue | None = None

    async def catalogue(self, *, fresh: bool = False) -> Catalogue:
        """What can be asked about; asked of the gateway once, or anew if `fresh`."""
        if self._known is None or fresh:
            response = await self._call(calls.CATALOGUE, wire.CatalogueRequest())
            self._known = Catalogue.of(response)
        return self._known

    async def query(self, view: str | View) -> Query:
        """Starts a query over a view."""
        return Query(view if isinstance(view, View) else (await self.catalogue())[view])

    async def dry_run(self, question: calls.Question) -> Plan:
        """What would be asked of whom; no register is asked and nothing is charged."""
        permit = self._connection.data_permit()
        request = calls.run_request(question, permit, None, False)
        return Plan.of(await self._call(calls.DRY_RUN, request))

    async def sql(
        self,
        statement: str,
        *,
        deadline: calls.Seconds | None = None,
        must_be_complete: bool = False,
        progress: bool | Shower = False,
    ) -> Result:
        """Runs one `SELECT` over a published view."""
        return await self.run(
            statement, deadline=deadline, must_be_complete=must_be_complete, progress=progress
        )

    async def run(
        self,
        question: calls.Question,
        *,
        deadline: calls.Seconds | None = None,
        must_be_complete: bool = False,
        progress: bool | Shower = False,
    ) -> Result:
        """Asks the registers and awaits the table. Cancelling the task cancels the run."""
        async with self.start(
            question, deadline=deadline, must_be_complete=must_be_complete, progress=progress
        ) as run:
            return await run.result()

    def start(
        self,
        question: calls.Question,
        *,
        deadline: calls.Seconds | None = None,
        must_be_complete: bool = False,
        progress: bool | Shower = False,
    ) -> AsyncRun:
        """Asks the registers without waiting; the run can be iterated and cancelled."""
        permit = self._connection.data_permit()
        request = calls.run_request(question, permit, deadline, must_be_complete)
        call = calls.RUN.call(self._channel.unary_stream)
        stream = call(
            request,
            metadata=self._connection.metadata(),
            timeout=calls.run_timeout_s(deadline),
        )
        return AsyncRun(stream, self._connection.target, shower(progress))

    async def cancel(self, run_id: str) -> bool:
        """Ends a run that another connection of yours began; whether it was under way."""
        request = wire.CancelRequest(run_id=bytes.fromhex(run_id))
        response: wire.CancelResponse = await self._call(calls.CANCEL, request)
        return response.was_running

    async def ledger(self) -> list[Release]:
        """What has been released under the permit, in that order."""
        request = wire.LedgerRequest(data_permit=self._connection.data_permit())
        response: wire.LedgerResponse = await self._call(calls.LEDGER, request)
        return [Release.of(release) for release in response.releases]

    async def close(self) -> None:
        """Closes the connection; runs under way are cancelled."""
        await self._channel.close()

    async def _call(self, method: calls.Method[Any, Any], request: Any) -> Any:
        call = method.call(self._channel.unary_unary)
        try:
            return await call(
                request, metadata=self._connection.metadata(), timeout=calls.CALL_TIMEOUT_S
            )
        except grpc.RpcError as error:
            raise from_rpc(error, self._connection.target) from None

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<innsyn asynchronous client of {self._connection.target}>"


class AsyncRun:
    """A run under way: `async for` gives its progress, `await run.result()` its table."""

    def __init__(self, stream: Any, target: str, show: Shower) -> None:
        self._stream = stream
        self._target = target
        self._show = show
        self._table: wire.ReleasedTable | None = None
        self._is_cancelled = False
        self.progress = Progress()

    async def __aiter__(self) -> AsyncIterator[Progress]:
        try:
            async for update in self._stream:
                self.progress.take(update)
                if update.HasField("table"):
                    self._table = update.table
                self._show(self.progress)
                yield self.progress
        except grpc.RpcError as error:
            raise from_run(error, self._target, self.progress) from None
        except BaseException as error:
            # gRPC raises the task's own cancellation also when it was the call that was ended.
            if self._is_cancelled and type(error).__name__ == "CancelledError":
                raise Cancelled("the run was cancelled", reason="CANCELLED") from None
            raise
        finally:
            self._stream.cancel()

    async def result(self) -> Result:
        """Awaits the table."""
        if self._table is None:
            async for _ in self:
                pass
        if self._table is None:
            raise GatewayFailed("the gateway closed without a table")
        return Result(self._table, self.progress.plan)

    def cancel(self) -> None:
        """Ends the run at the gateway and at the registers."""
        self._is_cancelled = True
        self._stream.cancel()

    async def __aenter__(self) -> AsyncRun:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()
