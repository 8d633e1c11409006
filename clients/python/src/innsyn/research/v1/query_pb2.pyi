from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATOR_UNSPECIFIED: _ClassVar[Operator]
    OPERATOR_EQUAL: _ClassVar[Operator]
    OPERATOR_LESS: _ClassVar[Operator]
    OPERATOR_LESS_OR_EQUAL: _ClassVar[Operator]
    OPERATOR_GREATER: _ClassVar[Operator]
    OPERATOR_GREATER_OR_EQUAL: _ClassVar[Operator]

class Pick(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PICK_UNSPECIFIED: _ClassVar[Pick]
    PICK_ALL: _ClassVar[Pick]
    PICK_FIRST: _ClassVar[Pick]
    PICK_LAST: _ClassVar[Pick]

class Period(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERIOD_UNSPECIFIED: _ClassVar[Period]
    PERIOD_YEAR: _ClassVar[Period]
    PERIOD_QUARTER: _ClassVar[Period]
    PERIOD_MONTH: _ClassVar[Period]
OPERATOR_UNSPECIFIED: Operator
OPERATOR_EQUAL: Operator
OPERATOR_LESS: Operator
OPERATOR_LESS_OR_EQUAL: Operator
OPERATOR_GREATER: Operator
OPERATOR_GREATER_OR_EQUAL: Operator
PICK_UNSPECIFIED: Pick
PICK_ALL: Pick
PICK_FIRST: Pick
PICK_LAST: Pick
PERIOD_UNSPECIFIED: Period
PERIOD_YEAR: Period
PERIOD_QUARTER: Period
PERIOD_MONTH: Period

class Query(_message.Message):
    __slots__ = ("view", "registers", "population", "rows", "period", "dimensions", "measures")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    REGISTERS_FIELD_NUMBER: _ClassVar[int]
    POPULATION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    view: str
    registers: _containers.RepeatedScalarFieldContainer[str]
    population: Expression
    rows: Rows
    period: Period
    dimensions: _containers.RepeatedCompositeFieldContainer[Dimension]
    measures: _containers.RepeatedCompositeFieldContainer[Measure]
    def __init__(self, view: _Optional[str] = ..., registers: _Optional[_Iterable[str]] = ..., population: _Optional[_Union[Expression, _Mapping]] = ..., rows: _Optional[_Union[Rows, _Mapping]] = ..., period: _Optional[_Union[Period, str]] = ..., dimensions: _Optional[_Iterable[_Union[Dimension, _Mapping]]] = ..., measures: _Optional[_Iterable[_Union[Measure, _Mapping]]] = ...) -> None: ...

class Expression(_message.Message):
    __slots__ = ("all", "any", "comparison", "codes", "dates", "events")
    ALL_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    NOT_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    DATES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    all: Expressions
    any: Expressions
    comparison: Comparison
    codes: CodeMembership
    dates: DateWindow
    events: Events
    def __init__(self, all: _Optional[_Union[Expressions, _Mapping]] = ..., any: _Optional[_Union[Expressions, _Mapping]] = ..., comparison: _Optional[_Union[Comparison, _Mapping]] = ..., codes: _Optional[_Union[CodeMembership, _Mapping]] = ..., dates: _Optional[_Union[DateWindow, _Mapping]] = ..., events: _Optional[_Union[Events, _Mapping]] = ..., **kwargs) -> None: ...

class Expressions(_message.Message):
    __slots__ = ("of",)
    OF_FIELD_NUMBER: _ClassVar[int]
    of: _containers.RepeatedCompositeFieldContainer[Expression]
    def __init__(self, of: _Optional[_Iterable[_Union[Expression, _Mapping]]] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("variable", "operator", "literal")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    LITERAL_FIELD_NUMBER: _ClassVar[int]
    variable: str
    operator: Operator
    literal: Literal
    def __init__(self, variable: _Optional[str] = ..., operator: _Optional[_Union[Operator, str]] = ..., literal: _Optional[_Union[Literal, _Mapping]] = ...) -> None: ...

class Literal(_message.Message):
    __slots__ = ("integer", "real", "code")
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    REAL_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    integer: int
    real: float
    code: str
    def __init__(self, integer: _Optional[int] = ..., real: _Optional[float] = ..., code: _Optional[str] = ...) -> None: ...

class CodeMembership(_message.Message):
    __slots__ = ("variable", "codes", "with_descendants")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    WITH_DESCENDANTS_FIELD_NUMBER: _ClassVar[int]
    variable: str
    codes: _containers.RepeatedScalarFieldContainer[str]
    with_descendants: bool
    def __init__(self, variable: _Optional[str] = ..., codes: _Optional[_Iterable[str]] = ..., with_descendants: _Optional[bool] = ...) -> None: ...

class DateWindow(_message.Message):
    __slots__ = ("variable", "from_month", "until_month")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    FROM_MONTH_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MONTH_FIELD_NUMBER: _ClassVar[int]
    variable: str
    from_month: int
    until_month: int
    def __init__(self, variable: _Optional[str] = ..., from_month: _Optional[int] = ..., until_month: _Optional[int] = ...) -> None: ...

class Events(_message.Message):
    __slots__ = ("view", "where", "at_least")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    view: str
    where: Expression
    at_least: int
    def __init__(self, view: _Optional[str] = ..., where: _Optional[_Union[Expression, _Mapping]] = ..., at_least: _Optional[int] = ...) -> None: ...

class Rows(_message.Message):
    __slots__ = ("where", "pick")
    WHERE_FIELD_NUMBER: _ClassVar[int]
    PICK_FIELD_NUMBER: _ClassVar[int]
    where: Expression
    pick: Pick
    def __init__(self, where: _Optional[_Union[Expression, _Mapping]] = ..., pick: _Optional[_Union[Pick, str]] = ...) -> None: ...

class Dimension(_message.Message):
    __slots__ = ("code", "bands", "period", "date")
    CODE_FIELD_NUMBER: _ClassVar[int]
    BANDS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    code: CodeLevel
    bands: Bands
    period: OwnPeriod
    date: DatePeriod
    def __init__(self, code: _Optional[_Union[CodeLevel, _Mapping]] = ..., bands: _Optional[_Union[Bands, _Mapping]] = ..., period: _Optional[_Union[OwnPeriod, _Mapping]] = ..., date: _Optional[_Union[DatePeriod, _Mapping]] = ...) -> None: ...

class CodeLevel(_message.Message):
    __slots__ = ("variable", "level")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    variable: str
    level: int
    def __init__(self, variable: _Optional[str] = ..., level: _Optional[int] = ...) -> None: ...

class Bands(_message.Message):
    __slots__ = ("variable", "begins")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    BEGINS_FIELD_NUMBER: _ClassVar[int]
    variable: str
    begins: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, variable: _Optional[str] = ..., begins: _Optional[_Iterable[int]] = ...) -> None: ...

class OwnPeriod(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DatePeriod(_message.Message):
    __slots__ = ("variable", "period")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    variable: str
    period: Period
    def __init__(self, variable: _Optional[str] = ..., period: _Optional[_Union[Period, str]] = ...) -> None: ...

class Measure(_message.Message):
    __slots__ = ("persons", "events", "sum", "mean", "variance", "histogram", "life_table", "person_time")
    PERSONS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    VARIANCE_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAM_FIELD_NUMBER: _ClassVar[int]
    LIFE_TABLE_FIELD_NUMBER: _ClassVar[int]
    PERSON_TIME_FIELD_NUMBER: _ClassVar[int]
    persons: Persons
    events: EventCount
    sum: str
    mean: str
    variance: str
    histogram: Histogram
    life_table: LifeTable
    person_time: PersonTime
    def __init__(self, persons: _Optional[_Union[Persons, _Mapping]] = ..., events: _Optional[_Union[EventCount, _Mapping]] = ..., sum: _Optional[str] = ..., mean: _Optional[str] = ..., variance: _Optional[str] = ..., histogram: _Optional[_Union[Histogram, _Mapping]] = ..., life_table: _Optional[_Union[LifeTable, _Mapping]] = ..., person_time: _Optional[_Union[PersonTime, _Mapping]] = ...) -> None: ...

class Persons(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EventCount(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Histogram(_message.Message):
    __slots__ = ("variable", "width", "bins")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    variable: str
    width: int
    bins: int
    def __init__(self, variable: _Optional[str] = ..., width: _Optional[int] = ..., bins: _Optional[int] = ..., **kwargs) -> None: ...

class LifeTable(_message.Message):
    __slots__ = ("entry", "event", "exit", "step", "steps")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    entry: str
    event: str
    exit: str
    step: Period
    steps: int
    def __init__(self, entry: _Optional[str] = ..., event: _Optional[str] = ..., exit: _Optional[str] = ..., step: _Optional[_Union[Period, str]] = ..., steps: _Optional[int] = ...) -> None: ...

class PersonTime(_message.Message):
    __slots__ = ("entry", "event", "exit")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EXIT_FIELD_NUMBER: _ClassVar[int]
    entry: str
    event: str
    exit: str
    def __init__(self, entry: _Optional[str] = ..., event: _Optional[str] = ..., exit: _Optional[str] = ...) -> None: ...
