"""The package is typed, strictly."""

import pathlib
import subprocess
import sys

PACKAGE = pathlib.Path(__file__).resolve().parents[1]


def test_the_package_is_typed_strictly() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=PACKAGE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert (PACKAGE / "src/innsyn/py.typed").exists()


def test_what_a_user_writes_is_checked_too(tmp_path: pathlib.Path) -> None:
    good = """
import innsyn
from innsyn import Result, stats
client = innsyn.DummyClient()
stays = client.catalogue().stays
query = stays.query().where((stays.sex == "K") & (stays.days >= 3)).first()
result: Result = client.run(query.by(stays.sex, innsyn.year()).measure(stays.days.mean()))
stats.kaplan_meier(result, hidden="bounds")
"""
    program = tmp_path / "program.py"
    for text, fits in ((good, True), (good + "client.run(3)\n", False)):
        program.write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--config-file", PACKAGE / "pyproject.toml",
             program],
            cwd=PACKAGE, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) is fits, done.stdout
