"""What README.md shows runs."""

import pathlib
import re
from typing import Any

import matplotlib
import pytest

import innsyn

matplotlib.use("Agg")
README = pathlib.Path(__file__).resolve().parents[1] / "README.md"


def test_the_first_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)[0]
    monkeypatch.setattr(innsyn, "connect", lambda *_, **__: innsyn.DummyClient(persons=4_000))
    names: dict[str, Any] = {}
    exec(example, names)
    assert len(names["result"]) > 0


def test_every_form_of_the_table_can_be_written() -> None:
    catalogue = innsyn.example_catalogue()
    stays, cancers, prescriptions = catalogue.stays, catalogue.cancers, catalogue.prescriptions
    rows = re.findall(r"^\| (`.+`.*) \|$", README.read_text(), re.M)
    forms = [row.split(" | ")[0] for row in rows if "list_registrations" not in row]
    assert len(forms) >= 10
    for form in forms:
        view = cancers if "diagnosed" in form else stays
        for code in re.findall(r"`([^`]+)`", form):
            code = code.replace('"npr", "kreft"', '"north"')
            names = {"innsyn": innsyn, "view": view, "other": prescriptions, "q": view.query()}
            if len(code) < 4 or code.startswith((".is_in", ">=")):
                continue  # a sign, or the end of the form before
            if code.startswith("."):
                code = f"q{code}"
            assert eval(code, names) is not None
