"""The synchronous client against a gateway that speaks the protocol."""

import datetime
import pathlib
import signal
import subprocess
import sys
import threading

import grpc
import pytest
from gateway import PERMIT, TOKEN, Gateway, Refused

import innsyn
from innsyn.research.v1 import research_pb2 as wire


def by_sex(client: innsyn.Client) -> innsyn.Query:
    stays = client.catalogue().stays
    return stays.query().first().by(stays.sex).measure(innsyn.persons(), stays.days.mean())


def test_the_catalogue_is_asked_once_and_anew_on_request(gateway: Gateway) -> None:
    with gateway.connect() as client:
        catalogue = client.catalogue()
        assert client.catalogue() is catalogue
        assert client.catalogue(fresh=True) is not catalogue
    assert len(gateway.requests) == 2
    assert list(catalogue) == ["births", "cancers", "persons", "prescriptions", "stays"]
    assert catalogue.registers_silent == ("south",)


def test_a_query_gives_a_table_with_the_registers_that_answered(gateway: Gateway) -> None:
    with gateway.connect() as client:
        result = client.run(by_sex(client), deadline=2.5, progress=False)
    assert list(result.columns) == ["sex", "registrations", "mean_days"]
    assert dict(result.coverage) == {
        "east": "silent",
        "north": "answered",
        "west": "answered",
    }
    assert not result.coverage.is_complete
    assert str(result.coverage) == "2 of 3 registers answered; missing: east (silent)"
    request = gateway.requests[-1]
    assert (request.data_permit, request.deadline_ms) == (PERMIT, 2_500)
    assert not request.must_be_complete


def test_a_dry_run_tells_the_normal_form_its_name_and_its_words(gateway: Gateway) -> None:
    with gateway.connect() as client:
        query = by_sex(client)
        plan = client.dry_run(query)
    assert plan.query == query.normal()
    assert plan.query_name == query.name
    assert plan.words_en == "in English"
    assert plan.registers == ("east", "north", "west")


def test_sql_goes_as_it_is_written(gateway: Gateway) -> None:
    said = "SQL `LIMIT` is not understood at line 1"
    gateway.refuses = Refused(grpc.StatusCode.INVALID_ARGUMENT, "SQL_REFUSED", said)
    with gateway.connect() as client, pytest.raises(innsyn.QueryError, match="line 1"):
        client.sql("SELECT persons() FROM stays", must_be_complete=True)
    assert gateway.requests[-1].sql == "SELECT persons() FROM stays"
    assert gateway.requests[-1].must_be_complete


def test_the_progress_is_told_at_each_change(gateway: Gateway) -> None:
    told = []
    with gateway.connect() as client:
        query = by_sex(client)
        states = []
        client.run(
            query,
            progress=lambda at: (
                told.append((at.asked, at.settled)),
                states.append(at.states.get("west")),
            ),
        )
    assert list(dict.fromkeys(states)) == [None, "asked", "answered"]
    assert told[0] == (3, 0)
    assert told[-1] == (3, 3)
    assert told == sorted(told)


def test_what_was_released_stands_in_the_ledger(gateway: Gateway) -> None:
    with gateway.connect() as client:
        assert client.ledger() == []
        first = client.run(by_sex(client), progress=False)
        again = client.run(by_sex(client), progress=False)
        (release,) = client.ledger()
    assert not first.is_earlier
    assert again.is_earlier
    assert release.query_name == first.query_name
    assert (release.registers_asked, release.registers_answered) == (3, 2)
    assert release.released_at.tzinfo is datetime.UTC


def test_cancelling_ends_the_stream_and_with_it_the_run(gateway: Gateway) -> None:
    gateway.lets_answer.clear()
    with gateway.connect() as client:
        run = client.start(by_sex(client))
        updates = run.updates()
        assert next(updates).run_id == (b"r" * 16).hex()
        run.cancel()
        assert gateway.was_cancelled.wait(5)
        with pytest.raises(innsyn.Cancelled):
            run.result()


def test_leaving_a_run_cancels_it(gateway: Gateway) -> None:
    gateway.lets_answer.clear()
    with gateway.connect() as client:
        with client.start(by_sex(client)) as run:
            updates = run.updates()
            next(updates)
        assert gateway.was_cancelled.wait(5)
        updates.close()  # type: ignore[attr-defined]


def test_who_stops_looking_at_a_run_ends_it(gateway: Gateway) -> None:
    gateway.lets_answer.clear()
    with gateway.connect() as client:
        run = client.start(by_sex(client))
        updates = run.updates()
        next(updates)
        updates.close()  # type: ignore[attr-defined]
        assert gateway.was_cancelled.wait(5)
        del run


def test_ctrl_c_cancels_the_run_at_the_gateway(gateway: Gateway) -> None:
    gateway.lets_answer.clear()
    program = f"""
import innsyn, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has none
client = innsyn.connect("{gateway.target}", token="{TOKEN}", data_permit="p", insecure=True)
stays = client.catalogue().stays
try:
    client.run(stays.query().by(stays.sex), progress=lambda _: print("asked", flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.readline()  # the run has ended before the program does
"""
    python = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert python.stdout is not None and python.stdin is not None
        assert python.stdout.readline() == "asked\n"
        python.send_signal(signal.SIGINT)
        assert gateway.was_cancelled.wait(10)
        assert "interrupted\n" in iter(python.stdout.readline, "")
        python.communicate("\n", timeout=10)
        assert python.returncode == 0
    finally:
        python.kill()
        python.wait()


def test_a_run_of_another_connection_is_cancelled_by_its_id(gateway: Gateway) -> None:
    with gateway.connect() as client:
        assert client.cancel((b"r" * 16).hex())
        assert not client.cancel("00" * 16)


def test_a_renewed_token_is_taken_from_its_file(gateway: Gateway, tmp_path: pathlib.Path) -> None:
    token, permit = tmp_path / "token", tmp_path / "permit"
    token.write_text("old\n")
    permit.write_text(f"{PERMIT}\n")
    with innsyn.connect(
        gateway.target, token_file=token, permit_file=permit, insecure=True
    ) as client:
        with pytest.raises(innsyn.NotLoggedIn):
            client.catalogue()
        token.write_text(f"{TOKEN}\n")
        client.run(by_sex(client), progress=False)
    assert gateway.requests[-1].data_permit == PERMIT


def test_a_token_may_be_what_a_function_gives(gateway: Gateway) -> None:
    calls = iter(["bad", TOKEN])
    with gateway.connect(token=lambda: next(calls)) as client:
        with pytest.raises(innsyn.NotLoggedIn):
            client.catalogue()
        assert client.catalogue()


def test_without_a_permit_the_catalogue_can_be_read_and_nothing_asked(gateway: Gateway) -> None:
    with gateway.connect(data_permit=None) as client:
        query = by_sex(client)
        with pytest.raises(innsyn.ConfigurationError, match="permit_file="):
            client.run(query)


@pytest.mark.parametrize(
    ("target", "options", "text"),
    [
        ("research.example:443", {"token": "t", "insecure": True}, "this machine only"),
        ("http://127.0.0.1:80", {"token": "t"}, "without TLS"),
        ("127.0.0.1:80", {"insecure": True}, "token_file="),
        ("127.0.0.1:80", {"token": "t", "token_file": "f"}, "token_file="),
        ("127.0.0.1:80", {"token_file": "not/there"}, "cannot be read"),
        ("127.0.0.1:port", {"token": "t"}, "HOST:PORT"),
        ("https://a.example/b", {"token": "t"}, "HOST:PORT"),
        ("a:1", {"token": "t", "permit_file": "f", "data_permit": "p"}, "exclude each other"),
    ],
)
def test_a_connection_that_is_not_described_well_says_so(
    target: str, options: dict[str, object], text: str
) -> None:
    with pytest.raises(innsyn.ConfigurationError, match=text):
        innsyn.connect(target, **options)  # type: ignore[arg-type]


def test_no_token_and_no_permit_is_shown(gateway: Gateway) -> None:
    client = gateway.connect(token="secret-token", data_permit="secret-permit")
    shown = f"{client!r} {client._connection!r}"
    with pytest.raises(innsyn.NotLoggedIn) as raised:
        client.catalogue()
    client.close()
    assert "secret" not in f"{shown} {raised.value}"


def test_a_token_that_is_no_token_is_not_sent(gateway: Gateway) -> None:
    for token in ("", "two words", "æ"):
        not_sent = pytest.raises(innsyn.ConfigurationError, match="not a token")
        with gateway.connect(token=token) as client, not_sent:
            client.catalogue()
    assert gateway.requests == []


def test_a_gateway_that_is_not_there_is_said_to_be_unreachable() -> None:
    unreachable = pytest.raises(innsyn.Unreachable, match="cannot be reached")
    with innsyn.connect("127.0.0.1:1", token="t", insecure=True) as client, unreachable:
        client.catalogue()


def test_a_question_is_a_query_or_text(gateway: Gateway) -> None:
    with gateway.connect() as client:
        with pytest.raises(innsyn.QueryError, match="not int"):
            client.run(3)  # type: ignore[arg-type]
        with pytest.raises(innsyn.QueryError, match="deadline"):
            client.run("SELECT 1", deadline=0.1)


def test_two_threads_may_ask_at_once(gateway: Gateway) -> None:
    results = []
    with gateway.connect() as client:
        query = by_sex(client)
        threads = [
            threading.Thread(
                target=lambda: results.append(client.run(query, progress=False).query_name)
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [query.name] * 4


def refused(reason: int, receipt: str = "") -> wire.RegisterProgress:
    told = wire.RegisterProgress(
        register_id="east", state=wire.REGISTER_STATE_REFUSED, refusal_reason=reason
    )
    if receipt:
        told.refusal_receipt.text = receipt
        told.refusal_receipt.is_signature_checked = True
    return told


def test_why_a_register_refused_is_told_with_its_receipt() -> None:
    coverage = innsyn.Coverage(
        [
            refused(wire.REFUSAL_REASON_SETTINGS_TOO_OLD, "innsyn refusal 1"),
            wire.RegisterProgress(register_id="west", state=wire.REGISTER_STATE_ANSWERED),
        ]
    )
    assert dict(coverage) == {"east": "refused", "west": "answered"}
    assert coverage.refusals == {
        "east": innsyn.Refusal("settings_too_old", "innsyn refusal 1", is_signature_checked=True)
    }
    assert str(coverage).endswith(
        "missing: east (refused: what people there have said about the use of their data is too old)"
    )
    for untold in (wire.REFUSAL_REASON_UNSPECIFIED, 99):
        coverage = innsyn.Coverage([refused(untold)])
        assert coverage.refusals == {"east": innsyn.Refusal("")}
        assert str(coverage).endswith("missing: east (refused)")


def test_a_run_without_a_table_tells_who_refused_and_why(gateway: Gateway) -> None:
    gateway.tells = [refused(wire.REFUSAL_REASON_STEWARD, "innsyn refusal 1")]
    gateway.ends = Refused(
        grpc.StatusCode.UNAVAILABLE,
        "NO_REGISTER_ANSWERED",
        "no register has answered; 1 were asked; `east` (its steward says no)",
        {"steward": "east"},
    )
    with gateway.connect() as client, pytest.raises(innsyn.RegistersMissing) as caught:
        client.run(by_sex(client), progress=False)
    assert caught.value.metadata == {"steward": "east"}
    assert caught.value.refusals["east"].reason == "steward"
    assert caught.value.refusals["east"].receipt == "innsyn refusal 1"
