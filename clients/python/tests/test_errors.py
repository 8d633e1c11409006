"""Refusals become errors by their stable reason."""

import pathlib
import re

import grpc
import pytest
from gateway import Gateway, Refused

import innsyn
from innsyn.errors import error_class, error_info

REFUSALS = pathlib.Path(__file__).resolve().parents[3] / "broker/src/research/refusal.rs"


def reasons() -> set[str]:
    """The gateway's reasons, as its source has them: `R::Ledger(_) => "LEDGER_UNAVAILABLE"`."""
    return set(re.findall(r"=> \"([A-Z_]+)\"", REFUSALS.read_text()))


def test_every_reason_of_the_gateway_has_an_error_of_its_own_kind() -> None:
    known = reasons()
    assert len(known) >= 23
    for reason in known:
        # By the reason, and not by what its code would be taken for.
        assert error_class(reason, "") is not innsyn.InnsynError, reason


@pytest.mark.parametrize(
    ("reason", "code", "kind"),
    [
        ("OUTSIDE_DATA_PERMIT", "PERMISSION_DENIED", innsyn.OutsidePermit),
        ("QUERY_REFUSED", "INVALID_ARGUMENT", innsyn.QueryError),
        ("REGISTERS_MISSING", "UNAVAILABLE", innsyn.RegistersMissing),
        ("NOT_AVAILABLE", "FAILED_PRECONDITION", innsyn.NotReleasable),
        ("OVERTAKEN", "ABORTED", innsyn.Overtaken),
        ("SOMETHING_NEW", "RESOURCE_EXHAUSTED", innsyn.Overloaded),
        ("SOMETHING_NEW", "UNAVAILABLE", innsyn.GatewayFailed),
        ("", "UNAVAILABLE", innsyn.Unreachable),
    ],
)
def test_the_reason_decides_and_else_the_code(
    reason: str, code: str, kind: type[innsyn.InnsynError]
) -> None:
    assert error_class(reason, code) is kind


def test_an_error_has_the_words_of_the_gateway_and_what_belongs_to_its_reason(
    gateway: Gateway,
) -> None:
    gateway.refuses = Refused(
        grpc.StatusCode.PERMISSION_DENIED,
        "OUTSIDE_DATA_PERMIT",
        "register `west` may not be asked: variable `sex`",
        {"field": "variables", "register": "west"},
    )
    with gateway.connect() as client, pytest.raises(innsyn.OutsidePermit) as raised:
        client.catalogue()
    error = raised.value
    assert error.message == "register `west` may not be asked: variable `sex`"
    assert (error.reason, error.field, error.register) == (
        "OUTSIDE_DATA_PERMIT",
        "variables",
        "west",
    )
    assert error.__cause__ is None and error.__suppress_context__


def test_a_query_error_tells_the_place(gateway: Gateway) -> None:
    gateway.refuses = Refused(
        grpc.StatusCode.INVALID_ARGUMENT, "QUERY_REFUSED", "unknown", {"place": "dimensions[0]"}
    )
    with gateway.connect() as client, pytest.raises(innsyn.QueryError) as raised:
        client.catalogue()
    assert raised.value.place == "dimensions[0]"


@pytest.mark.parametrize(
    "broken", [b"\x0a\x05ab", b"\x1a", b"\x1a\x05\x0a", b"\xff" * 12, b"\x1b", b"\x08\x80"]
)
def test_details_that_cannot_be_read_are_no_crash(broken: bytes) -> None:
    with pytest.raises(ValueError):
        error_info(broken)


def test_details_without_a_reason_have_none() -> None:
    assert error_info(b"") == ("", {})
