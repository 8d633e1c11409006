"""The builder says what is meant, and refuses what cannot be asked where it is written."""

import datetime
from collections.abc import Callable

import pytest
from google.protobuf import text_format

import innsyn
from innsyn import Catalogue, Query, View
from innsyn.research.v1 import catalogue_pb2, query_pb2 as wire

CATALOGUE = innsyn.example_catalogue()
STAYS = CATALOGUE.stays
CANCERS = CATALOGUE.cancers
PERSONS = CATALOGUE.persons


def with_score() -> View:
    """Stays with a number that has no bounds and a code that divides no table."""
    published = []
    for view in STAYS.published:
        more = catalogue_pb2.View()
        more.CopyFrom(view)
        more.variables.add(name="score", number=catalogue_pb2.Number())
        more.variables.add(name="ward", code=catalogue_pb2.Code(system="wards"))
        published.append(more)
    return Catalogue(published).stays


SCORED = with_score()


def says(query: Query, text: str) -> None:
    assert query.to_proto() == text_format.Parse(text, wire.Query())


def test_without_a_measure_persons_are_counted() -> None:
    says(innsyn.query(STAYS), "view: 'stays' measures { persons {} }")


def test_conditions_choose_persons_or_events_by_what_they_compare() -> None:
    query = STAYS.query().where(
        STAYS.sex == "female",
        STAYS.admitted.between("2020-01", "2020-12"),
        STAYS.days >= 3,
        innsyn.has_events(CANCERS, CANCERS.site.under("C50"), at_least=2),
    )
    says(
        query,
        """
        view: "stays"
        population { all {
          of { comparison { variable: "sex" operator: OPERATOR_EQUAL literal { code: "female" } } }
          of { events { view: "cancers" at_least: 2
            where { codes { variable: "site" codes: "C50" with_descendants: true } } } }
        } }
        rows { pick: PICK_ALL where { all {
          of { dates { variable: "admitted" from_month: 600 until_month: 612 } }
          of { comparison { variable: "days" operator: OPERATOR_GREATER_OR_EQUAL
                            literal { integer: 3 } } }
        } } }
        measures { persons {} }
        """,
    )


def test_everything_that_a_query_can_say_can_be_built() -> None:
    query = (
        SCORED.query()
        .events_where((SCORED.score > 2) | (SCORED.sex == "male"))
        .last()
        .by(
            innsyn.quarter(),
            SCORED.sex,
            SCORED.diagnosis.level(2),
            SCORED.born_year.bands(1950, 1980),
        )
        .measure(
            innsyn.persons(),
            innsyn.events(),
            SCORED.days.sum(),
            SCORED.days.mean(),
            SCORED.days.variance(),
        )
        .at("west", "north")
    )
    says(
        query,
        """
        view: "stays" registers: ["west", "north"] period: PERIOD_QUARTER
        rows { pick: PICK_LAST where { any {
          of { comparison { variable: "score" operator: OPERATOR_GREATER literal { real: 2 } } }
          of { comparison { variable: "sex" operator: OPERATOR_EQUAL literal { code: "male" } } }
        } } }
        dimensions { period {} }
        dimensions { code { variable: "sex" } }
        dimensions { code { variable: "diagnosis" level: 2 } }
        dimensions { bands { variable: "born_year" begins: [1950, 1980] } }
        measures { persons {} } measures { events {} } measures { sum: "days" }
        measures { mean: "days" } measures { variance: "days" }
        """,
    )


def test_a_life_table_a_histogram_and_the_periods_of_a_date() -> None:
    table = innsyn.life_table(
        CANCERS.diagnosed, CANCERS.died, CANCERS.emigrated, step="month", steps=60
    )
    says(
        CANCERS.query().first().by(CANCERS.diagnosed.by_year()).measure(table),
        """
        view: "cancers" rows { pick: PICK_FIRST }
        dimensions { date { variable: "diagnosed" period: PERIOD_YEAR } }
        measures { life_table { entry: "diagnosed" event: "died" exit: "emigrated"
                                step: PERIOD_MONTH steps: 60 } }
        """,
    )
    time = innsyn.person_time(CANCERS.diagnosed, CANCERS.died, CANCERS.emigrated)
    says(
        CANCERS.query().last().measure(innsyn.persons(), time),
        """
        view: "cancers" rows { pick: PICK_LAST } measures { persons {} }
        measures { person_time { entry: "diagnosed" event: "died" exit: "emigrated" } }
        """,
    )
    says(
        PERSONS.query().measure(PERSONS.born_year.histogram(1900, width=10, bins=12)),
        """view: "persons"
        measures { histogram { variable: "born_year" from: 1900 width: 10 bins: 12 } }""",
    )


@pytest.mark.parametrize(
    ("condition", "window"),
    [
        (STAYS.admitted >= "2020", "from_month: 600"),
        (STAYS.admitted > "2020", "from_month: 612"),
        (STAYS.admitted < "2020-Q2", "until_month: 603"),
        (STAYS.admitted <= "2020-Q2", "until_month: 606"),
        (STAYS.admitted.between(2019, "2020-03"), "from_month: 588 until_month: 603"),
        (STAYS.admitted >= datetime.date(1969, 12, 1), "from_month: -1"),
    ],
)
def test_dates_are_compared_by_whole_months(condition: innsyn.Condition, window: str) -> None:
    expected = f'dates {{ variable: "admitted" {window} }}'
    assert condition.expression == text_format.Parse(expected, wire.Expression())


def test_a_query_never_changes() -> None:
    query = STAYS.query()
    query.where(STAYS.sex == "male").by(STAYS.sex).first()
    says(query, "view: 'stays' measures { persons {} }")


def test_a_second_where_narrows_the_first() -> None:
    one = STAYS.query().where(STAYS.sex == "male").where(STAYS.born_year < 1950)
    assert one.name == STAYS.query().where(STAYS.sex == "male", STAYS.born_year < 1950).name


def test_the_text_is_what_the_protocol_documents() -> None:
    text = STAYS.query().by(STAYS.sex).text()
    assert text_format.Parse(text, wire.Query()) == STAYS.query().by(STAYS.sex).to_proto()


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: STAYS.diagnoses, "did you mean `diagnosis`"),
    (lambda: STAYS["sexx"], "did you mean `sex`"),
    (lambda: CATALOGUE.stay, "did you mean `stays`"),
    (lambda: STAYS.sex < "K", "only be equal"),
    (lambda: STAYS.sex == 1, "a code is text"),
    (lambda: STAYS.sex == "fe male", "letters, digits"),
    (lambda: STAYS.sex != "male", "missing value"),
    (lambda: STAYS.days == 1.5, "whole number"),
    (lambda: STAYS.days == True, "not with bool"),  # noqa: E712
    (lambda: STAYS.days > float("nan"), "finite"),
    (lambda: SCORED.score == 3, "less or greater"),
    (lambda: STAYS.admitted == "2020", "between"),
    (lambda: STAYS.admitted >= "2020-01-15", "by the month"),
    (lambda: STAYS.admitted >= "2020-13", "no month"),
    (lambda: STAYS.admitted.between("2021", "2020"), "end before"),
    (lambda: STAYS.diagnosis.under("I2"), "at no level of ICD-10 2024"),
    (lambda: STAYS.diagnosis.is_in([]), "empty"),
    (lambda: STAYS.diagnosis.is_in([str(n) for n in range(201)]), "1 to 200"),
    (lambda: STAYS.diagnosis.level(3), "2 levels"),
    (lambda: SCORED.query().first().by(SCORED.ward), "no table may be divided"),
    (lambda: STAYS.sex.bands(1), "bands are of numbers"),
    (lambda: STAYS.days.bands(3, 3), "rising"),
    (lambda: STAYS.days.bands(), "name where"),
    (lambda: SCORED.score.mean(), "without bounds"),
    (lambda: STAYS.sex.mean(), "of a number"),
    (lambda: STAYS.query().by(STAYS.born_year), "bands"),
    (lambda: STAYS.query().by("sex"), "not by 'sex'"),  # type: ignore[arg-type]
    (lambda: STAYS.query().by(STAYS.sex).by(STAYS.sex), "already"),
    (lambda: STAYS.query().by(innsyn.year(), innsyn.month()), "one period"),
    (lambda: PERSONS.query().by(innsyn.year()), "one row per person"),
    (lambda: PERSONS.query().first(), "one row per person"),
    (lambda: PERSONS.query().measure(innsyn.events()), "one row per person"),
    (lambda: STAYS.query().first().last(), "not by both"),
    (lambda: STAYS.query().where(CANCERS.sex == "male"), "has_events"),
    (lambda: STAYS.query().by(CANCERS.sex), "is of `cancers`"),
    (lambda: (STAYS.sex == "male") & (CANCERS.stage == "A"), "has_events"),
    (lambda: STAYS.query().persons_where(STAYS.days > 1), "variables of the person"),
    (lambda: (STAYS.sex == "male") and (STAYS.days > 1), "join conditions"),
    (lambda: 1 <= STAYS.days <= 2, "between"),
    (lambda: STAYS.query().where(STAYS.sex), "compares variables"),
    (lambda: STAYS.query().where((STAYS.days > 1) | innsyn.has_events(STAYS)), "of a person"),
    (lambda: innsyn.has_events(PERSONS), "view of events"),
    (lambda: innsyn.has_events(STAYS, at_least=0), "1 or more"),
    (lambda: innsyn.has_events(STAYS, innsyn.has_events(CANCERS)), "of an event"),
    (lambda: STAYS.query().where(*[STAYS.days > n for n in range(7)]), "at most 6"),
    (lambda: STAYS.query().at("nroth"), "did you mean `north`"),
    (lambda: STAYS.query().by(STAYS.diagnosis).to_proto(), r"`\.first\(\)`"),
    (lambda: STAYS.query().measure(STAYS.days.mean()).to_proto(), r"`\.first\(\)`"),
    (
        lambda: (
            STAYS.query()
            .first()
            .measure(innsyn.persons(), STAYS.days.histogram(0, width=1, bins=9))
            .to_proto()
        ),
        "a table of its own",
    ),
    (
        lambda: innsyn.life_table(CANCERS.died, CANCERS.died, CANCERS.emigrated, steps=3),
        "different",
    ),
    (lambda: innsyn.life_table(CANCERS.died, CANCERS.sex, CANCERS.emigrated, steps=3), "dates"),
    (lambda: innsyn.person_time(CANCERS.died, CANCERS.died, CANCERS.emigrated), "different"),
    (
        lambda: (
            CANCERS.query()
            .by(innsyn.year())
            .first()
            .measure(innsyn.person_time(CANCERS.diagnosed, CANCERS.died, CANCERS.emigrated))
            .to_proto()
        ),
        "not asked by period",
    ),
    (
        lambda: (
            CANCERS.query()
            .measure(innsyn.person_time(CANCERS.diagnosed, CANCERS.died, CANCERS.emigrated))
            .to_proto()
        ),
        r"`\.first\(\)`",
    ),
    (
        lambda: (
            CANCERS.query()
            .first()
            .by(innsyn.year())
            .measure(innsyn.life_table(CANCERS.diagnosed, CANCERS.died, CANCERS.emigrated, steps=3))
            .to_proto()
        ),
        "not asked by period",
    ),
    (lambda: innsyn.query("stays"), "begins with a view"),  # type: ignore[arg-type]
    (lambda: STAYS.admitted.by("week"), "no period"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("build", "text"), REFUSED)
def test_what_cannot_be_asked_is_refused_with_what_to_write(
    build: Callable[[], object], text: str
) -> None:
    with pytest.raises(innsyn.QueryError, match=text):
        build()


def test_a_negation_stands_once_deep_and_seventeen_are_too_many() -> None:
    condition = STAYS.sex == "male"
    for _ in range(15):
        condition = ~condition
    STAYS.query().where(condition)
    with pytest.raises(innsyn.QueryError, match="16 deep"):
        STAYS.query().where(~condition)
