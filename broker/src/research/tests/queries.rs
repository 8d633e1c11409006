//! What the invented registers publish, questions about it, and cells that answer them.

use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use wire::dimension::Dimension as Divided;
use wire::measure::Measure as Told;
use wire::variable::Type;

fn variable(name: &str, of_person: bool, kind: Type) -> wire::Variable {
    wire::Variable {
        name: name.to_owned(),
        label_nb: name.to_owned(),
        label_en: name.to_owned(),
        of_person,
        r#type: Some(kind),
    }
}

fn number(unit: &str, is_integer: bool, clip: (f64, f64), centre: f64) -> Type {
    Type::Number(wire::Number {
        unit: unit.to_owned(),
        is_integer,
        clip_from: Some(clip.0),
        clip_to: Some(clip.1),
        centre,
    })
}

/// The same views at every register.
pub(crate) fn views(register: &str, persons_disjoint: bool) -> Vec<wire::View> {
    let sex = Type::Code(wire::Code {
        system: "sex".to_owned(),
        is_dimension: true,
        ..wire::Code::default()
    });
    let date = || Type::Date(wire::Date {});
    let view = wire::View {
        register_id: register.to_owned(),
        from_month: 540,
        until_month: 576,
        persons_about: 1_000,
        persons_disjoint,
        ..wire::View::default()
    };
    let persons = wire::View {
        name: "persons".to_owned(),
        grain: wire::Grain::Person.into(),
        variables: vec![
            variable("sex", true, sex),
            variable(
                "born_year",
                true,
                number("", true, (1900.0, 2020.0), 1960.0),
            ),
            variable("income", true, number("kr", false, (0.0, 1000.0), 100.0)),
        ],
        ..view.clone()
    };
    let stays = wire::View {
        name: "stays".to_owned(),
        grain: wire::Grain::Event.into(),
        event_date: "admitted".to_owned(),
        variables: vec![
            variable("admitted", false, date()),
            variable("days", false, number("d", true, (0.0, 60.0), 4.0)),
            variable("died", true, date()),
            variable("left", true, date()),
        ],
        ..view
    };
    vec![persons, stays]
}

pub(crate) fn measure(measure: Told) -> wire::Measure {
    wire::Measure {
        measure: Some(measure),
    }
}

pub(crate) fn dimension(dimension: Divided) -> wire::Dimension {
    wire::Dimension {
        dimension: Some(dimension),
    }
}

pub(crate) fn by_sex() -> wire::Dimension {
    dimension(Divided::Code(wire::CodeLevel {
        variable: "sex".to_owned(),
        level: 0,
    }))
}

pub(crate) fn by_age() -> wire::Dimension {
    dimension(Divided::Bands(wire::Bands {
        variable: "born_year".to_owned(),
        begins: vec![1950, 1980],
    }))
}

pub(crate) fn persons() -> wire::Measure {
    measure(Told::Persons(wire::Persons {}))
}

/// A question about persons.
pub(crate) fn asks(dimensions: Vec<wire::Dimension>, measures: Vec<wire::Measure>) -> wire::Query {
    wire::Query {
        view: "persons".to_owned(),
        dimensions,
        measures,
        ..wire::Query::default()
    }
}

pub(crate) fn persons_by_sex() -> wire::Query {
    asks(vec![by_sex()], vec![persons()])
}

/// The first stay of each person, followed until death.
pub(crate) fn life_table() -> wire::Query {
    wire::Query {
        view: "stays".to_owned(),
        rows: Some(wire::Rows {
            pick: wire::Pick::First.into(),
            r#where: None,
        }),
        measures: vec![measure(Told::LifeTable(wire::LifeTable {
            entry: "admitted".to_owned(),
            event: "died".to_owned(),
            exit: "left".to_owned(),
            step: wire::Period::Year.into(),
            steps: 2,
        }))],
        ..wire::Query::default()
    }
}

pub(crate) fn code(text: &str) -> node::Category {
    category(node::category::Category::Code(text.to_owned()))
}

pub(crate) fn band(band: u32) -> node::Category {
    category(node::category::Category::Band(band))
}

pub(crate) fn category(category: node::category::Category) -> node::Category {
    node::Category {
        category: Some(category),
    }
}

pub(crate) fn counted() -> node::measured::Measured {
    node::measured::Measured::Counted(node::Counted {})
}

pub(crate) fn moments(values: u64, sum: f64, squares: Option<f64>) -> node::measured::Measured {
    node::measured::Measured::Moments(node::Moments {
        values,
        sum,
        squares,
    })
}

/// A cell of so many persons with one event each.
pub(crate) fn cell(
    key: Vec<node::Category>,
    persons: u64,
    measures: Vec<node::measured::Measured>,
) -> node::Cell {
    node::Cell {
        key,
        persons,
        events: persons,
        measures: measures
            .into_iter()
            .map(|measured| node::Measured {
                measured: Some(measured),
            })
            .collect(),
    }
}

/// Persons by sex.
pub(crate) fn sexes(women: u64, men: u64) -> Vec<node::Cell> {
    [("K", women), ("M", men)]
        .map(|(sex, persons)| cell(vec![code(sex)], persons, vec![counted()]))
        .into()
}
