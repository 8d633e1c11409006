"""The example notebook runs, over made-up data and over a gateway."""

import os
import pathlib

import nbformat
import pytest
from gateway import PERMIT, TOKEN, Gateway
from nbclient import NotebookClient

NOTEBOOK = pathlib.Path(__file__).resolve().parents[1] / "examples/research.ipynb"


def executed() -> str:
    """Everything that the notebook shows."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(str(dict(output)) for output in outputs)


@pytest.fixture(autouse=True)
def no_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("INNSYN_"):
            monkeypatch.delenv(name)


def test_it_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_it_runs_over_made_up_data() -> None:
    shown = executed()
    assert "client over dummy data" in shown
    assert "3 of 3 registers answered" in shown
    assert "image/png" in shown
    assert "survival_low" in shown


def test_it_runs_over_a_gateway(
    gateway: Gateway, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("token", TOKEN), ("permit", PERMIT)):
        (tmp_path / name).write_text(text)
        monkeypatch.setenv(f"INNSYN_{name.upper()}_FILE", str(tmp_path / name))
    monkeypatch.setenv("INNSYN_TARGET", gateway.target)
    monkeypatch.setenv("INNSYN_INSECURE", "1")
    shown = executed()
    assert f"client of {gateway.target}" in shown
    assert "missing: east (silent)" in shown
    assert TOKEN not in shown and PERMIT not in shown
    assert len(gateway.brain.ledger()) == 3
