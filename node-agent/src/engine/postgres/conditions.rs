//! Predicates as conditions that are true or false, never unknown.

use super::super::plan::{Asked, Reading};
use super::super::predicate::{Bounds, Predicate};
use super::{Parameter, Writer, quoted};

impl Writer<'_> {
    /// The persons who have the other events asked: one step for each.
    pub(super) fn asked(&mut self, asked: &[Asked<'_>]) -> Vec<String> {
        let steps = asked.iter().enumerate().map(|(at, asked)| {
            let relation = self.relation(&asked.reading.view.name);
            let person = quoted(&asked.reading.stored.person_column);
            let counts = self.counts(&asked.filter, &asked.reading);
            let at_least = self.bind(Parameter::Whole(asked.at_least.into()));
            format!(
                "a{at} AS (SELECT {person} AS person FROM {relation} WHERE {counts} \
                 GROUP BY 1 HAVING count(*) >= {at_least})"
            )
        });
        steps.collect()
    }

    /// Whether a row counts: `filter` is true of it, and an event is of a month that is covered.
    pub(super) fn counts(&mut self, filter: &Predicate, reading: &Reading<'_>) -> String {
        let filter = self.condition(filter, reading);
        match &reading.covered {
            None => filter,
            Some((column, days)) => {
                let covered = Predicate::Days {
                    column: *column,
                    days: days.clone(),
                };
                format!("{} AND {filter}", self.condition(&covered, reading))
            }
        }
    }

    fn condition(&mut self, predicate: &Predicate, reading: &Reading<'_>) -> String {
        match predicate {
            Predicate::All(inner) => self.joined(inner, reading, " AND ", "TRUE"),
            Predicate::Any(inner) => self.joined(inner, reading, " OR ", "FALSE"),
            Predicate::Not(inner) => format!("NOT {}", self.condition(inner, reading)),
            Predicate::Number { column, bounds } => {
                let (operator, literal) = match *bounds {
                    Bounds::Equal(literal) => ("=", literal),
                    Bounds::Less(literal) => ("<", literal),
                    Bounds::LessOrEqual(literal) => ("<=", literal),
                    Bounds::Greater(literal) => (">", literal),
                    Bounds::GreaterOrEqual(literal) => (">=", literal),
                };
                let literal = self.bind(Parameter::Number(literal));
                known(&format!("{} {operator} {literal}", name(reading, *column)))
            }
            Predicate::Codes { column, codes } => {
                let column = name(reading, *column);
                let list = self.bind(Parameter::Texts(codes.codes().to_vec()));
                known(&if codes.with_descendants() {
                    // Names that no variable has.
                    format!(
                        "(SELECT bool_or(starts_with({column}, \"Code\")) \
                         FROM unnest({list}) AS \"List\" (\"Code\"))"
                    )
                } else {
                    format!("{column} = ANY ({list})")
                })
            }
            Predicate::Days { column, days } => {
                let first = self.bind(Parameter::Small(*days.start()));
                let last = self.bind(Parameter::Small(*days.end()));
                known(&format!(
                    "{} BETWEEN {first} AND {last}",
                    name(reading, *column)
                ))
            }
            Predicate::Asked(at) => {
                let person = quoted(&reading.stored.person_column);
                format!("({person} IN (SELECT person FROM a{at}))")
            }
        }
    }

    fn joined(
        &mut self,
        inner: &[Predicate],
        reading: &Reading<'_>,
        by: &str,
        of_none: &str,
    ) -> String {
        if inner.is_empty() {
            return of_none.to_owned();
        }
        let inner = inner.iter().map(|one| self.condition(one, reading));
        format!("({})", inner.collect::<Vec<_>>().join(by))
    }
}

/// About a missing value every leaf is false.
fn known(leaf: &str) -> String {
    format!("coalesce({leaf}, FALSE)")
}

/// Column `at` of `reading`.
pub(super) fn name(reading: &Reading<'_>, at: usize) -> String {
    quoted(reading.columns.get(at).map_or("", |column| column.name))
}
