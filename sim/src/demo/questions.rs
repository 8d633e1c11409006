//! Questions worth asking of all registers, for those who look for the first time.

use innsyn_proto::wire::research::v1 as wire;
use wire::dimension::Dimension as Divided;
use wire::measure::Measure as Told;
use wire::{Period, Pick};

/// A question that is ready to be asked.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) norwegian: &'static str,
    pub(super) english: &'static str,
    /// The same in SQL, to begin one's own with.
    pub(super) sql: &'static str,
    query: fn() -> wire::Query,
}

impl Ready {
    /// The question, as the gateway takes it.
    pub(super) fn query(&self) -> wire::Query {
        (self.query)()
    }
}

/// What they are; the first is the one that the demo itself asks.
pub(super) const READY: [Ready; 6] = [
    Ready {
        norwegian: "Hvem blir behandlet for hva? Alle kvalitetsregistre, etter prosedyre og kjønn",
        english: "Who is treated for what? All quality registers, by procedure and sex",
        sql: "SELECT level(procedure, 1), sex, persons()\nFROM treatments\nWHERE first_event()\nGROUP BY 1, 2",
        query: treatments,
    },
    Ready {
        norwegian: "Hvem står i registrene? Alle registre, etter fødselsår og kjønn",
        english: "Who is in the registers? All of them, by year of birth and sex",
        sql: "SELECT band(born_year, 1940, 1960, 1980, 2000), sex, persons()\nFROM persons\nGROUP BY 1, 2",
        query: persons,
    },
    Ready {
        norwegian: "Nye krefttilfeller, år for år",
        english: "New cancers, year by year",
        sql: "SELECT year(diagnosed), persons()\nFROM cancers\nWHERE first_event()\nGROUP BY 1",
        query: cancers,
    },
    Ready {
        norwegian: "Hvor lenge lever man etter en kreftdiagnose? Dødelighetstabell, år for år",
        english: "How long does one live after a cancer diagnosis? A life table, year by year",
        sql: "SELECT life_table(diagnosed, died, emigrated, 'year', 10)\nFROM cancers\nWHERE first_event()",
        query: survival,
    },
    Ready {
        norwegian: "Hvor lenge ligger man på sykehus? Gjennomsnittlig liggetid etter kapittel",
        english: "How long does one stay in hospital? Mean length of stay by chapter",
        sql: "SELECT level(diagnosis, 1), persons(), avg(days)\nFROM stays\nWHERE first_event()\nGROUP BY 1",
        query: stays,
    },
    Ready {
        norwegian: "Brystkreft hos menn: så få at det meste skjules",
        english: "Breast cancer among men: so few that most is hidden",
        sql: "SELECT year(diagnosed), persons()\nFROM cancers\nWHERE first_event() AND site LIKE 'C50%' AND sex = 'M'\nGROUP BY 1",
        query: rare,
    },
];

fn treatments() -> wire::Query {
    of_first_events(
        "treatments",
        vec![code("procedure", 1), code("sex", 0)],
        vec![persons_counted()],
    )
}

fn persons() -> wire::Query {
    wire::Query {
        rows: None,
        ..of_first_events(
            "persons",
            vec![
                Divided::Bands(wire::Bands {
                    variable: "born_year".to_owned(),
                    begins: vec![1940, 1960, 1980, 2000],
                }),
                code("sex", 0),
            ],
            vec![persons_counted()],
        )
    }
}

fn cancers() -> wire::Query {
    of_first_events("cancers", vec![year("diagnosed")], vec![persons_counted()])
}

fn survival() -> wire::Query {
    let table = wire::LifeTable {
        entry: "diagnosed".to_owned(),
        event: "died".to_owned(),
        exit: "emigrated".to_owned(),
        step: Period::Year.into(),
        steps: 10,
    };
    of_first_events("cancers", Vec::new(), vec![Told::LifeTable(table)])
}

fn stays() -> wire::Query {
    of_first_events(
        "stays",
        vec![code("diagnosis", 1)],
        vec![persons_counted(), Told::Mean("days".to_owned())],
    )
}

fn rare() -> wire::Query {
    let mut query = cancers();
    let breast = wire::CodeMembership {
        variable: "site".to_owned(),
        codes: vec!["C50".to_owned()],
        with_descendants: true,
    };
    let man = wire::Comparison {
        variable: "sex".to_owned(),
        operator: wire::Operator::Equal.into(),
        literal: Some(wire::Literal {
            literal: Some(wire::literal::Literal::Code("M".to_owned())),
        }),
    };
    let expression = |expression| wire::Expression {
        expression: Some(expression),
    };
    query.population = Some(expression(wire::expression::Expression::Comparison(man)));
    if let Some(rows) = &mut query.rows {
        rows.r#where = Some(expression(wire::expression::Expression::Codes(breast)));
    }
    query
}

/// One row for each person: the first of the person's events.
fn of_first_events(view: &str, dimensions: Vec<Divided>, measures: Vec<Told>) -> wire::Query {
    let dimension = |dimension| wire::Dimension {
        dimension: Some(dimension),
    };
    let measure = |measure| wire::Measure {
        measure: Some(measure),
    };
    wire::Query {
        view: view.to_owned(),
        rows: Some(wire::Rows {
            r#where: None,
            pick: Pick::First.into(),
        }),
        dimensions: dimensions.into_iter().map(dimension).collect(),
        measures: measures.into_iter().map(measure).collect(),
        ..wire::Query::default()
    }
}

fn code(variable: &str, level: u32) -> Divided {
    Divided::Code(wire::CodeLevel {
        variable: variable.to_owned(),
        level,
    })
}

fn year(variable: &str) -> Divided {
    Divided::Date(wire::DatePeriod {
        variable: variable.to_owned(),
        period: Period::Year.into(),
    })
}

const fn persons_counted() -> Told {
    Told::Persons(wire::Persons {})
}
