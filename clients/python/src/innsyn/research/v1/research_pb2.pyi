from innsyn.research.v1 import catalogue_pb2 as _catalogue_pb2
from innsyn.research.v1 import query_pb2 as _query_pb2
from innsyn.types.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RefusalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUSAL_REASON_UNSPECIFIED: _ClassVar[RefusalReason]
    REFUSAL_REASON_SETTINGS_TOO_OLD: _ClassVar[RefusalReason]
    REFUSAL_REASON_STEWARD: _ClassVar[RefusalReason]
    REFUSAL_REASON_DATA_PERMIT: _ClassVar[RefusalReason]
    REFUSAL_REASON_OUTSIDE_DATA_PERMIT: _ClassVar[RefusalReason]

class RegisterState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REGISTER_STATE_UNSPECIFIED: _ClassVar[RegisterState]
    REGISTER_STATE_ASKED: _ClassVar[RegisterState]
    REGISTER_STATE_HELD: _ClassVar[RegisterState]
    REGISTER_STATE_RUNNING: _ClassVar[RegisterState]
    REGISTER_STATE_ANSWERED: _ClassVar[RegisterState]
    REGISTER_STATE_REFUSED: _ClassVar[RegisterState]
    REGISTER_STATE_SILENT: _ClassVar[RegisterState]

class ColumnKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLUMN_KIND_UNSPECIFIED: _ClassVar[ColumnKind]
    COLUMN_KIND_TEXT: _ClassVar[ColumnKind]
    COLUMN_KIND_COUNT: _ClassVar[ColumnKind]
    COLUMN_KIND_REAL: _ClassVar[ColumnKind]

class Hidden(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HIDDEN_UNSPECIFIED: _ClassVar[Hidden]
    HIDDEN_FEW: _ClassVar[Hidden]
    HIDDEN_DOMINANCE: _ClassVar[Hidden]
REFUSAL_REASON_UNSPECIFIED: RefusalReason
REFUSAL_REASON_SETTINGS_TOO_OLD: RefusalReason
REFUSAL_REASON_STEWARD: RefusalReason
REFUSAL_REASON_DATA_PERMIT: RefusalReason
REFUSAL_REASON_OUTSIDE_DATA_PERMIT: RefusalReason
REGISTER_STATE_UNSPECIFIED: RegisterState
REGISTER_STATE_ASKED: RegisterState
REGISTER_STATE_HELD: RegisterState
REGISTER_STATE_RUNNING: RegisterState
REGISTER_STATE_ANSWERED: RegisterState
REGISTER_STATE_REFUSED: RegisterState
REGISTER_STATE_SILENT: RegisterState
COLUMN_KIND_UNSPECIFIED: ColumnKind
COLUMN_KIND_TEXT: ColumnKind
COLUMN_KIND_COUNT: ColumnKind
COLUMN_KIND_REAL: ColumnKind
HIDDEN_UNSPECIFIED: Hidden
HIDDEN_FEW: Hidden
HIDDEN_DOMINANCE: Hidden

class CatalogueRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CatalogueResponse(_message.Message):
    __slots__ = ("views", "registers_silent")
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    REGISTERS_SILENT_FIELD_NUMBER: _ClassVar[int]
    views: _containers.RepeatedCompositeFieldContainer[_catalogue_pb2.View]
    registers_silent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, views: _Optional[_Iterable[_Union[_catalogue_pb2.View, _Mapping]]] = ..., registers_silent: _Optional[_Iterable[str]] = ...) -> None: ...

class RunRequest(_message.Message):
    __slots__ = ("query", "sql", "data_permit", "deadline_ms", "must_be_complete", "purpose")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    DATA_PERMIT_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    MUST_BE_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    query: _query_pb2.Query
    sql: str
    data_permit: str
    deadline_ms: int
    must_be_complete: bool
    purpose: _types_pb2.Purpose
    def __init__(self, query: _Optional[_Union[_query_pb2.Query, _Mapping]] = ..., sql: _Optional[str] = ..., data_permit: _Optional[str] = ..., deadline_ms: _Optional[int] = ..., must_be_complete: _Optional[bool] = ..., purpose: _Optional[_Union[_types_pb2.Purpose, str]] = ...) -> None: ...

class DryRunResponse(_message.Message):
    __slots__ = ("query", "query_name", "words_nb", "words_en", "registers", "cells_max")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    QUERY_NAME_FIELD_NUMBER: _ClassVar[int]
    WORDS_NB_FIELD_NUMBER: _ClassVar[int]
    WORDS_EN_FIELD_NUMBER: _ClassVar[int]
    REGISTERS_FIELD_NUMBER: _ClassVar[int]
    CELLS_MAX_FIELD_NUMBER: _ClassVar[int]
    query: _query_pb2.Query
    query_name: bytes
    words_nb: str
    words_en: str
    registers: _containers.RepeatedScalarFieldContainer[str]
    cells_max: int
    def __init__(self, query: _Optional[_Union[_query_pb2.Query, _Mapping]] = ..., query_name: _Optional[bytes] = ..., words_nb: _Optional[str] = ..., words_en: _Optional[str] = ..., registers: _Optional[_Iterable[str]] = ..., cells_max: _Optional[int] = ...) -> None: ...

class RunResponse(_message.Message):
    __slots__ = ("started", "progress", "table")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    started: RunStarted
    progress: RegisterProgress
    table: ReleasedTable
    def __init__(self, started: _Optional[_Union[RunStarted, _Mapping]] = ..., progress: _Optional[_Union[RegisterProgress, _Mapping]] = ..., table: _Optional[_Union[ReleasedTable, _Mapping]] = ...) -> None: ...

class RunStarted(_message.Message):
    __slots__ = ("run_id", "plan")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    run_id: bytes
    plan: DryRunResponse
    def __init__(self, run_id: _Optional[bytes] = ..., plan: _Optional[_Union[DryRunResponse, _Mapping]] = ...) -> None: ...

class RegisterProgress(_message.Message):
    __slots__ = ("register_id", "state", "refusal_reason", "refusal_receipt")
    REGISTER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_REASON_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_RECEIPT_FIELD_NUMBER: _ClassVar[int]
    register_id: str
    state: RegisterState
    refusal_reason: RefusalReason
    refusal_receipt: Receipt
    def __init__(self, register_id: _Optional[str] = ..., state: _Optional[_Union[RegisterState, str]] = ..., refusal_reason: _Optional[_Union[RefusalReason, str]] = ..., refusal_receipt: _Optional[_Union[Receipt, _Mapping]] = ...) -> None: ...

class ReleasedTable(_message.Message):
    __slots__ = ("query_name", "released_at", "is_earlier", "counts_registrations", "columns", "rows", "registers", "smallest_cell", "rounding_base", "receipts")
    QUERY_NAME_FIELD_NUMBER: _ClassVar[int]
    RELEASED_AT_FIELD_NUMBER: _ClassVar[int]
    IS_EARLIER_FIELD_NUMBER: _ClassVar[int]
    COUNTS_REGISTRATIONS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    REGISTERS_FIELD_NUMBER: _ClassVar[int]
    SMALLEST_CELL_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_BASE_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    query_name: bytes
    released_at: int
    is_earlier: bool
    counts_registrations: bool
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    rows: _containers.RepeatedCompositeFieldContainer[Row]
    registers: _containers.RepeatedCompositeFieldContainer[RegisterProgress]
    smallest_cell: int
    rounding_base: int
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    def __init__(self, query_name: _Optional[bytes] = ..., released_at: _Optional[int] = ..., is_earlier: _Optional[bool] = ..., counts_registrations: _Optional[bool] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ..., rows: _Optional[_Iterable[_Union[Row, _Mapping]]] = ..., registers: _Optional[_Iterable[_Union[RegisterProgress, _Mapping]]] = ..., smallest_cell: _Optional[int] = ..., rounding_base: _Optional[int] = ..., receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("register_id", "text", "is_signature_checked")
    REGISTER_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    IS_SIGNATURE_CHECKED_FIELD_NUMBER: _ClassVar[int]
    register_id: str
    text: str
    is_signature_checked: bool
    def __init__(self, register_id: _Optional[str] = ..., text: _Optional[str] = ..., is_signature_checked: _Optional[bool] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("name", "kind", "unit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: ColumnKind
    unit: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[ColumnKind, str]] = ..., unit: _Optional[str] = ...) -> None: ...

class Row(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("text", "count", "real", "hidden")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    REAL_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    text: str
    count: int
    real: float
    hidden: Hidden
    def __init__(self, text: _Optional[str] = ..., count: _Optional[int] = ..., real: _Optional[float] = ..., hidden: _Optional[_Union[Hidden, str]] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: bytes
    def __init__(self, run_id: _Optional[bytes] = ...) -> None: ...

class CancelResponse(_message.Message):
    __slots__ = ("was_running",)
    WAS_RUNNING_FIELD_NUMBER: _ClassVar[int]
    was_running: bool
    def __init__(self, was_running: _Optional[bool] = ...) -> None: ...

class LedgerRequest(_message.Message):
    __slots__ = ("data_permit",)
    DATA_PERMIT_FIELD_NUMBER: _ClassVar[int]
    data_permit: str
    def __init__(self, data_permit: _Optional[str] = ...) -> None: ...

class LedgerResponse(_message.Message):
    __slots__ = ("releases",)
    RELEASES_FIELD_NUMBER: _ClassVar[int]
    releases: _containers.RepeatedCompositeFieldContainer[Release]
    def __init__(self, releases: _Optional[_Iterable[_Union[Release, _Mapping]]] = ...) -> None: ...

class Release(_message.Message):
    __slots__ = ("query_name", "released_at", "words_nb", "words_en", "registers_asked", "registers_answered")
    QUERY_NAME_FIELD_NUMBER: _ClassVar[int]
    RELEASED_AT_FIELD_NUMBER: _ClassVar[int]
    WORDS_NB_FIELD_NUMBER: _ClassVar[int]
    WORDS_EN_FIELD_NUMBER: _ClassVar[int]
    REGISTERS_ASKED_FIELD_NUMBER: _ClassVar[int]
    REGISTERS_ANSWERED_FIELD_NUMBER: _ClassVar[int]
    query_name: bytes
    released_at: int
    words_nb: str
    words_en: str
    registers_asked: int
    registers_answered: int
    def __init__(self, query_name: _Optional[bytes] = ..., released_at: _Optional[int] = ..., words_nb: _Optional[str] = ..., words_en: _Optional[str] = ..., registers_asked: _Optional[int] = ..., registers_answered: _Optional[int] = ...) -> None: ...
