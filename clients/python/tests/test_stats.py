"""Estimates from released tables are those of the libraries that researchers trust."""

import itertools
import math
import random
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from tables import Hidden, Value, result

import innsyn
from innsyn import stats
from innsyn.research.v1 import query_pb2 as wire

STEPS = 12


def people(seed: int, number: int = 3_000) -> pd.DataFrame:
    """Persons with a group, the step in which they left, and whether by the event."""
    dice = np.random.default_rng(seed)
    group = dice.choice(["A", "B", "C"], number, p=[0.5, 0.3, 0.2])
    hazard = np.select([group == "A", group == "B"], [0.03, 0.06], 0.09)
    event = dice.geometric(hazard) - 1
    exit = dice.geometric(0.05, number) - 1
    return pd.DataFrame(
        {"group": group, "step": np.minimum(event, exit), "had_event": event <= exit}
    )


def life_table(persons: pd.DataFrame, few: int = 0) -> innsyn.Result:
    """The table that a gateway would release, without rounding; below `few` is hidden."""
    rows: list[list[Value]] = []
    for group, of in persons.groupby("group"):
        inside = of[of["step"] < STEPS]
        for step in range(STEPS):
            for left_by, had_event in (("event", True), ("exit", False)):
                at = inside[(inside["step"] == step) & (inside["had_event"] == had_event)]
                rows.append([str(group), str(step), left_by, _count(len(at), few)])
        rows.append([str(group), str(STEPS), "beyond", _count(len(of) - len(inside), few)])
        rows.append([str(group), None, None, Hidden()])
    query = wire.Query()
    query.measures.add().life_table.steps = STEPS
    columns = [("group", "text"), ("step", "text"), ("left_by", "text"), ("persons", "count")]
    return result(columns, rows, query=query)


def _count(number: int, few: int) -> Value:
    return Hidden() if number < few else number


@pytest.mark.parametrize("seed", range(3))
def test_survival_is_that_of_lifelines_on_the_same_grid(seed: int) -> None:
    persons = people(seed)
    for survival in stats.kaplan_meier(life_table(persons)):
        of = persons[persons["group"] == survival.group["group"]]
        fitter = KaplanMeierFitter().fit(
            np.minimum(of["step"], STEPS) + 1, of["had_event"] & (of["step"] < STEPS)
        )
        expected = fitter.survival_function_at_times(np.arange(1, STEPS + 1)).to_numpy()
        np.testing.assert_allclose(survival.frame["survival"], expected, atol=1e-12)
        interval = fitter.confidence_interval_.loc[1:STEPS]
        np.testing.assert_allclose(survival.frame["lower"], interval.iloc[:, 0], atol=1e-9)
        np.testing.assert_allclose(survival.frame["upper"], interval.iloc[:, 1], atol=1e-9)
        assert survival.frame["at_risk"].iloc[0] == len(of)
        again = survival.to_lifelines()
        same = again.survival_function_at_times(np.arange(1, STEPS + 1)).to_numpy()
        np.testing.assert_allclose(same, expected, atol=1e-12)
        assert again.median_survival_time_ == survival.median


def test_groups_are_added_up_where_they_are_not_asked_for() -> None:
    persons = people(7)
    (whole,) = stats.kaplan_meier(life_table(persons), by=[])
    fitter = KaplanMeierFitter().fit(
        np.minimum(persons["step"], STEPS) + 1, persons["had_event"] & (persons["step"] < STEPS)
    )
    expected = fitter.survival_function_at_times(np.arange(1, STEPS + 1)).to_numpy()
    np.testing.assert_allclose(whole.frame["survival"], expected, atol=1e-12)


def test_the_log_rank_test_is_that_of_lifelines() -> None:
    persons = people(11)
    found = stats.logrank(life_table(persons))
    expected = multivariate_logrank_test(
        np.minimum(persons["step"], STEPS),
        persons["group"],
        persons["had_event"] & (persons["step"] < STEPS),
    )
    assert found.degrees_of_freedom == 2
    assert found.statistic == pytest.approx(expected.test_statistic, rel=1e-9)
    assert found.p_value == pytest.approx(expected.p_value, rel=1e-6)
    assert found.frame["observed"].sum() == pytest.approx(found.frame["expected"].sum())


def test_hidden_cells_are_refused_unless_it_is_told_how_to_take_them() -> None:
    table = life_table(people(3, 400), few=5)
    with pytest.raises(innsyn.HiddenCells, match="hidden='drop'"):
        stats.kaplan_meier(table)
    with pytest.warns(stats.HiddenCellsWarning, match="left out"):
        dropped = stats.kaplan_meier(table, hidden="drop")
    with pytest.warns(stats.HiddenCellsWarning, match="2 persons each"):
        taken = stats.kaplan_meier(table, hidden=2)
    assert taken[2].frame["at_risk"].iloc[0] > dropped[2].frame["at_risk"].iloc[0]


def test_a_step_that_is_not_named_at_all_is_hidden_too() -> None:
    table = life_table(people(3))
    del table.rows[4:6]  # step 2 of the first group
    with pytest.raises(innsyn.HiddenCells, match="2 of 75"):
        stats.kaplan_meier(table)


def test_bounds_hold_whatever_the_hidden_cells_have() -> None:
    columns = [("step", "text"), ("left_by", "text"), ("persons", "count")]
    query = wire.Query()
    query.measures.add().life_table.steps = 3

    def table(cells: list[Value]) -> innsyn.Result:
        rows: list[list[Value]] = [
            [str(step), left_by, cells[2 * step + at]]
            for step in range(3)
            for at, left_by in enumerate(("event", "exit"))
        ]
        return result(columns, [*rows, ["3", "beyond", cells[6]]], query=query)

    known: list[Value] = [6, Hidden(), Hidden(), 8, Hidden(), 5, Hidden()]
    with pytest.warns(stats.HiddenCellsWarning):
        (bounds,) = stats.kaplan_meier(table(known), hidden="bounds")
    seen = []
    hidden = [at for at, value in enumerate(known) if isinstance(value, Hidden)]
    for filled in itertools.product(range(5), repeat=len(hidden)):
        cells = list(known)
        for at, value in zip(hidden, filled, strict=True):
            cells[at] = value
        (exact,) = stats.kaplan_meier(table(cells))
        seen.append(exact.frame["survival"])
    every = np.array(seen)
    np.testing.assert_allclose(bounds.frame["survival_low"], every.min(axis=0), atol=1e-12)
    np.testing.assert_allclose(bounds.frame["survival_high"], every.max(axis=0), atol=1e-12)


def test_other_tables_are_no_life_tables() -> None:
    plain = result([("sex", "text"), ("persons", "count")], [["K", 5]])
    with pytest.raises(innsyn.QueryError, match="life table"):
        stats.kaplan_meier(plain)
    with pytest.raises(innsyn.QueryError, match="compares groups"):
        stats.logrank(life_table(people(1)), by=[])


def treated(seed: int) -> pd.DataFrame:
    dice = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": dice.choice(["K", "M"], 4_000),
            "band": dice.choice(["<50", "[50,70)", ">=70"], 4_000),
        }
    )
    linear = -1 + 0.5 * (frame["sex"] == "M") + 0.8 * (frame["band"] == ">=70")
    frame["outcome"] = np.where(dice.random(4_000) < 1 / (1 + np.exp(-linear)), "yes", "no")
    frame["events"] = dice.poisson(np.exp(linear))
    return frame


def cells(persons: pd.DataFrame, by: list[str]) -> innsyn.Result:
    grouped = persons.groupby(by)
    rows: list[list[Value]] = [
        [*(str(text) for text in key), len(of), int(of["events"].sum())] for key, of in grouped
    ]
    columns = [(name, "text") for name in by] + [("persons", "count"), ("events", "count")]
    return result(columns, rows)


def test_a_logistic_model_of_cells_is_that_of_the_persons() -> None:
    persons = treated(1)
    table = cells(persons, ["sex", "band", "outcome"])
    one = stats.glm_from_table(table, "outcome ~ sex + band", success="yes")
    other = stats.glm_from_table(table, response="outcome", success=["yes"])
    persons["y"] = (persons["outcome"] == "yes").astype(float)
    expected = smf.glm("y ~ sex + band", persons, family=sm.families.Binomial()).fit()
    for fit in (one, other):
        for name, coefficient in expected.params.items():
            assert fit.params[name] == pytest.approx(coefficient, rel=1e-8)
            assert fit.bse[name] == pytest.approx(expected.bse[name], rel=1e-6)
    assert stats.glm_from_table(table, "outcome ~ 1").params.index.tolist() == ["Intercept"]


def test_a_poisson_model_of_cells_is_that_of_the_persons() -> None:
    persons = treated(2)
    table = cells(persons, ["sex", "band"])
    fit = stats.glm_from_table(
        table, response="events", family="poisson", exposure="persons", by=["sex", "band"]
    )
    expected = smf.glm("events ~ sex + band", persons, family=sm.families.Poisson()).fit()
    for name, coefficient in expected.params.items():
        assert fit.params[name] == pytest.approx(coefficient, rel=1e-7)
        assert fit.bse[name] == pytest.approx(expected.bse[name], rel=1e-6)


def test_a_model_refuses_hidden_cells_and_says_what_it_leaves_out() -> None:
    columns = [("sex", "text"), ("outcome", "text"), ("persons", "count")]
    rows: list[list[Value]] = [
        ["K", "no", 50], ["K", "yes", 20], ["M", "no", 40], ["M", "yes", Hidden()],
        [None, "no", 10], [None, "yes", 15],
    ]  # fmt: skip
    table = result(columns, rows)
    with pytest.raises(innsyn.HiddenCells):
        stats.glm_from_table(table, "outcome ~ sex")
    with pytest.warns(stats.HiddenCellsWarning) as warned:
        fit = stats.glm_from_table(table, "outcome ~ sex", hidden=2)
    told = [str(one.message) for one in warned]
    assert any("1 of 6 cells are hidden and taken for 2" in text for text in told)
    assert any("25 persons or events are left out" in text for text in told)
    odds = math.exp(fit.params["sex[T.M]"])
    assert odds == pytest.approx((2 / 40) / (20 / 50), rel=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.HiddenCellsWarning)
        level = stats.glm_from_table(table, "outcome ~ sex", hidden=2, missing="level")
    assert "sex[T.(missing)]" in level.params


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "name the `response`"),
        ({"formula": "outcome"}, "response ~ covariates"),
        ({"response": "sexx"}, "no dimension `sexx`"),
        ({"response": "outcome", "success": "maybe"}, "no cell has"),
        ({"response": "outcome", "family": "gamma"}, "`family`"),
        ({"response": "outcome", "hidden": "ignore"}, "`hidden` is"),
    ],
)
def test_a_model_that_is_not_described_well_says_so(options: dict[str, str], text: str) -> None:
    table = cells(treated(3), ["sex", "outcome"])
    with pytest.raises(innsyn.QueryError, match=text):
        stats.glm_from_table(table, **options)  # type: ignore[arg-type]


def test_rates_have_the_exact_interval_of_poisson() -> None:
    columns = [("sex", "text"), ("persons", "count"), ("events", "count")]
    frame = stats.rates(result(columns, [["K", 1_000, 10], ["M", 500, 0]]))
    assert frame["rate"].tolist() == [10, 0]
    # Ten events: 4.795 to 18.39; none: 0 to 3.689.
    assert frame["lower"].tolist() == pytest.approx([4.7954, 0], abs=1e-3)
    assert frame["upper"].tolist() == pytest.approx([18.3904, 3.6889 * 2], abs=1e-3)
    hidden = result(columns, [["K", 1_000, 10], ["M", Hidden(), Hidden()]])
    with pytest.raises(innsyn.HiddenCells):
        stats.rates(hidden)
    with pytest.warns(stats.HiddenCellsWarning):
        assert len(stats.rates(hidden, hidden="drop")) == 1


def histogram(counts: list[Value]) -> innsyn.Result:
    query = wire.Query()
    grid = query.measures.add().histogram
    setattr(grid, "from", 0)
    grid.width, grid.bins = 10, len(counts)
    labels = [f"[{10 * at},{10 * at + 10})" for at in range(len(counts))]
    labels[0], labels[-1] = "<10", f">={10 * len(counts) - 10}"
    rows = [["K", label, count] for label, count in zip(labels, counts, strict=True)]
    columns = [("sex", "text"), ("age_bin", "text"), ("persons", "count")]
    return result(columns, [*rows, ["K", None, 7]], query=query)


def test_quantiles_are_within_one_bin_of_the_exact_ones() -> None:
    dice = random.Random(5)
    ages = sorted(min(max(dice.gauss(40, 12), 0), 79.9) for _ in range(2_000))
    counts: list[Value] = [sum(10 * at <= age < 10 * at + 10 for age in ages) for at in range(8)]
    frame = stats.quantiles(histogram(counts), (0.1, 0.5, 0.9), hidden="drop")
    for share in (0.1, 0.5, 0.9):
        exact = ages[int(share * len(ages))]
        assert abs(frame[f"q{share:g}"][0] - exact) < 10
    assert frame["n"][0] == 2_000
    assert stats.quantiles(histogram([0, 0, 4, 0]), [0.5])["q0.5"][0] == 25


def test_quantiles_refuse_hidden_bins_and_other_tables() -> None:
    with pytest.raises(innsyn.HiddenCells):
        stats.quantiles(histogram([5, Hidden(), 5]))
    with pytest.raises(innsyn.QueryError, match="no histogram"):
        stats.quantiles(life_table(people(1)))


def test_what_a_dummy_client_releases_can_be_fitted() -> None:
    client = innsyn.DummyClient(persons=3_000)
    cancers = client.catalogue().cancers
    table = innsyn.life_table(
        cancers.diagnosed, cancers.died, cancers.emigrated, step="year", steps=8
    )
    released = client.run(cancers.query().first().by(cancers.sex).measure(table), progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.HiddenCellsWarning)
        groups = stats.kaplan_meier(released, hidden="bounds")
    for one in groups:
        frame = one.frame
        assert (frame["survival_low"] <= frame["survival"] + 1e-12).all()
        assert (frame["survival"] <= frame["survival_high"] + 1e-12).all()
        assert len(frame) == 8
