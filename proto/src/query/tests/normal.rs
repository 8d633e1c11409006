//! The normal form keeps the meaning, is its own normal form, and forgets how a query was written.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRng;

use super::super::normal;
use super::*;
use crate::wire::research::v1::{
    CodeMembership, Comparison, DateWindow, Events, Expression, Expressions, Literal, Operator,
    expression::Expression as Kind, literal::Literal as Value,
};

const CODES: [&str; 6] = ["C", "C5", "C50", "C51", "D", "D5"];

/// Values of one person, or of one event; what is not here is missing.
#[derive(Debug, Clone, Default)]
struct Row {
    code: Option<&'static str>,
    number: Option<i8>,
    month: Option<i32>,
    events: Vec<Row>,
}

/// The plainest meaning of an expression, as `query.proto` tells it.
fn holds(expression: &Expression, row: &Row) -> bool {
    match expression.expression.as_ref().unwrap() {
        Kind::All(of) => of.of.iter().all(|operand| holds(operand, row)),
        Kind::Any(of) => of.of.iter().any(|operand| holds(operand, row)),
        Kind::Not(operand) => !holds(operand, row),
        Kind::Comparison(comparison) => compared(comparison, row),
        Kind::Codes(codes) => row.code.is_some_and(|code| {
            codes.codes.iter().any(|other| {
                code == other || (codes.with_descendants && code.starts_with(other.as_str()))
            })
        }),
        Kind::Dates(dates) => row.month.is_some_and(|month| {
            dates.from_month.is_none_or(|from| from <= month)
                && dates.until_month.is_none_or(|until| month < until)
        }),
        Kind::Events(events) => {
            let counts = |event: &&Row| {
                let condition = events.r#where.as_deref();
                condition.is_none_or(|condition| holds(condition, event))
            };
            let number = row.events.iter().filter(counts).count();
            u32::try_from(number).unwrap() >= events.at_least
        }
    }
}

fn compared(comparison: &Comparison, row: &Row) -> bool {
    let literal = comparison.literal.as_ref().unwrap();
    let order = match literal.literal.as_ref().unwrap() {
        Value::Code(code) => return row.code == Some(code),
        Value::Integer(integer) => row.number.map(|number| i64::from(number).cmp(integer)),
        Value::Real(real) => row.number.map(|n| f64::from(n).partial_cmp(real).unwrap()),
    };
    order.is_some_and(|order| match comparison.operator() {
        Operator::Unspecified => unreachable!("never drawn"),
        Operator::Equal => order.is_eq(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
    })
}

fn of_kind(kind: Kind) -> Expression {
    Expression {
        expression: Some(kind),
    }
}

fn rows() -> impl Strategy<Value = Row> {
    let row = (
        proptest::option::of(proptest::sample::select(&CODES)),
        proptest::option::of(-2..3_i8),
        proptest::option::of(0..5),
    )
        .prop_map(|(code, number, month)| Row {
            code,
            number,
            month,
            events: Vec::new(),
        });
    (row.clone(), proptest::collection::vec(row, 0..4))
        .prop_map(|(row, events)| Row { events, ..row })
}

fn leaves() -> impl Strategy<Value = Expression> {
    let comparison = |literal: Value, operator: Operator| {
        of_kind(Kind::Comparison(Comparison {
            variable: "x".to_owned(),
            operator: operator.into(),
            literal: Some(Literal {
                literal: Some(literal),
            }),
        }))
    };
    let operator = proptest::sample::select(vec![
        Operator::Equal,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
    ]);
    let code = proptest::sample::select(&CODES).prop_map(str::to_owned);
    prop_oneof![
        (-2..3_i64, operator.clone()).prop_map(move |(i, o)| comparison(Value::Integer(i), o)),
        (proptest::sample::select(vec![-0.0, 0.0, 1.5]), operator)
            .prop_map(move |(r, o)| comparison(Value::Real(r), o)),
        code.clone()
            .prop_map(move |c| comparison(Value::Code(c), Operator::Equal)),
        (proptest::collection::vec(code, 1..4), any::<bool>()).prop_map(|(codes, descend)| {
            of_kind(Kind::Codes(CodeMembership {
                variable: "x".to_owned(),
                codes,
                with_descendants: descend,
            }))
        }),
        (proptest::option::of(0..3), 3..5).prop_map(|(from_month, until)| {
            of_kind(Kind::Dates(DateWindow {
                variable: "x".to_owned(),
                from_month,
                until_month: Some(until),
            }))
        }),
    ]
}

/// Expressions over `leaf`.
fn joined(leaf: impl Strategy<Value = Expression> + 'static) -> BoxedStrategy<Expression> {
    leaf.prop_recursive(4, 24, 4, |inner| {
        let of = proptest::collection::vec(inner.clone(), 1..4).prop_map(|of| Expressions { of });
        prop_oneof![
            of.clone().prop_map(|of| of_kind(Kind::All(of))),
            of.prop_map(|of| of_kind(Kind::Any(of))),
            inner.prop_map(|operand| of_kind(Kind::Not(Box::new(operand)))),
        ]
    })
    .boxed()
}

fn expressions() -> BoxedStrategy<Expression> {
    let events = (proptest::option::of(joined(leaves())), 1..3_u32).prop_map(|(of, at_least)| {
        of_kind(Kind::Events(Box::new(Events {
            view: "v".to_owned(),
            r#where: of.map(Box::new),
            at_least,
        })))
    });
    joined(prop_oneof![4 => leaves(), 1 => events])
}

/// Says the same in other words.
fn reworded(expression: Expression, rng: &mut TestRng) -> Expression {
    let kind = match expression.expression.unwrap() {
        Kind::All(of) => reworded_operands(of.of, true, rng),
        Kind::Any(of) => reworded_operands(of.of, false, rng),
        Kind::Not(operand) => Kind::Not(Box::new(reworded(*operand, rng))),
        Kind::Events(events) => Kind::Events(Box::new(Events {
            r#where: events.r#where.map(|of| Box::new(reworded(*of, rng))),
            ..*events
        })),
        Kind::Codes(codes) => reworded_codes(codes, rng),
        leaf => leaf,
    };
    let kind = of_kind(kind);
    match rng.random_range(0..8) {
        0 => of_kind(Kind::Not(Box::new(of_kind(Kind::Not(Box::new(kind)))))),
        1 => of_kind(Kind::All(Expressions { of: vec![kind] })),
        2 => of_kind(Kind::Any(Expressions {
            of: vec![kind.clone(), kind],
        })),
        _ => kind,
    }
}

/// Shuffles operands, doubles one, puts some in a junction of their own, or uses De Morgan's law.
fn reworded_operands(of: Vec<Expression>, all: bool, rng: &mut TestRng) -> Kind {
    let junction = |of: Vec<Expression>, all: bool| {
        let of = Expressions { of };
        if all { Kind::All(of) } else { Kind::Any(of) }
    };
    let mut shuffled: Vec<Expression> = Vec::new();
    for operand in of {
        let operand = reworded(operand, rng);
        for _ in 0..rng.random_range(1..3) {
            let place = rng.random_range(0..=shuffled.len());
            shuffled.insert(place, operand.clone());
        }
    }
    match rng.random_range(0..3) {
        0 => {
            let own = shuffled.split_off(rng.random_range(0..shuffled.len()));
            shuffled.push(of_kind(junction(own, all)));
            junction(shuffled, all)
        }
        1 => {
            let negated = shuffled
                .into_iter()
                .map(|operand| of_kind(Kind::Not(Box::new(operand))))
                .collect();
            Kind::Not(Box::new(of_kind(junction(negated, !all))))
        }
        _ => junction(shuffled, all),
    }
}

/// Reverses codes, doubles them, adds some that are below, or writes one as a comparison.
fn reworded_codes(mut codes: CodeMembership, rng: &mut TestRng) -> Kind {
    if codes.codes.len() == 1 && !codes.with_descendants {
        return Kind::Comparison(Comparison {
            variable: codes.variable,
            operator: Operator::Equal.into(),
            literal: Some(Literal {
                literal: codes.codes.pop().map(Value::Code),
            }),
        });
    }
    if codes.with_descendants && rng.random() {
        let below = format!("{}9", codes.codes[0]);
        codes.codes.push(below);
    }
    codes.codes.reverse();
    codes.codes.extend(codes.codes.clone());
    Kind::Codes(codes)
}

/// Whether every rule of the form holds of `expression`, seen from outside.
fn is_normal(expression: &Expression) -> bool {
    match expression.expression.as_ref().unwrap() {
        Kind::All(of) | Kind::Any(of) => {
            let same = std::mem::discriminant(expression.expression.as_ref().unwrap());
            of.of.len() > 1
                && of.of.is_sorted_by_key(Expression::encode_to_vec)
                && of.of.windows(2).all(|pair| pair[0] != pair[1])
                && of.of.iter().all(|operand| {
                    std::mem::discriminant(operand.expression.as_ref().unwrap()) != same
                        && is_normal(operand)
                })
        }
        Kind::Not(operand) => {
            let kind = operand.expression.as_ref().unwrap();
            !matches!(kind, Kind::All(_) | Kind::Any(_) | Kind::Not(_)) && is_normal(operand)
        }
        Kind::Events(events) => events.r#where.as_deref().is_none_or(is_normal),
        Kind::Codes(codes) => codes.codes.is_sorted_by(|one, next| one < next),
        Kind::Comparison(comparison) => !matches!(
            comparison.literal.as_ref().unwrap().literal,
            Some(Value::Code(_))
        ),
        Kind::Dates(_) => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_normal_form_is_true_of_the_same_persons(
        expression in expressions(),
        persons in proptest::collection::vec(rows(), 8),
    ) {
        let normal = normal::expression(expression.clone());
        for person in &persons {
            prop_assert_eq!(holds(&normal, person), holds(&expression, person));
        }
    }

    #[test]
    fn a_normal_form_is_its_own_and_keeps_every_rule(expression in expressions()) {
        let normal = normal::expression(expression);
        prop_assert!(is_normal(&normal), "{:?}", normal);
        prop_assert_eq!(normal::expression(normal.clone()), normal);
    }

    #[test]
    fn other_words_for_the_same_have_the_same_normal_form(
        (expression, reworded) in expressions().prop_perturb(|expression, mut rng| {
            (expression.clone(), reworded(expression, &mut rng))
        }),
    ) {
        prop_assert_eq!(normal::expression(reworded), normal::expression(expression));
    }
}

#[test]
fn a_negated_comparison_is_not_turned_round() {
    let not_below: Expression = read(
        "Expression",
        "not { comparison { variable: 'x' operator: OPERATOR_LESS literal { integer: 0 } } }",
    );
    assert_eq!(normal::expression(not_below.clone()), not_below);
    assert!(holds(&not_below, &Row::default()));
}

#[test]
fn columns_keep_their_order_and_registers_do_not() {
    let name = |more: &str| checked(&counting("stays", more)).name();
    let by = |one: &str, other: &str| {
        name(&format!(
            "dimensions {{ code {{ variable: '{one}' }} }} \
             dimensions {{ bands {{ variable: '{other}' begins: 1950 }} }}"
        ))
    };
    assert_ne!(
        by("sex", "birth_year"),
        name(
            "dimensions { bands { variable: 'birth_year' begins: 1950 } } \
             dimensions { code { variable: 'sex' } }"
        )
    );
    assert_ne!(
        name("measures { events {} } measures { sum: 'days' }"),
        name("measures { sum: 'days' } measures { events {} }")
    );
    assert_eq!(
        name("registers: 'nord' registers: 'vest'"),
        name("registers: 'vest' registers: 'nord'")
    );
    // Who publishes may change; who was named does not.
    assert_ne!(name("registers: 'nord' registers: 'vest'"), name(""));
}

#[test]
fn every_field_has_a_part_in_the_name_and_in_the_words() {
    let queries = [
        "",
        "registers: 'nord'",
        "population { codes { variable: 'sex' codes: 'K' } }",
        "population { codes { variable: 'sex' codes: 'K' with_descendants: true } }",
        "population { not { codes { variable: 'sex' codes: 'K' } } }",
        "population { events { view: 'stays' at_least: 1 } }",
        "population { events { view: 'stays' at_least: 2 } }",
        "population { dates { variable: 'died' from_month: 0 } }",
        "population { dates { variable: 'died' until_month: 0 } }",
        "rows { pick: PICK_FIRST }",
        "rows { pick: PICK_LAST }",
        "rows { pick: PICK_ALL where { codes { variable: 'sex' codes: 'K' } } }",
        "period: PERIOD_YEAR dimensions { period {} }",
        "period: PERIOD_MONTH dimensions { period {} }",
        "measures { events {} }",
        "measures { sum: 'days' }",
        "measures { mean: 'days' }",
        "measures { variance: 'days' }",
    ];
    let (mut seen, mut told) = (BTreeMap::new(), BTreeMap::new());
    for text in queries {
        let query = checked(&counting("stays", text));
        if let Some(other) = seen.insert(query.name(), text) {
            panic!("{text} has the name of {other}");
        }
        for language in [Language::English, Language::Bokmal] {
            if let Some(other) = told.insert(query.words(language), text) {
                panic!("{text} is told as {other}");
            }
        }
    }
    // What says nothing has no part in it.
    let all = checked(&counting("stays", "rows { pick: PICK_ALL }")).name();
    assert_eq!(seen.get(&all), Some(&""));
}
