//! What is not understood is refused, each with its code.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray, UInt32Array};
use innsyn_proto::wire::research::v1 as wire;
use wire::literal::Literal;
use wire::measure::Measure as M;
use wire::{Expression, Operator, Period, Pick, Query};

use super::world::{
    World, all, any, by_bands, by_code, by_date, by_period, codes, compare, dates, dimension,
    events, events_view, expression, measure, month, not, persons_view, query, rows, whole,
};

fn world() -> World {
    let mut persons = persons_view();
    let mut unbounded = persons.variables[1].clone();
    unbounded.name = "unbounded".to_owned();
    if let Some(wire::variable::Type::Number(number)) = &mut unbounded.r#type {
        number.clip_to = None;
    }
    let mut hidden = persons.variables[0].clone();
    hidden.name = "hidden".to_owned();
    if let Some(wire::variable::Type::Code(code)) = &mut hidden.r#type {
        code.is_dimension = false;
    }
    persons.variables.extend([unbounded, hidden]);
    World::of(3)
        .with(persons, &[], (10, 10))
        .with(events_view("stays"), &[], (10, 10))
}

fn code_of(query: &Query) -> &'static str {
    world()
        .run(query)
        .map_or_else(|error| error.code(), |_| "TAKEN")
}

fn of_persons(population: Expression) -> &'static str {
    code_of(&Query {
        population: Some(population),
        ..query("persons")
    })
}

fn of_events(each: Expression) -> &'static str {
    code_of(&Query {
        rows: rows(Pick::All, Some(each)),
        ..query("stays")
    })
}

fn by(view: &str, dimension: wire::Dimension) -> &'static str {
    code_of(&Query {
        dimensions: vec![dimension],
        ..query(view)
    })
}

fn of(view: &str, one: M) -> &'static str {
    code_of(&Query {
        measures: vec![measure(one)],
        ..query(view)
    })
}

#[test]
fn a_query_that_is_understood_is_taken() {
    assert_eq!(code_of(&query("persons")), "TAKEN");
    assert_eq!(code_of(&query("stays")), "TAKEN");
    let mut asked = query("stays");
    asked.registers = vec!["dar".to_owned(), "kreft".to_owned()];
    assert_eq!(code_of(&asked), "TAKEN");
}

#[test]
fn views_registers_and_rows_are_checked() {
    assert_eq!(code_of(&query("nothing")), "UNKNOWN_VIEW");
    let mut other = query("persons");
    other.registers = vec!["dar".to_owned()];
    assert_eq!(code_of(&other), "NOT_ASKED");
    let mut nothing = query("persons");
    nothing.measures.clear();
    assert_eq!(code_of(&nothing), "EMPTY");
    let picked = |view, pick| {
        code_of(&Query {
            rows: rows(pick, None),
            ..query(view)
        })
    };
    assert_eq!(picked("persons", Pick::All), "NEEDS_EVENTS");
    assert_eq!(picked("stays", Pick::Unspecified), "NOT_CHOSEN");
    let mut unknown = query("stays");
    unknown.rows = Some(wire::Rows {
        r#where: None,
        pick: 9,
    });
    assert_eq!(code_of(&unknown), "NOT_CHOSEN");
}

#[test]
fn periods_are_checked() {
    let of_period = |view, period, dimensions: Vec<wire::Dimension>| {
        code_of(&Query {
            period,
            dimensions,
            ..query(view)
        })
    };
    let year = Period::Year.into();
    assert_eq!(of_period("stays", year, vec![by_period()]), "TAKEN");
    assert_eq!(of_period("stays", year, vec![]), "PERIOD_NOT_DIMENSION");
    assert_eq!(of_period("stays", 0, vec![by_period()]), "NO_PERIOD");
    assert_eq!(of_period("stays", 9, vec![by_period()]), "NOT_CHOSEN");
    assert_eq!(
        of_period("persons", year, vec![by_period()]),
        "NEEDS_EVENTS"
    );
}

#[test]
fn expressions_are_checked() {
    let code = |code: &str| Literal::Code(code.to_owned());
    assert_eq!(
        of_persons(wire::Expression { expression: None }),
        "NOT_CHOSEN"
    );
    assert_eq!(of_persons(all(vec![])), "EMPTY");
    assert_eq!(of_persons(any(vec![])), "EMPTY");
    let deep = (0..40).fold(codes("sex", &["1"], false), |inner, _| not(inner));
    assert_eq!(of_persons(deep), "TOO_DEEP");
    assert_eq!(of_persons(codes("icd", &["1"], false)), "UNKNOWN_VARIABLE");
    assert_eq!(of_persons(codes("born", &["1"], false)), "WRONG_TYPE");
    assert_eq!(of_persons(codes("sex", &[], false)), "EMPTY");
    assert_eq!(of_persons(codes("sex", &[""], true)), "LITERAL");
    assert_eq!(
        of_persons(compare("sex", Operator::Less, code("1"))),
        "OPERATOR"
    );
    assert_eq!(of_persons(whole("sex", Operator::Equal, 1)), "LITERAL");
    assert_eq!(
        of_persons(whole("born", Operator::Unspecified, 1)),
        "NOT_CHOSEN"
    );
    assert_eq!(
        of_persons(whole("born", Operator::Equal, 1 << 53)),
        "LITERAL"
    );
    assert_eq!(of_persons(whole("died", Operator::Equal, 1)), "WRONG_TYPE");
    assert_eq!(
        of_persons(compare("born", Operator::Equal, Literal::Real(1.0))),
        "LITERAL"
    );
    let real = |operator, number| of_persons(compare("weight", operator, Literal::Real(number)));
    assert_eq!(real(Operator::Equal, 1.0), "OPERATOR");
    assert_eq!(real(Operator::Less, f64::NAN), "LITERAL");
    assert_eq!(real(Operator::Less, f64::INFINITY), "LITERAL");
    let no_literal = expression(wire::expression::Expression::Comparison(wire::Comparison {
        variable: "born".to_owned(),
        operator: Operator::Equal.into(),
        literal: None,
    }));
    assert_eq!(of_persons(no_literal), "NOT_CHOSEN");
    assert_eq!(of_persons(dates("died", None, None)), "NO_MONTHS");
    assert_eq!(of_persons(dates("died", Some(3), Some(3))), "NO_MONTHS");
    assert_eq!(of_persons(dates("born", Some(3), None)), "WRONG_TYPE");
}

#[test]
fn events_are_asked_of_persons_only() {
    assert_eq!(of_persons(events("stays", None, 1)), "TAKEN");
    assert_eq!(of_persons(events("stays", None, 0)), "NOUGHT");
    assert_eq!(of_persons(events("persons", None, 1)), "NEEDS_EVENTS");
    assert_eq!(of_persons(events("nothing", None, 1)), "UNKNOWN_VIEW");
    assert_eq!(of_events(events("stays", None, 1)), "EVENTS_OF_EVENT");
    let twice = events("stays", Some(events("stays", None, 1)), 1);
    assert_eq!(of_persons(twice), "EVENTS_OF_EVENT");
    let population = |one| {
        code_of(&Query {
            population: Some(one),
            ..query("stays")
        })
    };
    assert_eq!(population(codes("icd", &["C"], true)), "OF_EVENT");
    assert_eq!(population(codes("region", &["03"], true)), "TAKEN");
    assert_eq!(of_events(codes("icd", &["C"], true)), "TAKEN");
}

#[test]
fn dimensions_are_checked() {
    assert_eq!(
        by("persons", wire::Dimension { dimension: None }),
        "NOT_CHOSEN"
    );
    assert_eq!(by("persons", by_code("hidden", 0)), "NOT_A_DIMENSION");
    assert_eq!(by("persons", by_code("sex", 1)), "UNKNOWN_LEVEL");
    assert_eq!(by("persons", by_code("born", 0)), "WRONG_TYPE");
    assert_eq!(by("persons", by_bands("born", &[])), "EMPTY");
    assert_eq!(by("persons", by_bands("born", &[2, 2])), "NOT_RISING");
    assert_eq!(by("persons", by_bands("sex", &[2])), "WRONG_TYPE");
    assert_eq!(by("persons", by_bands("born", &[i64::MIN])), "LITERAL");
    assert_eq!(by("persons", by_date("born", Period::Year)), "WRONG_TYPE");
    assert_eq!(
        by("persons", by_date("died", Period::Unspecified)),
        "NOT_CHOSEN"
    );
    assert_eq!(by("stays", by_code("icd", 1)), "OF_MANY_EVENTS");
    assert_eq!(by("stays", by_code("region", 1)), "TAKEN");
    let own = dimension(wire::dimension::Dimension::Period(wire::OwnPeriod {}));
    assert_eq!(by("stays", own), "NO_PERIOD");
}

#[test]
fn measures_are_checked() {
    let histogram = |variable: &str, from, width, bins| {
        M::Histogram(wire::Histogram {
            variable: variable.to_owned(),
            from,
            width,
            bins,
        })
    };
    let none = code_of(&Query {
        measures: vec![wire::Measure { measure: None }],
        ..query("persons")
    });
    assert_eq!(none, "NOT_CHOSEN");
    assert_eq!(
        of("persons", M::Events(wire::EventCount {})),
        "NEEDS_EVENTS"
    );
    assert_eq!(
        of("persons", M::Sum("unbounded".to_owned())),
        "NO_CLIP_BOUNDS"
    );
    assert_eq!(of("persons", M::Mean("sex".to_owned())), "WRONG_TYPE");
    assert_eq!(
        of("persons", M::Variance("nothing".to_owned())),
        "UNKNOWN_VARIABLE"
    );
    assert_eq!(of("persons", histogram("born", 0, 0, 1)), "NOUGHT");
    assert_eq!(of("persons", histogram("born", 0, 1, 0)), "NOUGHT");
    assert_eq!(
        of("persons", histogram("born", i64::MAX, 1, 1)),
        "GRID_TOO_LONG"
    );
    assert_eq!(
        of("persons", histogram("born", i64::MIN, 1, 1)),
        "GRID_TOO_LONG"
    );
    assert_eq!(of("stays", histogram("cost", 0, 1, 1)), "OF_MANY_EVENTS");
}

#[test]
fn life_tables_are_checked() {
    let table = |event: &str, step: Period, steps| {
        M::LifeTable(wire::LifeTable {
            entry: "entered".to_owned(),
            event: event.to_owned(),
            exit: "left".to_owned(),
            step: step.into(),
            steps,
        })
    };
    assert_eq!(of("persons", table("died", Period::Year, 3)), "TAKEN");
    assert_eq!(of("persons", table("died", Period::Year, 0)), "NOUGHT");
    assert_eq!(
        of("persons", table("died", Period::Unspecified, 3)),
        "NOT_CHOSEN"
    );
    assert_eq!(of("persons", table("left", Period::Year, 3)), "SAME_DATE");
    assert_eq!(of("persons", table("born", Period::Year, 3)), "WRONG_TYPE");
    let of_periods = code_of(&Query {
        period: Period::Year.into(),
        dimensions: vec![by_period()],
        measures: vec![measure(table("died", Period::Year, 3))],
        ..query("stays")
    });
    assert_eq!(of_periods, "FOLLOWED_BY_PERIODS");
}

#[test]
fn person_time_is_checked() {
    let time = |event: &str| {
        M::PersonTime(wire::PersonTime {
            entry: "entered".to_owned(),
            event: event.to_owned(),
            exit: "left".to_owned(),
        })
    };
    assert_eq!(of("persons", time("died")), "TAKEN");
    assert_eq!(of("persons", time("left")), "SAME_DATE");
    assert_eq!(of("persons", time("born")), "WRONG_TYPE");
    let of_periods = code_of(&Query {
        period: Period::Year.into(),
        dimensions: vec![by_period()],
        measures: vec![measure(time("died"))],
        ..query("stays")
    });
    assert_eq!(of_periods, "FOLLOWED_BY_PERIODS");
}

#[test]
fn a_view_that_is_published_wrongly_is_refused() {
    let code_with = |change: &dyn Fn(&mut wire::View)| {
        let mut view = events_view("stays");
        change(&mut view);
        let mut world = World::of(1).with(events_view("stays"), &[], (10, 10));
        world.snapshot.views[0].description = view;
        world
            .run(&query("stays"))
            .map_or_else(|error| error.code(), |_| "TAKEN")
    };
    assert_eq!(code_with(&|_| {}), "TAKEN");
    assert_eq!(code_with(&|view| view.grain = 0), "BAD_VIEW");
    assert_eq!(code_with(&|view| view.grain = 7), "BAD_VIEW");
    assert_eq!(code_with(&|view| view.event_date.clear()), "BAD_VIEW");
    assert_eq!(
        code_with(&|view| view.event_date = "icd".to_owned()),
        "BAD_VIEW"
    );
    assert_eq!(
        code_with(&|view| view.until_month = month(2000, 1)),
        "BAD_VIEW"
    );
    assert_eq!(
        code_with(&|view| view.from_month = i32::MIN + 1),
        "BAD_VIEW"
    );
    let twice = |view: &mut wire::View| view.variables.extend(view.variables.clone());
    assert_eq!(code_with(&twice), "BAD_VIEW");
}

#[test]
fn a_file_that_is_not_as_published_is_refused() {
    let code_with = |columns: Vec<(&str, ArrayRef)>| {
        let world = World::of(1).with_columns(persons_view(), columns);
        let query = Query {
            dimensions: vec![by_code("sex", 0), by_bands("born", &[1])],
            ..query("persons")
        };
        world
            .run(&query)
            .map_or_else(|error| error.to_string(), |_| "taken".to_owned())
    };
    let persons = || ("person", Arc::new(UInt32Array::from(vec![0])) as ArrayRef);
    let sex = || ("sex", Arc::new(StringArray::from(vec!["1"])) as ArrayRef);
    let born = || ("born", Arc::new(Int64Array::from(vec![1])) as ArrayRef);
    assert_eq!(code_with(vec![persons(), sex(), born()]), "taken");
    let told = "a file of view `persons` has no column `born` of whole numbers; export it so";
    assert_eq!(code_with(vec![persons(), sex()]), told);
    assert_eq!(code_with(vec![persons(), sex(), ("born", sex().1)]), told);
    let told = "a file of view `persons` has no column `person` of whole numbers; export it so";
    assert_eq!(code_with(vec![sex(), born()]), told);
    let told = "a file of view `persons` has no column `sex` of text; export it so";
    assert_eq!(code_with(vec![persons(), ("sex", born().1), born()]), told);

    let world = world();
    std::fs::write(world.snapshot.views[0].files[0].path(), "no Parquet").unwrap();
    let error = world.run(&query("persons")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a file of view `persons` cannot be read; export the view again"
    );
    std::fs::remove_file(world.snapshot.views[0].files[0].path()).unwrap();
    assert_eq!(
        world.run(&query("persons")).unwrap_err().code(),
        "UNREADABLE"
    );
}
