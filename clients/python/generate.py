#!/usr/bin/env python3
"""Writes the message classes of the package anew from the .proto files.

Needs `requirements.txt`. A test holds what is kept to what this writes.
"""

import pathlib
import sys

import grpc_tools.protoc

HERE = pathlib.Path(__file__).resolve().parent
PROTO_DIR = HERE.parents[1] / "proto"
PROTOS = [f"innsyn/research/v1/{name}.proto" for name in ("catalogue", "query", "research")]


def generate(out: pathlib.Path) -> None:
    """Writes the modules and their types below `out`."""
    args = ["protoc", f"-I{PROTO_DIR}", f"--python_out={out}", f"--pyi_out={out}", *PROTOS]
    if grpc_tools.protoc.main(args) != 0:
        raise SystemExit(f"the protocols in {PROTO_DIR} cannot be read")


if __name__ == "__main__":
    generate(HERE / "src")
    sys.exit(0)
