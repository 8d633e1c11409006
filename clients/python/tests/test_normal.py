"""The normal form and the name of a query are those of `proto/query.md`."""

import pathlib
import re

import pytest
from google.protobuf import text_format

import innsyn
from innsyn import normal
from innsyn.research.v1 import query_pb2 as wire

PAGE = pathlib.Path(__file__).resolve().parents[3] / "proto/query.md"
VECTOR = re.compile(
    r"### (.+?)\n.*?```textproto\n(.*?)```\n+```text\nencoding (\w+)\nname +(\w+)\n", re.S
)


def vectors() -> list[tuple[str, str, str, str]]:
    return VECTOR.findall(PAGE.read_text())


def test_the_page_has_vectors() -> None:
    assert len(vectors()) == 5


@pytest.mark.parametrize(("title", "text", "encoding", "name"), vectors())
def test_a_query_has_the_normal_form_and_the_name_of_the_page(
    title: str, text: str, encoding: str, name: str
) -> None:
    query = text_format.Parse(text, wire.Query())
    found = normal.query(query)
    assert normal.encoded(found).hex() == encoding
    assert normal.name(found) == name
    assert normal.query(found) == found


def test_one_question_written_in_two_ways_has_one_name() -> None:
    stays = innsyn.example_catalogue().stays
    one = stays.query().where(~((stays.sex == "K") | (stays.born_year < 1950)))
    other = stays.query().where(~(stays.born_year < 1950), ~stays.sex.is_in(["K"]))
    assert one != other
    assert one.name == other.name
    assert one.where(stays.days > 3).name != one.name
