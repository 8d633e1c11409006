"""Everything that can go wrong, by the gateway's stable reason.

A gateway's refusal carries `google.rpc.ErrorInfo` with a reason such as `OUTSIDE_DATA_PERMIT`.
The class of an error follows from the reason, its text is the gateway's own, and a program
decides by the class or by :attr:`InnsynError.reason`, never by the text. No error names a person
or repeats a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import grpc

from . import lost
from .refusal import Refusal

if TYPE_CHECKING:
    from .progress import Progress

_DETAILS_KEY = "grpc-status-details-bin"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class InnsynError(Exception):
    """Something was refused or failed."""

    def __init__(
        self, message: str, *, reason: str = "", metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        #: The gateway's stable word for it; empty if the gateway did not say it.
        self.reason = reason
        #: What a program may want to know beside the reason, such as `place`.
        self.metadata: dict[str, str] = dict(metadata or {})

    def __str__(self) -> str:
        return f"{self.message} [{self.reason}]" if self.reason else self.message


class ConfigurationError(InnsynError, ValueError):
    """The connection is not described well: a file, a target, a combination of options."""


class Unreachable(InnsynError, ConnectionError):
    """No gateway answered at the target."""


class BrokeOff(Unreachable):
    """The gateway, or the way to it, was lost in the middle of a run; ask the same query again."""


class NotLoggedIn(InnsynError):
    """The access token is missing, expired or not valid; get a new one."""


class NotAllowed(InnsynError):
    """The token is good, but not for this."""


class PermitRefused(NotAllowed):
    """The data permit cannot be read, is not trusted, or is not valid now."""


class OutsidePermit(NotAllowed):
    """The question is outside the data permit; :attr:`field` tells in what."""

    @property
    def field(self) -> str:
        return self.metadata.get("field", "")

    @property
    def register(self) -> str:
        return self.metadata.get("register", "")


class QueryError(InnsynError, ValueError):
    """The question cannot be asked; :attr:`place` tells where, the text what to write instead."""

    @property
    def place(self) -> str:
        return self.metadata.get("place", "")


class NotReleasable(QueryError):
    """The question can be asked, but no table of its shape could be released."""


class Overtaken(InnsynError):
    """Other tables of the permit were released meanwhile; ask again."""


class RegistersMissing(InnsynError):
    """Registers did not answer, or wait for their steward, and so there is no table."""

    #: What registers said that refused, as far as they tell.
    refusals: Mapping[str, Refusal] = MappingProxyType({})


class Overloaded(InnsynError):
    """Too much is under way; try again later."""


class Cancelled(InnsynError):
    """The run was cancelled."""


class DeadlineExceeded(InnsynError, TimeoutError):
    """The gateway did not end within the time that it was given."""


class GatewayFailed(InnsynError):
    """The gateway could not do its work; nothing was released."""


class HiddenCells(InnsynError, ValueError):
    """A table has hidden cells, and it was not told how to take them."""


_BY_REASON: dict[str, type[InnsynError]] = {
    "TOKEN_REFUSED": NotLoggedIn,
    "SCOPE_MISSING": NotAllowed,
    "ASSURANCE_TOO_LOW": NotAllowed,
    "TOKEN_PERSON_MISSING": NotAllowed,
    "DATA_PERMIT_REFUSED": PermitRefused,
    "OUTSIDE_DATA_PERMIT": OutsidePermit,
    "QUESTION_MISSING": QueryError,
    "DEADLINE_OUT_OF_BOUNDS": QueryError,
    "RUN_ID_MALFORMED": QueryError,
    "PURPOSE_UNKNOWN": QueryError,
    "SQL_REFUSED": QueryError,
    "QUERY_REFUSED": QueryError,
    "NOT_RELEASABLE": NotReleasable,
    "NOT_AVAILABLE": NotReleasable,
    "OVERTAKEN": Overtaken,
    "REGISTER_UNKNOWN": RegistersMissing,
    "REGISTERS_MISSING": RegistersMissing,
    "HELD_BY_STEWARD": RegistersMissing,
    "NO_REGISTER_ANSWERED": RegistersMissing,
    "OVERLOADED": Overloaded,
    "CANCELLED": Cancelled,
    "LEDGER_UNAVAILABLE": GatewayFailed,
    "FAILED": GatewayFailed,
}

# What a reason that this version does not know is taken for.
_BY_CODE: dict[str, type[InnsynError]] = {
    "UNAUTHENTICATED": NotLoggedIn,
    "PERMISSION_DENIED": NotAllowed,
    "INVALID_ARGUMENT": QueryError,
    "FAILED_PRECONDITION": NotReleasable,
    "NOT_FOUND": QueryError,
    "OUT_OF_RANGE": QueryError,
    "UNIMPLEMENTED": QueryError,
    "RESOURCE_EXHAUSTED": Overloaded,
    "CANCELLED": Cancelled,
    "ABORTED": Overtaken,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "UNAVAILABLE": Unreachable,
    "INTERNAL": GatewayFailed,
    "DATA_LOSS": GatewayFailed,
    "UNKNOWN": GatewayFailed,
}


def error_class(reason: str, code: str) -> type[InnsynError]:
    """The class of an error with the gateway's `reason` and gRPC's `code`."""
    if reason in _BY_REASON:
        return _BY_REASON[reason]
    if reason and code == "UNAVAILABLE":
        return GatewayFailed  # it answered, so it was reached
    return _BY_CODE.get(code, InnsynError)


def from_run(error: Any, target: str, progress: Progress) -> InnsynError:
    """What gRPC raised in a run that had come as far as `progress`, as one of these."""
    told = from_rpc(error, target, has_begun=bool(progress.run_id))
    if isinstance(told, RegistersMissing):
        told.refusals = dict(progress.refusals)
    return told


def from_rpc(error: Any, target: str, *, has_begun: bool = False) -> InnsynError:
    """What gRPC raised over a connection to `target`, as one of these.

    `has_begun` says that a gateway had taken the question and begun to answer.
    """
    code: grpc.StatusCode = error.code()
    text = error.details() or "the gateway gave no reason"
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            try:
                reason, metadata = error_info(value)
            except ValueError:
                continue
            if reason:
                return error_class(reason, code.name)(text, reason=reason, metadata=metadata)
    # Our gateways give a reason with every refusal, so these are what gRPC itself says.
    if code is grpc.StatusCode.UNAVAILABLE:
        if has_begun:
            return BrokeOff(lost.broke_off(target, text))
        return Unreachable(lost.unreachable(target, text))
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(lost.too_late(target))
    return error_class("", code.name)(text)


def error_info(status: bytes) -> tuple[str, dict[str, str]]:
    """Reason and metadata of the `ErrorInfo` in an encoded `google.rpc.Status`.

    The two messages are read by hand, because the package that has them brings 60 others.
    """
    for number, detail in _fields(status):
        if number != 3:
            continue
        any_of = dict(_fields(detail))
        if any_of.get(1, b"").decode() != _ERROR_INFO:
            continue
        reason, metadata = "", {}
        for number, value in _fields(any_of.get(2, b"")):
            if number == 1:
                reason = value.decode()
            elif number == 3:
                entry = dict(_fields(value))
                metadata[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
        return reason, metadata
    return "", {}


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that have a length; numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _, at = _varint(message, at)
        elif kind == 1:
            at += 8
        elif kind == 5:
            at += 4
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("a field is longer than its message")
            yield number, message[at : at + length]
            at += length
        else:
            raise ValueError("no such kind of field")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number does not end")
