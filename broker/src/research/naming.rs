//! What a table's columns are called: the one place that says so, for every face.
//!
//! A dimension has one column, and so has a measure, but for a histogram and a life table, whose
//! bins and steps are columns of their own. Names are what SQL would call the same; an alias in
//! SQL takes the place of a name.

use innsyn_proto::wire::research::v1 as wire;
use wire::Period;
use wire::dimension::Dimension as Divided;
use wire::measure::Measure as Told;

/// What persons are called: where registers may hold the same ones, their registrations are
/// counted.
pub(super) const fn persons(are_shared: bool) -> &'static str {
    if are_shared {
        "registrations"
    } else {
        "persons"
    }
}

/// A period's name as a column.
pub(super) const fn period(period: Period) -> &'static str {
    match period {
        Period::Year => "year",
        Period::Quarter => "quarter",
        Period::Month | Period::Unspecified => "month",
    }
}

/// The name of a dimension's column; `own` is the period of the rows.
pub(super) fn dimension(dimension: &Divided, own: Period) -> String {
    match dimension {
        Divided::Code(wire::CodeLevel { variable, level: 0 }) => variable.clone(),
        Divided::Code(wire::CodeLevel { variable, level }) => format!("{variable}_level_{level}"),
        Divided::Bands(wire::Bands { variable, .. }) => format!("{variable}_band"),
        Divided::Period(_) => period(own).to_owned(),
        Divided::Date(date) => format!("{}_{}", date.variable, period(date.period())),
    }
}

/// The names of a measure's columns.
pub(super) fn measure(measure: &Told, persons: &str) -> Vec<String> {
    let persons = || persons.to_owned();
    match measure {
        Told::Persons(_) => vec![persons()],
        Told::Events(_) => vec!["events".to_owned()],
        Told::Sum(of) => vec![format!("sum_{of}")],
        Told::Mean(of) => vec![format!("mean_{of}")],
        Told::Variance(of) => vec![format!("variance_{of}")],
        Told::PersonTime(time) => vec![format!("person_time_{}", time.event)],
        Told::Histogram(histogram) => vec![format!("{}_bin", histogram.variable), persons()],
        Told::LifeTable(_) => vec!["step".to_owned(), "left_by".to_owned(), persons()],
    }
}

/// The names of a measure's columns where SQL calls it `alias`.
pub(super) fn aliased(measure: &Told, alias: &str, persons: &str) -> Vec<String> {
    match measure {
        Told::Histogram(_) => vec![format!("{alias}_bin"), format!("{alias}_{persons}")],
        Told::LifeTable(_) => vec![
            format!("{alias}_step"),
            format!("{alias}_left_by"),
            format!("{alias}_{persons}"),
        ],
        _ => vec![alias.to_owned()],
    }
}
