use innsyn_proto::wire::research::v1 as wire;
use wire::dimension::Dimension as Divided;

use super::*;
use crate::research::merge::Category;

fn by(divided: Divided) -> wire::Dimension {
    wire::Dimension {
        dimension: Some(divided),
    }
}

fn by_code(level: u32) -> wire::Dimension {
    by(Divided::Code(wire::CodeLevel {
        variable: "municipality".to_owned(),
        level,
    }))
}

/// The n-th first events by a code.
fn query(dimensions: Vec<wire::Dimension>) -> wire::Query {
    wire::Query {
        view: "stays".to_owned(),
        rows: Some(wire::Rows {
            pick: wire::Pick::First.into(),
            ..wire::Rows::default()
        }),
        dimensions,
        ..wire::Query::default()
    }
}

fn axes(query: &wire::Query) -> Vec<Axis> {
    let dimensions = query.dimensions.len() + query.measures.len();
    Asked::of(query, &vec![Domain::Open; dimensions]).axes
}

fn axis(query: &wire::Query) -> Axis {
    axes(query).swap_remove(0)
}

#[test]
fn a_dimension_is_known_again_in_another_table() {
    let one = query(vec![by_code(0)]);
    let other = wire::Query {
        dimensions: vec![by_code(1), by_code(0)],
        registers: vec!["nord".to_owned()],
        ..one.clone()
    };
    let (one, others) = (axes(&one), axes(&other));
    assert!(one[0].is_same_as(&others[1]));
    assert!(!one[0].is_same_as(&others[0]));
    // Two levels of one variable.
    assert_eq!(one[0].variable, others[0].variable);
}

#[test]
fn of_other_rows_or_another_view_it_is_another() {
    let first = query(vec![by_code(0)]);
    let last = wire::Query {
        rows: Some(wire::Rows {
            pick: wire::Pick::Last.into(),
            ..wire::Rows::default()
        }),
        ..first.clone()
    };
    assert!(!axis(&first).is_same_as(&axis(&last)));
    assert_eq!(axis(&first).variable, axis(&last).variable);
    let of_others = wire::Query {
        view: "visits".to_owned(),
        ..first.clone()
    };
    assert_ne!(axis(&first).variable, axis(&of_others).variable);

    let of_period = |period: wire::Period| wire::Query {
        period: period.into(),
        ..query(vec![by(Divided::Period(wire::OwnPeriod {}))])
    };
    let (years, months) = (wire::Period::Year, wire::Period::Month);
    let (years, months) = (axis(&of_period(years)), axis(&of_period(months)));
    assert!(!years.is_same_as(&months));
    assert_eq!(years.variable, months.variable);
}

#[test]
fn a_histogram_is_a_dimension_of_its_variable() {
    let bands = query(vec![by(Divided::Bands(wire::Bands {
        variable: "days".to_owned(),
        begins: vec![1, 7],
    }))]);
    let histogram = wire::Measure {
        measure: Some(Measure::Histogram(wire::Histogram {
            variable: "days".to_owned(),
            width: 1,
            bins: 10,
            ..wire::Histogram::default()
        })),
    };
    let bins = wire::Query {
        measures: vec![histogram],
        ..query(vec![by_code(0)])
    };
    let bins = axes(&bins);
    assert_eq!(bins.len(), 2);
    assert_eq!(bins[1].variable, axis(&bands).variable);
    assert!(!bins[1].is_same_as(&axis(&bands)));
}

#[test]
fn what_is_declared_is_kept() {
    let declared = Domain::Closed([Category::Missing].into());
    let asked = Asked::of(&query(vec![by_code(0)]), &[declared]);
    assert_eq!(asked.axes[0].declared, Some([Category::Missing].into()));
    assert_eq!(axis(&query(vec![by_code(0)])).declared, None);
}
