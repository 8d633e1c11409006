from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Grain(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRAIN_UNSPECIFIED: _ClassVar[Grain]
    GRAIN_PERSON: _ClassVar[Grain]
    GRAIN_EVENT: _ClassVar[Grain]
GRAIN_UNSPECIFIED: Grain
GRAIN_PERSON: Grain
GRAIN_EVENT: Grain

class View(_message.Message):
    __slots__ = ("name", "register_id", "label_nb", "label_en", "grain", "variables", "from_month", "until_month", "persons_about", "persons_disjoint", "event_date")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REGISTER_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_NB_FIELD_NUMBER: _ClassVar[int]
    LABEL_EN_FIELD_NUMBER: _ClassVar[int]
    GRAIN_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    FROM_MONTH_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MONTH_FIELD_NUMBER: _ClassVar[int]
    PERSONS_ABOUT_FIELD_NUMBER: _ClassVar[int]
    PERSONS_DISJOINT_FIELD_NUMBER: _ClassVar[int]
    EVENT_DATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    register_id: str
    label_nb: str
    label_en: str
    grain: Grain
    variables: _containers.RepeatedCompositeFieldContainer[Variable]
    from_month: int
    until_month: int
    persons_about: int
    persons_disjoint: bool
    event_date: str
    def __init__(self, name: _Optional[str] = ..., register_id: _Optional[str] = ..., label_nb: _Optional[str] = ..., label_en: _Optional[str] = ..., grain: _Optional[_Union[Grain, str]] = ..., variables: _Optional[_Iterable[_Union[Variable, _Mapping]]] = ..., from_month: _Optional[int] = ..., until_month: _Optional[int] = ..., persons_about: _Optional[int] = ..., persons_disjoint: _Optional[bool] = ..., event_date: _Optional[str] = ...) -> None: ...

class Variable(_message.Message):
    __slots__ = ("name", "label_nb", "label_en", "code", "number", "date", "of_person")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LABEL_NB_FIELD_NUMBER: _ClassVar[int]
    LABEL_EN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    OF_PERSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    label_nb: str
    label_en: str
    code: Code
    number: Number
    date: Date
    of_person: bool
    def __init__(self, name: _Optional[str] = ..., label_nb: _Optional[str] = ..., label_en: _Optional[str] = ..., code: _Optional[_Union[Code, _Mapping]] = ..., number: _Optional[_Union[Number, _Mapping]] = ..., date: _Optional[_Union[Date, _Mapping]] = ..., of_person: _Optional[bool] = ...) -> None: ...

class Code(_message.Message):
    __slots__ = ("system", "version", "level_characters", "is_dimension")
    SYSTEM_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LEVEL_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    IS_DIMENSION_FIELD_NUMBER: _ClassVar[int]
    system: str
    version: str
    level_characters: _containers.RepeatedScalarFieldContainer[int]
    is_dimension: bool
    def __init__(self, system: _Optional[str] = ..., version: _Optional[str] = ..., level_characters: _Optional[_Iterable[int]] = ..., is_dimension: _Optional[bool] = ...) -> None: ...

class Number(_message.Message):
    __slots__ = ("unit", "is_integer", "clip_from", "clip_to", "centre")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    IS_INTEGER_FIELD_NUMBER: _ClassVar[int]
    CLIP_FROM_FIELD_NUMBER: _ClassVar[int]
    CLIP_TO_FIELD_NUMBER: _ClassVar[int]
    CENTRE_FIELD_NUMBER: _ClassVar[int]
    unit: str
    is_integer: bool
    clip_from: float
    clip_to: float
    centre: float
    def __init__(self, unit: _Optional[str] = ..., is_integer: _Optional[bool] = ..., clip_from: _Optional[float] = ..., clip_to: _Optional[float] = ..., centre: _Optional[float] = ...) -> None: ...

class Date(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
