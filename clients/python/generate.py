#!/usr/bin/env python3
"""Writes the message classes of the package anew from the .proto files.

Needs `requirements.txt`. A test holds what is kept to what this writes.
"""

import pathlib
import re
import sys

import grpc_tools.protoc

HERE = pathlib.Path(__file__).resolve().parent
PROTO_DIR = HERE.parents[1] / "proto"
SERVICE = "innsyn/research/v1/research.proto"
_IMPORT = re.compile(r'^import "(innsyn/.+)";$', re.MULTILINE)


def protos() -> list[str]:
    """The file of the service, and all that it imports."""
    found = [SERVICE]
    for proto in found:  # grows while it is gone through
        text = (PROTO_DIR / proto).read_text()
        found.extend(name for name in _IMPORT.findall(text) if name not in found)
    return sorted(found)


def generate(out: pathlib.Path) -> None:
    """Writes the modules and their types below `out`."""
    args = ["protoc", f"-I{PROTO_DIR}", f"--python_out={out}", f"--pyi_out={out}", *protos()]
    if grpc_tools.protoc.main(args) != 0:
        raise SystemExit(f"the protocols in {PROTO_DIR} cannot be read")


if __name__ == "__main__":
    generate(HERE / "src")
    sys.exit(0)
