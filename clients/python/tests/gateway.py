"""A gateway on this machine that speaks the real protocol over gRPC, with made-up data behind."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any

import google.rpc.error_details_pb2 as error_details
import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

import innsyn
from innsyn import calls
from innsyn.research.v1 import research_pb2 as wire

TOKEN = "good-token"
PERMIT = "header.permit.signature"
DOMAIN = "innsyn"


class Refused(Exception):
    """What a gateway refuses with."""

    def __init__(
        self, code: grpc.StatusCode, reason: str, text: str, metadata: dict[str, str] | None = None
    ) -> None:
        self.code, self.reason, self.text, self.metadata = code, reason, text, metadata or {}


class Gateway:
    def __init__(self) -> None:
        self.brain = innsyn.DummyClient(persons=600, silent=["east"])
        self.requests: list[Any] = []
        self.refuses: Refused | None = None
        #: What runs are told of registers, and how they end then, instead of a table.
        self.tells: list[wire.RegisterProgress] = []
        self.ends: Refused | None = None
        #: Runs ask the registers, and then wait for this.
        self.lets_answer = threading.Event()
        self.lets_answer.set()
        self.was_cancelled = threading.Event()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        unary = [
            (calls.CATALOGUE, self.catalogue),
            (calls.DRY_RUN, self.dry_run),
            (calls.CANCEL, self.cancel),
            (calls.LEDGER, self.ledger),
        ]
        handlers = {_name(method): _handler(method, self.admitted(act)) for method, act in unary}
        handlers[_name(calls.RUN)] = _handler(calls.RUN, self.admitted_run, is_stream=True)
        service = calls.RUN.path.split("/")[1]
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, handlers),)
        )
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        self.lets_answer.set()
        self.server.stop(grace=None)

    def connect(self, **changed: Any) -> innsyn.Client:
        return innsyn.connect(self.target, **{**self.options, **changed})

    @property
    def options(self) -> dict[str, Any]:
        return {"token": TOKEN, "data_permit": PERMIT, "insecure": True}

    def admitted(self, act: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
        def admitted(request: Any, context: Any) -> Any:
            self.admit(request, context)
            return act(request)

        return admitted

    def admit(self, request: Any, context: Any) -> None:
        self.requests.append(request)
        if ("authorization", f"Bearer {TOKEN}") not in context.invocation_metadata():
            text = "the access token is missing or not valid; get a new one"
            refuse(context, Refused(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_REFUSED", text))
        if self.refuses is not None:
            refuse(context, self.refuses)

    def catalogue(self, _: Any) -> wire.CatalogueResponse:
        views = [one for view in self.brain.catalogue().views for one in view.published]
        return wire.CatalogueResponse(views=views, registers_silent=["south"])

    def dry_run(self, request: wire.RunRequest) -> wire.DryRunResponse:
        plan = self.brain.dry_run(request.query)
        return wire.DryRunResponse(
            query=plan.query,
            query_name=bytes.fromhex(plan.query_name),
            words_nb="på norsk",
            words_en="in English",
            registers=plan.registers,
            cells_max=plan.cells_max,
        )

    def admitted_run(self, request: wire.RunRequest, context: Any) -> Any:
        self.admit(request, context)
        context.add_callback(self.lets_answer.is_set() or self.was_cancelled.set)
        plan = self.dry_run(request)
        yield wire.RunResponse(started=wire.RunStarted(run_id=b"r" * 16, plan=plan))
        for register in plan.registers:
            yield progress(register, wire.REGISTER_STATE_ASKED)
        while not self.lets_answer.wait(0.02):
            if not context.is_active():
                return
        if self.ends is not None:
            for told in self.tells:
                yield wire.RunResponse(progress=told)
            refuse(context, self.ends)
        table = self.brain.run(request.query, progress=False).message
        for register in table.registers:
            yield progress(register.register_id, register.state)
        yield wire.RunResponse(table=table)

    def cancel(self, request: wire.CancelRequest) -> wire.CancelResponse:
        return wire.CancelResponse(was_running=request.run_id == b"r" * 16)

    def ledger(self, _: Any) -> wire.LedgerResponse:
        return wire.LedgerResponse(
            releases=[
                wire.Release(
                    query_name=bytes.fromhex(one.query_name),
                    released_at=int(one.released_at.timestamp()),
                    words_en=one.words_en,
                    registers_asked=one.registers_asked,
                    registers_answered=one.registers_answered,
                )
                for one in self.brain.ledger()
            ]
        )


def progress(register: str, state: int) -> wire.RunResponse:
    return wire.RunResponse(progress=wire.RegisterProgress(register_id=register, state=state))


def refuse(context: Any, refused: Refused) -> None:
    status = status_pb2.Status(code=refused.code.value[0], message=refused.text)
    info = error_details.ErrorInfo(reason=refused.reason, domain=DOMAIN, metadata=refused.metadata)
    # A detail of another kind, whose text is no reason.
    status.details.add().Pack(error_details.DebugInfo(stack_entries=["elsewhere"]))
    status.details.add().Pack(info)
    context.abort_with_status(rpc_status.to_status(status))


def _name(method: calls.Method[Any, Any]) -> str:
    return method.path.rpartition("/")[2]


def _handler(method: calls.Method[Any, Any], act: Any, is_stream: bool = False) -> Any:
    make = (
        grpc.unary_stream_rpc_method_handler if is_stream else grpc.unary_unary_rpc_method_handler
    )
    return make(
        act,
        request_deserializer=method.request.FromString,
        response_serializer=method.response.SerializeToString,
    )
