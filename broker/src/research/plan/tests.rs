//! What a table will look like, known before anybody is asked.

use innsyn_proto::query::check;

use super::*;
use crate::research::tests::queries::{
    asks, by_age, by_sex, dimension, life_table, measure, persons, views,
};

fn plan(query: &wire::Query) -> Result<Plan, PlanError> {
    Plan::of(&check(query, &views("nord", true)).unwrap())
}

fn columns(query: &wire::Query) -> Vec<String> {
    let plan = plan(query).unwrap();
    plan.columns()
        .iter()
        .map(|column| column.name.clone())
        .collect()
}

fn by_period(months: Period) -> wire::Query {
    wire::Query {
        view: "stays".to_owned(),
        period: months.into(),
        dimensions: vec![dimension(Divided::Period(wire::OwnPeriod {}))],
        measures: vec![persons()],
        ..wire::Query::default()
    }
}

#[test]
fn columns_are_named_as_sql_would_and_once_each() {
    let mut other = by_age();
    if let Some(Divided::Bands(bands)) = &mut other.dimension {
        bands.begins.pop();
    }
    let mean = measure(Told::Mean("income".to_owned()));
    assert_eq!(
        columns(&asks(
            vec![by_sex(), by_age(), other],
            vec![persons(), mean]
        )),
        [
            "sex",
            "born_year_band",
            "born_year_band_2",
            "persons",
            "mean_income"
        ]
    );
    assert_eq!(columns(&by_period(Period::Quarter)), ["quarter", "persons"]);
    assert_eq!(columns(&life_table()), ["step", "left_by", "persons"]);
}

#[test]
fn periods_are_those_that_the_view_covers() {
    for (period, months, count) in [
        (Period::Year, 12, 3),
        (Period::Quarter, 3, 12),
        (Period::Month, 1, 36),
    ] {
        let plan = plan(&by_period(period)).unwrap();
        let expected = (0..count).map(|n| Category::Number(540 + n * months));
        assert_eq!(plan.domains(), [Domain::Closed(expected.collect())]);
        assert_eq!(plan.shape().period, Some(0));
        assert_eq!(plan.cells_declared(), u64::try_from(count).unwrap());
    }
}

#[test]
fn labels_read_the_same_in_every_language() {
    let bands = Axis::Bands {
        begins: vec![-5, 18],
    };
    let of_bands = [0, 1, 2].map(|band| bands.label(&Category::Number(band)).unwrap());
    assert_eq!(of_bands, ["<-5", "[-5,18)", ">=18"]);
    for (months, first, label) in [
        (12, 600, "2020"),
        (3, 606, "2020-Q3"),
        (1, 606, "2020-07"),
        (1, -1, "1969-12"),
    ] {
        let periods = Axis::Periods {
            months,
            first_months: None,
        };
        let told = periods.label(&Category::Number(first));
        assert_eq!(told.as_deref(), Some(label));
        assert_eq!(periods.label(&Category::Missing), None);
    }
}

#[test]
fn what_no_table_can_show_safely_is_refused_with_what_to_ask_instead() {
    let sum = |name: &str| measure(Told::Sum(name.to_owned()));
    let mut stays = life_table();
    let both = [stays.measures[0].clone(), persons()];
    stays.measures = both.into();
    assert_eq!(plan(&stays).unwrap_err(), PlanError::NotAlone);

    stays.measures = vec![sum("days")];
    assert!(plan(&stays).is_ok());
    stays.rows = None;
    let refused = plan(&stays).unwrap_err();
    assert_eq!(refused, PlanError::SumOfManyEvents("days".to_owned()));

    let bands = |begins: std::ops::Range<i64>| {
        dimension(Divided::Bands(wire::Bands {
            variable: "born_year".to_owned(),
            begins: begins.collect(),
        }))
    };
    // 97 and 101 are fewer than ten thousand; with those whose year is missing they are not.
    let large = asks(vec![bands(0..97), bands(0..101)], vec![persons()]);
    assert_eq!(plan(&large).unwrap_err(), PlanError::TooManyCells(99 * 103));
    let deep = asks(
        (0..7).map(|at| bands(at..at + 1)).collect(),
        vec![persons()],
    );
    assert_eq!(
        plan(&deep).map(|_| ()).unwrap_err(),
        PlanError::TooManyDimensions
    );
}
