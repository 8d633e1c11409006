//! Writes a query as SQL, and draws queries that can be written so.
//!
//! A writer of its own: it shares no code with what it tests.

use std::fmt::Write as _;

use innsyn_proto::wire::research::v1::{
    Bands, CodeLevel, CodeMembership, Comparison, DateWindow, Dimension, Events, Expression,
    Expressions, Histogram, LifeTable, Literal, Measure, Operator, Period, PersonTime, Pick,
    dimension::Dimension as Divided, expression::Expression as Kind, literal::Literal as Value,
    measure::Measure as Told,
};

use super::*;

/// `query` as one statement.
pub(super) fn written(query: &Query) -> String {
    let dimensions: Vec<_> = query
        .dimensions
        .iter()
        .map(|d| dimension(d, query))
        .collect();
    let measures = query.measures.iter().map(measure);
    let list: Vec<_> = dimensions
        .iter()
        .cloned()
        .chain(measures)
        .enumerate()
        .map(|(index, item)| format!("{item} AS c{index}"))
        .collect();
    let rows = query.rows.as_ref();
    let mut conditions: Vec<String> = Vec::new();
    let parts = [
        &query.population,
        &rows.and_then(|rows| rows.r#where.clone()),
    ];
    conditions.extend(
        parts
            .into_iter()
            .flatten()
            .map(|of| expression(of, "counted")),
    );
    match rows.map(innsyn_proto::wire::research::v1::Rows::pick) {
        Some(Pick::First) => conditions.push("first_event()".to_owned()),
        Some(Pick::Last) => conditions.push("last_event()".to_owned()),
        _ => {}
    }
    if !query.registers.is_empty() {
        let registers: Vec<_> = query.registers.iter().map(|id| format!("'{id}'")).collect();
        conditions.push(format!("_register IN ({})", registers.join(", ")));
    }
    let mut sql = format!("SELECT {} FROM \"{}\" counted", list.join(", "), query.view);
    if !conditions.is_empty() {
        write!(sql, " WHERE {}", conditions.join(" AND ")).unwrap();
    }
    if !dimensions.is_empty() {
        write!(sql, " GROUP BY {}", dimensions.join(", ")).unwrap();
    }
    sql
}

fn expression(of: &Expression, outer: &str) -> String {
    let joined = |of: &Expressions, word: &str| {
        let operands: Vec<_> = of.of.iter().map(|of| expression(of, outer)).collect();
        format!("({})", operands.join(word))
    };
    match of.expression.as_ref().unwrap() {
        Kind::All(of) => joined(of, " AND "),
        Kind::Any(of) => joined(of, " OR "),
        Kind::Not(of) => format!("({} IS NOT TRUE)", expression(of, outer)),
        Kind::Comparison(Comparison {
            variable,
            operator,
            literal,
        }) => {
            let operator = match Operator::try_from(*operator).unwrap() {
                Operator::Unspecified => unreachable!("never drawn"),
                Operator::Equal => "=",
                Operator::Less => "<",
                Operator::LessOrEqual => "<=",
                Operator::Greater => ">",
                Operator::GreaterOrEqual => ">=",
            };
            let literal = match literal.as_ref().unwrap().literal.as_ref().unwrap() {
                Value::Integer(integer) => integer.to_string(),
                Value::Real(real) => real.to_string(),
                Value::Code(code) => format!("'{code}'"),
            };
            format!("{variable} {operator} {literal}")
        }
        Kind::Codes(codes) => {
            let (word, after) = if codes.with_descendants {
                ("LIKE ANY", "%")
            } else {
                ("IN", "")
            };
            let listed: Vec<_> = codes
                .codes
                .iter()
                .map(|code| format!("'{code}{after}'"))
                .collect();
            format!("{} {word} ({})", codes.variable, listed.join(", "))
        }
        Kind::Dates(window) => {
            let ends = [(">=", window.from_month), ("<", window.until_month)];
            let ends: Vec<_> = ends
                .into_iter()
                .filter_map(|(operator, month)| {
                    let month = month?;
                    let (year, month) = (1970 + month.div_euclid(12), 1 + month.rem_euclid(12));
                    let day = format!("DATE '{year}-{month:02}-01'");
                    Some(format!("{} {operator} {day}", window.variable))
                })
                .collect();
            format!("({})", ends.join(" AND "))
        }
        Kind::Events(events) => {
            let inner = if outer == "counted" { "other" } else { "third" };
            let mut sql = format!(
                "(SELECT COUNT(*) FROM {} {inner} WHERE {inner}.person = {outer}.person",
                events.view
            );
            if let Some(of) = &events.r#where {
                write!(sql, " AND {}", expression(of, inner)).unwrap();
            }
            format!("({sql}) >= {})", events.at_least)
        }
    }
}

fn dimension(dimension: &Dimension, query: &Query) -> String {
    let word = |period: Period| match period {
        Period::Year => "year",
        Period::Quarter => "quarter",
        Period::Month => "month",
        Period::Unspecified => unreachable!("never drawn"),
    };
    match dimension.dimension.as_ref().unwrap() {
        Divided::Code(CodeLevel { variable, level: 0 }) => variable.clone(),
        Divided::Code(CodeLevel { variable, level }) => format!("level({variable}, {level})"),
        Divided::Bands(Bands { variable, begins }) => {
            let begins: Vec<_> = begins.iter().map(|begin| format!(", {begin}")).collect();
            format!("band({variable}{})", begins.concat())
        }
        Divided::Period(_) => format!("period('{}')", word(query.period())),
        Divided::Date(date) => {
            format!("DATE_TRUNC('{}', {})", word(date.period()), date.variable)
        }
    }
}

fn measure(measure: &Measure) -> String {
    match measure.measure.as_ref().unwrap() {
        Told::Persons(_) => "COUNT(DISTINCT person)".to_owned(),
        Told::Events(_) => "events()".to_owned(),
        Told::Sum(of) => format!("SUM({of})"),
        Told::Mean(of) => format!("AVG({of})"),
        Told::Variance(of) => format!("VAR_SAMP({of})"),
        Told::Histogram(Histogram {
            variable,
            from,
            width,
            bins,
        }) => format!("histogram({variable}, {from}, {width}, {bins})"),
        Told::PersonTime(PersonTime { entry, event, exit }) => {
            format!("person_time({entry}, {event}, {exit})")
        }
        Told::LifeTable(table) => {
            let LifeTable {
                entry, event, exit, ..
            } = table;
            let step = match table.step() {
                Period::Year => "year",
                Period::Quarter => "quarter",
                _ => "month",
            };
            format!(
                "life_table({entry}, {event}, {exit}, '{step}', {})",
                table.steps
            )
        }
    }
}

/// Draws conditions over columns that all views of the example have, or that events have.
pub(super) mod drawn {
    use proptest::prelude::*;

    use super::*;

    const fn of_kind(kind: Kind) -> Expression {
        Expression {
            expression: Some(kind),
        }
    }

    fn compared(variable: &str, operator: Operator, value: Value) -> Expression {
        of_kind(Kind::Comparison(Comparison {
            variable: variable.to_owned(),
            operator: operator.into(),
            literal: Some(Literal {
                literal: Some(value),
            }),
        }))
    }

    fn codes(variable: &'static str, drawn: &'static [&'static str]) -> BoxedStrategy<Expression> {
        let codes = proptest::sample::subsequence(drawn, 1..=drawn.len());
        (codes, any::<bool>())
            .prop_map(move |(codes, with_descendants)| {
                of_kind(Kind::Codes(CodeMembership {
                    variable: variable.to_owned(),
                    codes: codes.into_iter().map(str::to_owned).collect(),
                    with_descendants,
                }))
            })
            .boxed()
    }

    fn dates(variable: &'static str) -> BoxedStrategy<Expression> {
        let ends = prop_oneof![
            (-600..600_i32, 1..60_i32).prop_map(|(from, long)| (Some(from), Some(from + long))),
            (-600..600_i32).prop_map(|from| (Some(from), None)),
            (-600..600_i32).prop_map(|until| (None, Some(until))),
        ];
        ends.prop_map(move |(from_month, until_month)| {
            of_kind(Kind::Dates(DateWindow {
                variable: variable.to_owned(),
                from_month,
                until_month,
            }))
        })
        .boxed()
    }

    fn whole() -> impl Strategy<Value = Operator> {
        proptest::sample::select(vec![
            Operator::Equal,
            Operator::Less,
            Operator::LessOrEqual,
            Operator::Greater,
            Operator::GreaterOrEqual,
        ])
    }

    /// Of a person, in every view that has persons' columns.
    fn of_person() -> BoxedStrategy<Expression> {
        prop_oneof![
            codes("sex", &["K", "M"]).prop_filter("no level", |of| !descends(of)),
            (whole(), any::<i64>()).prop_map(|(operator, year)| compared(
                "birth_year",
                operator,
                Value::Integer(year)
            )),
            dates("died"),
        ]
        .boxed()
    }

    fn descends(of: &Expression) -> bool {
        matches!(&of.expression, Some(Kind::Codes(codes)) if codes.with_descendants)
    }

    /// Of an event of `stays`.
    fn of_event() -> BoxedStrategy<Expression> {
        let real = prop_oneof![-1e6..1e6_f64, proptest::num::f64::NORMAL];
        prop_oneof![
            codes("diagnosis", &["C", "I", "C50", "I21", "I219"]),
            dates("admitted"),
            (whole(), real).prop_map(|(operator, real)| {
                let operator = match operator {
                    Operator::Equal => Operator::Less,
                    other => other,
                };
                compared("cost", operator, Value::Real(real))
            }),
        ]
        .boxed()
    }

    fn joined(leaf: BoxedStrategy<Expression>) -> BoxedStrategy<Expression> {
        leaf.prop_recursive(3, 6, 3, |inner| {
            let of =
                proptest::collection::vec(inner.clone(), 2..4).prop_map(|of| Expressions { of });
            prop_oneof![
                of.clone().prop_map(|of| of_kind(Kind::All(of))),
                of.prop_map(|of| of_kind(Kind::Any(of))),
                inner.prop_map(|of| of_kind(Kind::Not(Box::new(of)))),
            ]
        })
        .boxed()
    }

    fn events() -> BoxedStrategy<Expression> {
        let of = proptest::option::of(joined(of_event()));
        (of, 1..4_u32)
            .prop_map(|(of, at_least)| {
                of_kind(Kind::Events(Box::new(Events {
                    view: "stays".to_owned(),
                    r#where: of.map(Box::new),
                    at_least,
                })))
            })
            .boxed()
    }

    pub(in super::super) fn population() -> BoxedStrategy<Option<Expression>> {
        let leaf = prop_oneof![3 => of_person(), 1 => events()].boxed();
        proptest::option::of(joined(leaf)).boxed()
    }

    pub(in super::super) fn of_events() -> BoxedStrategy<Option<Expression>> {
        proptest::option::of(joined(of_event())).boxed()
    }

    fn divided(divided: Divided) -> Dimension {
        Dimension {
            dimension: Some(divided),
        }
    }

    pub(in super::super) fn of_persons() -> Vec<Dimension> {
        let code = |variable: &str, level| {
            divided(Divided::Code(CodeLevel {
                variable: variable.to_owned(),
                level,
            }))
        };
        let bands = |begins: &[i64]| {
            divided(Divided::Bands(Bands {
                variable: "birth_year".to_owned(),
                begins: begins.to_vec(),
            }))
        };
        let date = |period: Period| {
            divided(Divided::Date(
                innsyn_proto::wire::research::v1::DatePeriod {
                    variable: "died".to_owned(),
                    period: period.into(),
                },
            ))
        };
        vec![
            code("sex", 0),
            bands(&[1950]),
            bands(&[-5, 0, 5]),
            date(Period::Year),
            date(Period::Month),
        ]
    }

    /// Dimensions of the one event that makes the row.
    pub(in super::super) fn of_one_event() -> Vec<Dimension> {
        let code = |level| {
            divided(Divided::Code(CodeLevel {
                variable: "diagnosis".to_owned(),
                level,
            }))
        };
        vec![
            code(0),
            code(1),
            code(2),
            divided(Divided::Date(
                innsyn_proto::wire::research::v1::DatePeriod {
                    variable: "admitted".to_owned(),
                    period: Period::Quarter.into(),
                },
            )),
        ]
    }
}
