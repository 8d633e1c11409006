"""A researcher over plain gRPC: the stubs are made from the repository's .proto files."""

import importlib
import pathlib
import sys
import tempfile

import grpc
import pandas
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
# The largest answer that is taken, in bytes.
ANSWER_BYTES_MAX = 64 << 20


def stubs():
    """The messages and the service, compiled into a folder that ends with this process."""
    folder = tempfile.TemporaryDirectory()
    files = [str(PROTO / "innsyn/types/v1/types.proto")]
    files += sorted(str(file) for file in PROTO.glob("innsyn/research/v1/*.proto"))
    arguments = ["protoc", f"-I{PROTO}", f"--python_out={folder.name}"]
    if protoc.main([*arguments, f"--grpc_python_out={folder.name}", *files]) != 0:
        raise RuntimeError("the .proto files cannot be compiled")
    # Without it, an installed package `innsyn` would come first.
    pathlib.Path(folder.name, "innsyn", "__init__.py").touch()
    sys.path.insert(0, folder.name)
    names = ("query_pb2", "research_pb2", "research_pb2_grpc")
    modules = [importlib.import_module(f"innsyn.research.v1.{name}") for name in names]
    return folder, *modules


_FOLDER, query, research, service = stubs()


class Researcher:
    """Somebody with a token and a data permit."""

    def __init__(self, target, token, permit):
        options = [("grpc.max_receive_message_length", ANSWER_BYTES_MAX)]
        channel = grpc.insecure_channel(target, options=options)
        self.service = service.ResearchServiceStub(channel)
        self.metadata = [("authorization", f"Bearer {token}")]
        self.permit = permit

    def run(self, question):
        """The table that is released of `question`, every register's part in it."""
        request = research.RunRequest(
            query=question, data_permit=self.permit, must_be_complete=True
        )
        for update in self.service.Run(request, metadata=self.metadata, timeout=120):
            if update.HasField("table"):
                return frame(update.table)
        raise RuntimeError("the run ended without a table")


def frame(table):
    """A released table as pandas has it; a hidden value is an error, for nothing may be hidden
    where this is used."""
    columns = [column.name for column in table.columns]
    rows = [[value_of(value) for value in row.values] for row in table.rows]
    return pandas.DataFrame(rows, columns=columns)


def value_of(value):
    kind = value.WhichOneof("value")
    if kind == "hidden":
        raise RuntimeError("a value is hidden")
    return None if kind is None else getattr(value, kind)


def ask(view, *measures, by=(), period=None, first=False, population=None):
    """A query; `by` are variables whose codes divide the table, or whole dimensions."""
    dimensions = [one if isinstance(one, query.Dimension) else codes(one) for one in by]
    return query.Query(
        view=view,
        population=population,
        rows=query.Rows(pick=query.PICK_FIRST) if first else None,
        period=period,
        dimensions=dimensions,
        measures=measures,
    )


def codes(variable):
    return query.Dimension(code=query.CodeLevel(variable=variable))


def bands(variable, begins):
    return query.Dimension(bands=query.Bands(variable=variable, begins=begins))


def years_of(variable):
    return query.Dimension(date=query.DatePeriod(variable=variable, period=query.PERIOD_YEAR))


OWN_PERIOD = query.Dimension(period=query.OwnPeriod())
PERSONS = query.Measure(persons=query.Persons())
EVENTS = query.Measure(events=query.EventCount())


def total(variable):
    return query.Measure(sum=variable)


def mean(variable):
    return query.Measure(mean=variable)


def variance(variable):
    return query.Measure(variance=variable)


def histogram(variable, begin, width, bins):
    grid = {"variable": variable, "width": width, "bins": bins, "from": begin}
    return query.Measure(histogram=query.Histogram(**grid))


def person_time(entry, event, exit_):
    return query.Measure(person_time=query.PersonTime(entry=entry, event=event, exit=exit_))


def life_table(entry, event, exit_, step, steps):
    return query.Measure(
        life_table=query.LifeTable(entry=entry, event=event, exit=exit_, step=step, steps=steps)
    )
