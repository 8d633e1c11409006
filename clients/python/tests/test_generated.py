"""What is kept of generated code is what the .proto files say."""

import importlib.util
import pathlib

from innsyn import calls
from innsyn.research.v1 import research_pb2

HERE = pathlib.Path(__file__).resolve().parent


def test_the_kept_messages_are_those_of_the_proto_files(tmp_path: pathlib.Path) -> None:
    spec = importlib.util.spec_from_file_location("generate", HERE.parent / "generate.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    generate.generate(tmp_path)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*"))
    assert len(written) == 2 * len(generate.protos())
    assert len(written) >= 6
    for path in written:
        kept = HERE.parent / "src" / path
        assert kept.read_text() == (tmp_path / path).read_text(), (
            f"{path} is old; run `python clients/python/generate.py`"
        )


def test_the_calls_are_those_of_the_service() -> None:
    service = research_pb2.DESCRIPTOR.services_by_name["ResearchService"]
    methods = [calls.CATALOGUE, calls.DRY_RUN, calls.RUN, calls.CANCEL, calls.LEDGER]
    for method, described in zip(methods, service.methods, strict=True):
        assert method.path == f"/{service.full_name}/{described.name}"
        assert method.request.DESCRIPTOR is described.input_type  # type: ignore[attr-defined]
        assert method.response.DESCRIPTOR is described.output_type  # type: ignore[attr-defined]
