"""Ask Norway's health registers, and get a table with everything that belongs to it.

import innsyn

client = innsyn.connect("research.example:443", token_file="token", permit_file="permit")
stays = client.catalogue().stays
result = client.run(stays.query().first().by(stays.sex).measure(innsyn.persons()))
result.pandas(), result.coverage, result.hidden
"""

from . import aio, errors
from .builder import Query, query
from .catalogue import Catalogue, UnknownName, View
from .client import Client, Run, connect
from .condition import Condition, has_events
from .errors import (
    BrokeOff,
    Cancelled,
    ConfigurationError,
    DeadlineExceeded,
    GatewayFailed,
    HiddenCells,
    InnsynError,
    NotAllowed,
    NotLoggedIn,
    NotReleasable,
    OutsidePermit,
    Overloaded,
    Overtaken,
    PermitRefused,
    QueryError,
    RegistersMissing,
    Unreachable,
)
from .parts import (
    Dimension,
    Measure,
    events,
    histogram,
    life_table,
    month,
    person_time,
    persons,
    quarter,
    year,
)
from .plan import Plan, Release
from .progress import Progress
from .refusal import Refusal
from .result import Coverage, HiddenValue, Result
from .synthetic import DummyClient, dummy, example_catalogue
from .variable import Variable

__version__ = "0.1.0"

__all__ = [
    "BrokeOff",
    "Cancelled",
    "Catalogue",
    "Client",
    "Condition",
    "ConfigurationError",
    "Coverage",
    "DeadlineExceeded",
    "Dimension",
    "DummyClient",
    "GatewayFailed",
    "HiddenCells",
    "HiddenValue",
    "InnsynError",
    "Measure",
    "NotAllowed",
    "NotLoggedIn",
    "NotReleasable",
    "OutsidePermit",
    "Overloaded",
    "Overtaken",
    "PermitRefused",
    "Plan",
    "Progress",
    "Query",
    "QueryError",
    "Refusal",
    "RegistersMissing",
    "Release",
    "Result",
    "Run",
    "UnknownName",
    "Unreachable",
    "Variable",
    "View",
    "aio",
    "connect",
    "dummy",
    "errors",
    "events",
    "example_catalogue",
    "has_events",
    "histogram",
    "life_table",
    "month",
    "person_time",
    "persons",
    "quarter",
    "query",
    "year",
]
