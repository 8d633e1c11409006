"""Both clients against a gateway that is made up, on this machine.

Run with `python -m unittest discover -s clients/python -p '*_test.py'`.
"""

import concurrent.futures
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import google.rpc.error_details_pb2 as error_details
import grpc
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

import list_registrations

HERE = pathlib.Path(__file__).resolve().parent
# Nobody's: the month is that of an invented person.
NATIONAL_ID = "01817010055"
TOKEN = "good-token"
LISTING = {
    "registrations": [
        {"registerId": "hunt", "outcome": "NO_ANSWER", "reason": "TIMEOUT"},
        {
            "registerId": "kreft",
            "outcome": "REGISTERED",
            "registeredSince": "2001-05-17",
            "lastChanged": "2020-02-29",
            "useLogLeaf": "ab" * 32,
        },
        {"registerId": "msis", "outcome": "WITHHELD", "reason": "SENSITIVE_FROM_TWELVE"},
    ],
    "summary": {
        "registers": 3,
        "asked": 3,
        "answered": 2,
        "complete": False,
        "counts": [
            {"outcome": "REGISTERED", "registers": 1},
            {"outcome": "WITHHELD", "registers": 1},
            {"outcome": "NO_ANSWER", "registers": 1},
        ],
        "elapsedMs": 3000,
    },
}
TABLE = """\
REGISTER  OUTCOME     REASON                 SINCE
hunt      NO_ANSWER   TIMEOUT
kreft     REGISTERED                         2001-05-17
msis      WITHHELD    SENSITIVE_FROM_TWELVE

3 registers, 2 of 3 asked answered: NOT complete
"""


class GrpcGateway:
    """Answers over gRPC, the last register first."""

    ListRegisters = None  # The service has it; these clients never ask.

    def __init__(self):
        self.citizen, self.service, self.types = list_registrations.generated()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        self.service.add_CitizenServiceServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def close(self):
        self.server.stop(grace=None)

    def ListRegistrations(self, request, context):  # noqa: N802, gRPC's name
        if ("authorization", f"Bearer {TOKEN}") not in context.invocation_metadata():
            refused = status_pb2.Status(code=code_pb2.UNAUTHENTICATED, message="the token is not valid")
            refused.details.add().Pack(error_details.ErrorInfo(reason="TOKEN_INVALID", domain="innsyn"))
            context.abort_with_status(rpc_status.to_status(refused))
        assert (request.national_id, request.deadline_ms) == (NATIONAL_ID, 500)
        for fields in reversed(LISTING["registrations"]):
            yield self.citizen.ListRegistrationsResponse(
                registration=self.citizen.Registration(
                    register_id=fields["registerId"],
                    outcome=f"OUTCOME_{fields['outcome']}",
                    reason=f"REASON_{fields.get('reason', 'UNSPECIFIED')}",
                    registered_since=fields.get("registeredSince"),
                    last_changed=fields.get("lastChanged"),
                    use_log_leaf=bytes.fromhex(fields.get("useLogLeaf", "")),
                )
            )
        summary = LISTING["summary"]
        counts = [
            self.citizen.OutcomeCount(outcome=f"OUTCOME_{c['outcome']}", registers=c["registers"])
            for c in summary["counts"]
        ]
        yield self.citizen.ListRegistrationsResponse(
            summary=self.citizen.Summary(
                registers=summary["registers"],
                asked=summary["asked"],
                answered=summary["answered"],
                complete=summary["complete"],
                counts=counts,
                elapsed_ms=summary["elapsedMs"],
            )
        )


class JsonGateway(http.server.BaseHTTPRequestHandler):
    """Answers over HTTP."""

    def do_POST(self):  # noqa: N802, http.server's name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = {"nationalId": NATIONAL_ID, "omitCatalogue": True, "deadlineMs": 500}
        assert (self.path, body) == ("/v1/registrations", asked)
        if self.headers["Authorization"] == "Bearer moved":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
        elif self.headers["Authorization"] == f"Bearer {TOKEN}":
            self.answer(200, LISTING)
        else:
            self.answer(401, {"detail": "the token is not valid", "reason": "TOKEN_INVALID"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grpc = GrpcGateway()
        cls.addClassCleanup(cls.grpc.close)
        cls.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), JsonGateway)
        cls.addClassCleanup(cls.http.server_close)
        cls.addClassCleanup(cls.http.shutdown)
        threading.Thread(target=cls.http.serve_forever, daemon=True).start()
        cls.clients = [
            ("list_registrations.py", "--target", f"127.0.0.1:{cls.grpc.port}"),
            ("list_registrations_json.py", "--url", f"http://127.0.0.1:{cls.http.server_port}"),
        ]

    def run_client(self, client, *options, token=TOKEN):
        script, where, gateway = client
        with tempfile.TemporaryDirectory() as folder:
            token_file, id_file = (pathlib.Path(folder, name) for name in ("token", "id"))
            token_file.write_text(f"{token}\n")
            id_file.write_text(f"{NATIONAL_ID}\n")
            command = [
                sys.executable, HERE / script, where, gateway, "--deadline-ms", "500",
                "--token-file", token_file, "--national-id-file", id_file, *options,
            ]  # fmt: skip
            return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_both_print_the_same_listing(self):
        for client in self.clients:
            with self.subTest(client[0]):
                done = self.run_client(client, "--json")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(json.loads(done.stdout), LISTING)

    def test_the_table_names_every_register(self):
        for client in self.clients:
            with self.subTest(client[0]):
                done = self.run_client(client)
                self.assertEqual((done.returncode, done.stdout), (0, TABLE))

    def test_a_refusal_says_why_and_not_about_whom(self):
        for client in self.clients:
            with self.subTest(client[0]):
                done = self.run_client(client, token="bad-token")
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("the token is not valid (TOKEN_INVALID)", done.stderr)
                for secret in (NATIONAL_ID, "bad-token"):
                    self.assertNotIn(secret, done.stderr)

    def test_a_number_on_the_command_line_is_refused(self):
        for client in self.clients:
            with self.subTest(client[0]):
                done = self.run_client(client, "--national-id", "")
                self.assertEqual(done.returncode, 2)

    def test_without_tls_no_other_machine_is_asked(self):
        done = self.run_client((self.clients[1][0], "--url", "http://gateway.example"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("without TLS", done.stderr)

    def test_the_token_follows_no_redirect(self):
        done = self.run_client(self.clients[1], token="moved")
        self.assertEqual(done.returncode, 1)
        self.assertIn("302", done.stderr)

    def test_a_gateway_that_is_not_there_is_one_line(self):
        for client, where in zip(self.clients, ("127.0.0.1:1", "http://127.0.0.1:1")):
            with self.subTest(client[0]):
                done = self.run_client((*client[:2], where))
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
