"""A result carries its coverage and what is hidden, in every form."""

import json
import sys

import matplotlib
import pandas as pd
import pyarrow as pa
import pytest
from tables import DOMINANCE, Hidden, result

import innsyn
from innsyn.research.v1 import research_pb2 as wire

matplotlib.use("Agg")

REGISTERS = {
    "nord": wire.REGISTER_STATE_ANSWERED,
    "sør": wire.REGISTER_STATE_SILENT,
    "vest": wire.REGISTER_STATE_REFUSED,
}
COLUMNS = [("sex", "text"), ("year", "text"), ("persons", "count"), ("mean_days", "real", "d")]
ROWS = [
    ["K", "2020", 120, 4.5],
    ["K", "2021", Hidden(), Hidden()],
    ["M", "2020", 95, Hidden(DOMINANCE)],
    [None, "2020", 10, 3.0],
]


@pytest.fixture
def table() -> innsyn.Result:
    return result(COLUMNS, ROWS, registers=REGISTERS)


def test_hidden_values_are_missing_and_listed_with_their_reason(table: innsyn.Result) -> None:
    assert table.rows[1] == ("K", "2021", None, None)
    assert [(one.row, one.column, one.reason) for one in table.hidden] == [
        (1, "persons", "few"),
        (1, "mean_days", "few"),
        (2, "mean_days", "dominance"),
    ]
    assert dict(table.hidden[0].of) == {"sex": "K", "year": "2021"}
    assert "fewer than 5 persons, or for a mean or sum fewer than 10" in table.hidden[0].why
    assert "one person" in table.hidden[2].why


def test_arrow_has_the_types_the_units_and_the_report(table: innsyn.Result) -> None:
    arrow = table.arrow
    assert arrow.schema.types == [pa.string(), pa.string(), pa.int64(), pa.float64()]
    assert arrow.column("persons").to_pylist() == [120, None, 95, 10]
    assert arrow.schema.field("mean_days").metadata == {b"unit": b"d"}
    report = json.loads(arrow.schema.metadata[b"innsyn"])
    assert (report["registers_asked"], report["registers_answered"]) == (3, 1)
    assert report["registers"]["sør"] == "silent"
    assert len(report["hidden"]) == 3


def test_pandas_keeps_counts_whole_and_carries_the_coverage(table: innsyn.Result) -> None:
    frame = table.pandas()
    assert list(frame.columns) == ["sex", "year", "persons", "mean_days"]
    assert isinstance(frame["persons"].dtype, pd.Int64Dtype)
    assert frame["persons"].isna().tolist() == [False, True, False, False]
    assert frame.attrs["innsyn"]["registers_answered"] == 1
    more = table.pandas(hidden=True, coverage=True)
    assert more["persons_hidden"].tolist() == [None, "few", None, None]
    assert more["mean_days_hidden"].tolist() == [None, "few", "dominance", None]
    assert set(more["_registers_asked"]) == {3}
    assert set(more["_registers_answered"]) == {1}


def test_polars_has_the_same(table: innsyn.Result) -> None:
    frame = table.polars(hidden=True, coverage=True)
    assert frame["persons"].to_list() == [120, None, 95, 10]
    assert frame.columns == list(table.pandas(hidden=True, coverage=True).columns)


def test_text_and_html_mark_hidden_cells_and_name_missing_registers(
    table: innsyn.Result,
) -> None:
    for shown in (repr(table), table._repr_html_()):
        for text in ("1 of 3 registers answered", "sør (silent)", "vest (refused)", "(missing)"):
            assert text in shown
        assert "rounded to 5" in shown
    assert "<5*" in repr(table)
    assert "&lt;5*" in table._repr_html_()
    assert "one person could make most" in table._repr_html_()
    assert "mean_days (d)" in table._repr_html_()


def test_what_a_table_holds_is_no_markup() -> None:
    shown = result([("<i>", "text")], [["<script>"]], registers={"<b>": 5})._repr_html_()
    for tag in ("<i>", "<script>", "<b>"):
        assert tag not in shown


def test_an_earlier_release_of_registrations_says_so() -> None:
    again = result(COLUMNS, ROWS, is_earlier=True, counts_registrations=True)
    assert again.is_earlier and again.counts_registrations
    assert "Released before, on 2023-11-14" in repr(again)
    assert "once for each register" in repr(again)


def test_a_table_without_rows_has_its_columns_and_coverage() -> None:
    empty = result(COLUMNS, [])
    assert len(empty) == 0
    assert empty.arrow.num_rows == 0
    assert list(empty.pandas(hidden=True).columns)[-1] == "mean_days_hidden"
    assert "1 of 1 registers answered" in repr(empty)


def test_a_state_that_is_not_known_is_not_taken_for_an_answer() -> None:
    coverage = result(COLUMNS, [], registers={"nord": 99}).coverage
    assert coverage["nord"] == "unknown"
    assert not coverage.is_complete


def test_receipts_are_there_when_the_gateway_sends_them(table: innsyn.Result) -> None:
    has_receipts = "receipts" in wire.ReleasedTable.DESCRIPTOR.fields_by_name
    assert table.receipts == []
    if has_receipts:
        table.message.receipts.add()  # type: ignore[attr-defined]
        assert len(table.receipts) == 1


def test_a_missing_library_is_named_with_what_brings_it(
    table: innsyn.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(innsyn.ConfigurationError, match=r"pip install innsyn\[polars\]"):
        table.polars()


def test_a_plot_hatches_hidden_cells_and_never_draws_them_as_zero(table: innsyn.Result) -> None:
    axes = table.plot("persons", kind="bar")
    bars = [patch for patch in axes.patches if patch.get_hatch() is None]
    hatched = [patch for patch in axes.patches if patch.get_hatch() is not None]
    assert [bar.get_height() for bar in bars if bar.get_height()] == [120, 95, 10]
    assert len(hatched) == 1
    assert hatched[0].get_height() > 0
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["K", "M", "(missing)", "not shown, not zero"]
    assert "1 of 3 registers answered" in axes.get_title(loc="left").replace("\n", " ")


def test_a_line_breaks_where_a_cell_is_hidden(table: innsyn.Result) -> None:
    axes = table.plot()
    line = axes.get_lines()[0].get_ydata()
    assert line[0] == 120
    assert line[1] != line[1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2020", "2021"]


def test_a_time_that_the_table_does_not_name_has_its_place_on_the_axis() -> None:
    columns = [("month", "text"), ("persons", "count")]
    axes = result(columns, [["2020-11", 50], ["2021-02", 40], [None, 5]]).plot()
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["2020-11", "2020-12", "2021-01", "2021-02", "(missing)"]
    assert sum(patch.get_hatch() is not None for patch in axes.patches) == 2
    steps = result([("step", "text"), ("persons", "count")], [["2", 9], ["5", 9]]).plot()
    assert [label.get_text() for label in steps.get_xticklabels()] == ["2", "3", "4", "5"]


def test_a_plot_of_what_is_not_there_is_refused(table: innsyn.Result) -> None:
    with pytest.raises(innsyn.QueryError, match="no measure `person`"):
        table.plot("person")
    with pytest.raises(innsyn.QueryError, match="no dimension `age`"):
        table.plot(by="age")
    wide = result([("code", "text"), ("x", "text"), ("persons", "count")],
                  [["a", str(at), 5] for at in range(13)])  # fmt: skip
    with pytest.raises(innsyn.QueryError, match="13 series"):
        wide.plot(by="code")
    assert result([("persons", "count")], [[5]]).plot().patches[0].get_height() == 5
