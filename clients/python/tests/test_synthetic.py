"""Made-up data have the shape of the catalogue, and are counted as registers count."""

import datetime
from collections import defaultdict

import pyarrow as pa
import pytest

import innsyn
from innsyn.research.v1 import query_pb2 as wire

CATALOGUE = innsyn.example_catalogue()


def test_equal_seeds_make_equal_rows() -> None:
    for view in CATALOGUE.views:
        one = innsyn.dummy(view, persons=50, seed=3).arrow
        assert one.equals(innsyn.dummy(view, persons=50, seed=3).arrow)
        assert not one.equals(innsyn.dummy(view, persons=50, seed=4).arrow)


def test_a_table_has_a_column_for_each_variable_and_values_within_its_bounds() -> None:
    stays = innsyn.dummy(CATALOGUE.stays, persons=300, seed=1)
    frame = stays.pandas()
    assert list(frame.columns) == ["person", "_register", *CATALOGUE.stays]
    assert set(frame["_register"]) == {"east", "north", "west"}
    assert frame["days"].dropna().between(0, 60).all()
    assert set(frame["sex"].dropna()) == {"female", "male"}
    dates = frame["admitted"].dropna()
    assert dates.min() >= datetime.date(2015, 1, 1)
    assert dates.max() <= datetime.date(2025, 12, 31)
    assert stays.arrow.schema.field("admitted").type == pa.date32()
    assert stays.polars().shape == (len(stays), len(frame.columns))


def test_variables_of_the_person_are_the_same_everywhere() -> None:
    data = innsyn.dummy(CATALOGUE, persons=200, seed=5)
    seen: dict[int, set[tuple[object, ...]]] = defaultdict(set)
    for table in data.values():
        for rows in table.rows.values():
            for row in rows:
                seen[int(str(row["person"]))].add((row["sex"], row["born_year"]))
    assert len(seen) > 150
    assert all(len(values) == 1 for values in seen.values())


def test_any_view_that_is_published_can_be_rehearsed() -> None:
    from innsyn.research.v1 import catalogue_pb2

    view = catalogue_pb2.View(
        name="x", register_id="r", grain=catalogue_pb2.GRAIN_EVENT, event_date="at",
        from_month=600, until_month=600,
    )  # fmt: skip
    view.variables.add(name="at", date=catalogue_pb2.Date())
    view.variables.add(name="bare", number=catalogue_pb2.Number())
    view.variables.add(name="odd", code=catalogue_pb2.Code(system="?", level_characters=[2, 4]))
    rows = innsyn.dummy(innsyn.Catalogue([view]).x, persons=30).arrow.to_pylist()
    assert {len(row["odd"]) for row in rows if row["odd"]} == {4}


def counted(query: innsyn.Query, keep: object, key: object) -> dict[object, int]:
    """Persons by key, over all registers of dummy data, counted anew with sets."""
    data = innsyn.dummy(CATALOGUE, persons=1_000, seed=0)
    found: dict[object, set[tuple[str, object]]] = defaultdict(set)
    for register, rows in data[query.view.name].rows.items():
        for row in rows:
            if keep(row):  # type: ignore[operator]
                found[key(row)].add((register, row["person"]))  # type: ignore[operator]
    return {key: len(persons) for key, persons in found.items()}


def test_counts_are_the_persons_rounded() -> None:
    view = CATALOGUE.stays
    query = (
        view.query()
        .where(view.diagnosis.under("I"), view.admitted >= "2020", ~(view.sex == "male"))
        .by(innsyn.year())
    )
    result = innsyn.DummyClient(CATALOGUE).run(query, progress=False)
    anew = counted(
        query,
        lambda row: (
            str(row["diagnosis"]).startswith("I")
            and row["admitted"].year >= 2020
            and row["sex"] != "male"
        ),
        lambda row: str(row["admitted"].year),
    )
    assert list(result.columns) == ["year", "registrations"]
    assert len(result.rows) == 6
    for year, persons in result.rows:
        assert persons == (anew[year] + 2) // 5 * 5
    assert result.counts_registrations


def test_persons_are_chosen_by_their_events() -> None:
    persons, stays = CATALOGUE.persons, CATALOGUE.stays
    catalogue = innsyn.Catalogue(
        [
            one
            for view in (persons, stays)
            for one in view.published
            if one.register_id in ("north", "west")
        ]
    )
    client = innsyn.DummyClient(catalogue)
    all_of_them = client.run(catalogue.persons.query(), progress=False).rows[0][0]
    has = innsyn.has_events(catalogue.stays, catalogue.stays.days > 4)
    some = client.run(catalogue.persons.query().where(has), progress=False).rows[0][0]
    others = client.run(catalogue.persons.query().where(~has), progress=False).rows[0][0]
    assert isinstance(all_of_them, int) and isinstance(some, int) and isinstance(others, int)
    assert 0 < some < all_of_them
    assert abs(all_of_them - some - others) <= 10


def test_the_first_and_the_last_event_make_one_row() -> None:
    view = CATALOGUE.prescriptions
    client = innsyn.DummyClient(CATALOGUE)
    measures = innsyn.persons(), innsyn.events()
    all_events = client.run(view.query().measure(*measures), progress=False).rows[0]
    first = client.run(view.query().first().measure(*measures), progress=False).rows[0]
    assert first[0] == first[1] == all_events[0]
    assert all_events[1] > all_events[0]  # type: ignore[operator]


def test_a_silent_register_is_named_or_is_an_error() -> None:
    client = innsyn.DummyClient(CATALOGUE, silent=["west"])
    query = client.query("stays")
    result = client.run(query, progress=False)
    assert result.coverage.missing() == {"west": "silent"}
    with pytest.raises(innsyn.RegistersMissing, match="`west`"):
        client.run(query, must_be_complete=True, progress=False)


def test_an_equal_question_gives_the_earlier_table() -> None:
    with innsyn.DummyClient(CATALOGUE) as client:
        query = client.query("births").by(CATALOGUE.births.sex)
        first, again = (client.run(query, progress=False) for _ in range(2))
        assert (first.is_earlier, again.is_earlier) == (False, True)
        assert first.rows == again.rows
        assert [one.query_name for one in client.ledger()] == [query.name]


def test_columns_are_called_as_the_gateway_calls_them() -> None:
    view = CATALOGUE.cancers
    client = innsyn.DummyClient(CATALOGUE)

    def columns(query: innsyn.Query) -> list[str]:
        return list(client.run(query, progress=False).columns)

    query = view.query().first()
    assert columns(
        query.by(
            view.site.level(1), view.born_year.bands(1950), view.diagnosed.by_quarter()
        ).measure(innsyn.persons(), innsyn.events(), view.born_year.variance())
    ) == [
        "site_level_1", "born_year_band", "diagnosed_quarter",
        "persons", "events", "variance_born_year",
    ]  # fmt: skip
    table = innsyn.life_table(view.diagnosed, view.died, view.emigrated, steps=3)
    assert columns(query.measure(table)) == ["step", "left_by", "persons"]
    bins = view.born_year.histogram(1920, width=20, bins=5)
    result = client.run(query.by(view.sex).measure(bins), progress=False)
    assert list(result.columns) == ["sex", "born_year_bin", "persons"]
    assert {row[1] for row in result.rows} <= {
        "<1940", "[1940,1960)", "[1960,1980)", "[1980,2000)", ">=2000", None,
    }  # fmt: skip


def test_person_time_is_the_months_between_the_dates() -> None:
    view = CATALOGUE.cancers
    client = innsyn.DummyClient(CATALOGUE)
    time = innsyn.person_time(view.diagnosed, view.died, view.emigrated)
    result = client.run(view.query().first().measure(innsyn.persons(), time), progress=False)
    assert result.columns == {"persons": "count", "person_time_died": "real"}
    assert result.unit == {"person_time_died": "mo"}
    firsts: dict[object, dict[str, object]] = {}
    for row in client.data["cancers"].rows["cancer"]:
        before = firsts.get(row["person"])
        if before is None or row["diagnosed"] < before["diagnosed"]:  # type: ignore[operator]
            firsts[row["person"]] = dict(row)
    months = 0
    for row in firsts.values():
        ends = [row[name] for name in ("died", "emigrated") if row[name] is not None]
        end = min([*ends, datetime.date(2025, 12, 1)])  # type: ignore[type-var]
        start = row["diagnosed"]
        months += max(  # whole months
            (end.year - start.year) * 12 + end.month - start.month,
            0,  # type: ignore[attr-defined]
        )
    persons, told = result.rows[0]
    assert told == pytest.approx(months, rel=0.03)
    assert 0 < told < float(persons) * 132  # type: ignore[operator,arg-type]


def test_dummy_data_are_not_asked_in_sql() -> None:
    with pytest.raises(innsyn.QueryError, match="builder"):
        innsyn.DummyClient(CATALOGUE).sql("SELECT persons() FROM stays")


def test_a_message_is_taken_as_well() -> None:
    client = innsyn.DummyClient(CATALOGUE)
    query = CATALOGUE.stays.query().by(CATALOGUE.stays.sex)
    assert client.dry_run(query.to_proto()).query_name == query.name
    assert isinstance(client.dry_run(query).query, wire.Query)
