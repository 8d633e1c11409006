//! What can be asked can be written, and whatever is written is lowered or refused.

use innsyn_proto::wire::research::v1::{
    Dimension, EventCount, Expression, Expressions, Histogram, LifeTable, Measure, OwnPeriod,
    Period, PersonTime, Persons, Pick, Rows, dimension::Dimension as Divided,
    expression::Expression as Kind, measure::Measure as Told,
};
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::writer::{drawn, written};
use super::*;

fn measured(told: Vec<Told>) -> Vec<Measure> {
    let all = [Told::Persons(Persons {})].into_iter().chain(told);
    all.map(|told| Measure {
        measure: Some(told),
    })
    .collect()
}

fn histogram() -> Told {
    Told::Histogram(Histogram {
        variable: "birth_year".to_owned(),
        from: -100,
        width: 10,
        bins: 20,
    })
}

fn life_table(entry: &str, exit: &str) -> Told {
    Told::LifeTable(LifeTable {
        entry: entry.to_owned(),
        event: "died".to_owned(),
        exit: exit.to_owned(),
        step: Period::Quarter.into(),
        steps: 20,
    })
}

/// Over the view of persons, or over that of events, with all choices of rows.
fn queries() -> impl Strategy<Value = Query> {
    let of_persons = (
        drawn::population(),
        subsequence(drawn::of_persons(), 0..=3).prop_shuffle(),
        subsequence(vec![histogram()], 0..=1),
    )
        .prop_map(|(population, dimensions, told)| Query {
            view: "people".to_owned(),
            population,
            dimensions,
            measures: measured(told),
            ..Query::default()
        });
    let of_events = (
        (
            drawn::population(),
            drawn::of_events(),
            proptest::sample::select(vec![Pick::All, Pick::First, Pick::Last]),
            proptest::sample::select(vec![Period::Unspecified, Period::Year, Period::Month]),
        ),
        subsequence(drawn::of_persons(), 0..=2),
        subsequence(drawn::of_one_event(), 0..=2),
        subsequence(
            vec![
                Told::Events(EventCount {}),
                Told::Sum("days".to_owned()),
                Told::Mean("cost".to_owned()),
                Told::Variance("days".to_owned()),
                histogram(),
                life_table("admitted", "emigrated"),
                Told::PersonTime(PersonTime {
                    entry: "admitted".to_owned(),
                    event: "died".to_owned(),
                    exit: "emigrated".to_owned(),
                }),
            ],
            0..=3,
        ),
        subsequence(vec!["nord".to_owned(), "vest".to_owned()], 0..=2),
    )
        .prop_map(
            |(
                (population, r#where, pick, period),
                mut dimensions,
                of_event,
                mut told,
                registers,
            )| {
                if pick != Pick::All {
                    dimensions.extend(of_event);
                }
                if period != Period::Unspecified {
                    let own = Divided::Period(OwnPeriod {});
                    dimensions.push(Dimension {
                        dimension: Some(own),
                    });
                }
                told.retain(|told| {
                    let follows = matches!(told, Told::LifeTable(_) | Told::PersonTime(_));
                    !follows || (pick != Pick::All && period == Period::Unspecified)
                });
                Query {
                    view: "stays".to_owned(),
                    registers,
                    population,
                    rows: Some(Rows {
                        r#where,
                        pick: pick.into(),
                    }),
                    period: period.into(),
                    dimensions,
                    measures: measured(told),
                }
            },
        );
    prop_oneof![of_persons, of_events]
}

/// The variables of the windows of dates that stand in one conjunction, which SQL reads together
/// however it is put in brackets.
fn windows_of<'a>(of: &'a Expression, found: &mut Vec<&'a str>) {
    match of.expression.as_ref().unwrap() {
        Kind::All(Expressions { of }) => of.iter().for_each(|of| windows_of(of, found)),
        Kind::Dates(window) => found.push(&window.variable),
        _ => {}
    }
}

/// Whether all windows of one date in a conjunction are one, which is how SQL reads them.
fn has_one_window_each(of: &Expression) -> bool {
    match of.expression.as_ref().unwrap() {
        Kind::All(Expressions { of: parts }) => {
            let mut windows = Vec::new();
            windows_of(of, &mut windows);
            let all = windows.len();
            windows.sort_unstable();
            windows.dedup();
            windows.len() == all && parts.iter().all(has_one_window_each)
        }
        Kind::Any(Expressions { of }) => of.iter().all(has_one_window_each),
        Kind::Not(of) => has_one_window_each(of),
        Kind::Events(events) => events.r#where.as_deref().is_none_or(has_one_window_each),
        Kind::Comparison(_) | Kind::Codes(_) | Kind::Dates(_) => true,
    }
}

/// Words and signs that statements are made of, and some that they are not.
fn words() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(
        "SELECT FROM WHERE GROUP BY ORDER LIMIT AND OR NOT IN LIKE ANY BETWEEN IS TRUE NULL DISTINCT \
         EXISTS COUNT(*) COUNT SUM AVG year EXTRACT(YEAR DATE DATE_TRUNC band level LEFT SUBSTRING \
         histogram life_table person_time period first_event() persons() events() person _register people stays \
         prescriptions s sex birth_year days cost diagnosis admitted died CASE WHEN THEN ELSE END \
         WITH UNION HAVING OVER FILTER FOR AS DESC NULLS FIRST INTERVAL ARRAY ROW JOIN ON USING \
         ( ) ( ) , . * = <> < >= + - / :: [ ] ; ' \" $1 1 5.5 -3 'K' 'I21%' 'year' '2020-01-01' \
         1e9 99999999999999999999 E'x' @ # | || -> ~ ! ? % ^ & `"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    proptest::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

/// Statements that are right but for one word, which is another, missing, or there twice.
fn mistaken() -> impl Strategy<Value = String> {
    (queries(), any::<proptest::sample::Index>(), 0..4, words()).prop_map(
        |(query, at, kind, word)| {
            let sql = written(&query);
            let mut words: Vec<_> = sql.split(' ').collect();
            let at = at.index(words.len());
            match kind {
                0 => {
                    words.remove(at);
                }
                1 => words.insert(at, words[at]),
                2 => words[at] = word.split(' ').next().unwrap_or_default(),
                _ => words.insert(at, word.split(' ').next().unwrap_or_default()),
            }
            words.join(" ")
        },
    )
}

/// Lowers `sql`; what comes of it is checked or refused, and a refusal says something.
fn is_lowered_or_refused(sql: &str) {
    match lower(sql, &CATALOGUE) {
        Ok(lowered) => {
            let columns = lowered.columns.len();
            assert!(
                lowered
                    .presentation
                    .order
                    .iter()
                    .all(|by| by.column < columns)
            );
            for column in &lowered.columns {
                let query = &lowered.query;
                assert!(match column.part {
                    Part::Dimension(index) => index < query.dimensions.len(),
                    Part::Measure(index) => index < query.measures.len(),
                });
            }
            if let Err(error) = check(&lowered.query, &CATALOGUE) {
                assert!(!error.to_string().is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_query_that_is_written_as_sql_is_the_same_query(query in queries()) {
        let sql = written(&query);
        // Queries that cannot be asked are drawn too, such as those with too many conditions.
        let parts = [&query.population, &query.rows.as_ref().and_then(|rows| rows.r#where.clone())];
        prop_assume!(check(&query, &CATALOGUE).is_ok());
        let normal = checked(&query);
        let normal_parts = [
            &normal.normal().population,
            &normal.normal().rows.as_ref().and_then(|rows| rows.r#where.clone()),
        ];
        let merges = |of: &Expression| !has_one_window_each(of);
        prop_assume!(!parts.into_iter().chain(normal_parts).flatten().any(merges));

        let is = lowered(&sql);

        prop_assert_eq!(checked(&is.query).name(), normal.name(), "{}\n{:#?}", sql, is.query);
    }

    #[test]
    fn words_in_any_order_are_lowered_or_refused(sql in words()) {
        is_lowered_or_refused(&sql);
    }

    #[test]
    fn a_statement_with_a_mistake_is_lowered_or_refused(sql in mistaken()) {
        is_lowered_or_refused(&sql);
    }

    #[test]
    fn any_text_is_lowered_or_refused(sql in "\\PC{0,60}") {
        is_lowered_or_refused(&sql);
        is_lowered_or_refused(&format!("SELECT persons() FROM people WHERE {sql}"));
    }
}
