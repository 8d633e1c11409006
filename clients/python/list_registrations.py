#!/usr/bin/env python3
"""Lists where a citizen is registered, over gRPC.

The code for the service is made from Innsyn's own .proto files each time, so that this client
never lags behind them.
"""

import pathlib
import sys
import tempfile

import google.rpc.error_details_pb2 as error_details
import grpc
import grpc_tools.protoc
from grpc_status import rpc_status

import listing

PROTO_DIR = pathlib.Path(__file__).resolve().parents[2] / "proto"
# A listing of every register is far smaller.
MESSAGE_MAX_BYTES = 1 << 20


def generated(proto_dir=PROTO_DIR):
    """Makes the modules for messages and service, and imports them."""
    with tempfile.TemporaryDirectory() as out:
        protos = ["innsyn/types/v1/types.proto", "innsyn/citizen/v1/citizen.proto"]
        # Messages go beside the service; without `__init__.py` their folders are packages too, but
        # not beside an installed package `innsyn`.
        args = ["protoc", f"-I{proto_dir}", f"--python_out={out}", f"--grpc_python_out={out}", *protos]
        if grpc_tools.protoc.main(args) != 0:
            raise listing.ListingError(f"the protocols in {proto_dir} cannot be read")
        pathlib.Path(out, "innsyn", "__init__.py").touch()
        sys.path.insert(0, out)
        try:
            from innsyn.citizen.v1 import citizen_pb2, citizen_pb2_grpc
            from innsyn.types.v1 import types_pb2
        finally:
            sys.path.remove(out)
    return citizen_pb2, citizen_pb2_grpc, types_pb2


def channel(args):
    """A connection to the gateway: TLS, except to this machine without `--ca-file`."""
    options = [
        ("grpc.max_receive_message_length", MESSAGE_MAX_BYTES),
        # A proxy would see what is asked.
        ("grpc.enable_http_proxy", 0),
    ]
    host = args.target.rpartition(":")[0].strip("[]")
    if args.ca_file is None and listing.is_loopback(host):
        return grpc.insecure_channel(args.target, options)
    trusted = args.ca_file.read_bytes() if args.ca_file else None
    return grpc.secure_channel(args.target, grpc.ssl_channel_credentials(trusted), options)


def fetch(args, token, national_id):
    """Asks, and gives the listing in the shape of the JSON interface."""
    citizen, service, types = generated()
    request = citizen.ListRegistrationsRequest(national_id=national_id, omit_catalogue=True)
    if args.deadline_ms is not None:
        request.deadline_ms = args.deadline_ms
    registrations, summary = [], None
    with channel(args) as connection:
        try:
            for update in service.CitizenServiceStub(connection).ListRegistrations(
                request,
                timeout=listing.timeout_seconds(args),
                metadata=[("authorization", f"Bearer {token}")],
            ):
                if update.WhichOneof("update") == "registration":
                    registrations.append(registration(types, update.registration))
                else:
                    summary = update.summary
        except grpc.RpcError as error:
            raise listing.ListingError(refusal(error)) from None
    if summary is None:
        raise listing.ListingError("the gateway closed without the account of all registers")
    return {
        "registrations": registrations,
        "summary": {
            "registers": summary.registers,
            "asked": summary.asked,
            "answered": summary.answered,
            "complete": summary.complete,
            "counts": [
                {"outcome": outcome(types, count.outcome), "registers": count.registers}
                for count in summary.counts
            ],
            "elapsedMs": summary.elapsed_ms,
        },
    }


def registration(types, message):
    """One register's outcome; what the register did not say is left out."""
    fields = {"registerId": message.register_id, "outcome": outcome(types, message.outcome)}
    if message.reason != types.REASON_UNSPECIFIED:
        fields["reason"] = types.Reason.Name(message.reason).removeprefix("REASON_")
    if message.HasField("registered_since"):
        fields["registeredSince"] = message.registered_since
    if message.HasField("last_changed"):
        fields["lastChanged"] = message.last_changed
    if message.use_log_leaf:
        fields["useLogLeaf"] = message.use_log_leaf.hex()
    return fields


def outcome(types, number):
    return types.Outcome.Name(number).removeprefix("OUTCOME_")


def refusal(error):
    """Why the gateway refused: the code, its own words, and the stable reason."""
    text = f"{error.code().name}: {error.details()}"
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info = error_details.ErrorInfo()
        if detail.Unpack(info):
            text += f" ({info.reason})"
    return text


if __name__ == "__main__":
    sys.exit(listing.run(listing.arguments(__doc__, "--target", "the gateway, HOST:PORT"), fetch))
