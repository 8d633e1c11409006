//! Conditions on persons and events in words.

use super::{Words, type_of, unit};
use crate::wire::research::v1::{
    CodeMembership, Comparison, DateWindow, Events, Expression, Expressions, Operator, Query, View,
    expression::Expression as Kind, literal::Literal as Value, variable::Type,
};

impl Words<'_> {
    /// A whole expression over a row of `view`; what it joins stands in a line each.
    pub(super) fn conditions(self, expression: &Expression, view: Option<&View>) -> String {
        let (heading, operands) = match &expression.expression {
            Some(Kind::All(operands)) => (self.say("all of this:", "alt dette:"), operands),
            Some(Kind::Any(operands)) => (
                self.say("at least one of these:", "minst ett av dette:"),
                operands,
            ),
            _ => {
                let told = self.condition(expression, view);
                return format!("{} {told}.", self.say("this:", "dette:"));
            }
        };
        let lines = operands
            .of
            .iter()
            .map(|operand| format!("\n- {}", self.condition(operand, view)));
        std::iter::once(heading.to_owned()).chain(lines).collect()
    }

    fn condition(self, expression: &Expression, view: Option<&View>) -> String {
        match &expression.expression {
            None => String::new(),
            Some(Kind::All(operands)) => self.joined(operands, self.say("and", "og"), view),
            Some(Kind::Any(operands)) => self.joined(operands, self.say("or", "eller"), view),
            Some(Kind::Not(operand)) => format!(
                "{} ({})",
                self.say("not", "ikke"),
                self.condition(operand, view)
            ),
            Some(Kind::Comparison(comparison)) => self.comparison(comparison, view),
            Some(Kind::Codes(codes)) => self.codes(codes, view),
            Some(Kind::Dates(dates)) => self.dates(dates, view),
            Some(Kind::Events(events)) => self.of_events(events),
        }
    }

    /// Operands that are themselves joined stand in parentheses.
    fn joined(self, operands: &Expressions, by: &str, view: Option<&View>) -> String {
        let operands: Vec<_> = operands
            .of
            .iter()
            .map(|operand| {
                let told = self.condition(operand, view);
                match operand.expression {
                    Some(Kind::All(_) | Kind::Any(_)) => format!("({told})"),
                    _ => told,
                }
            })
            .collect();
        operands.join(&format!(" {by} "))
    }

    fn comparison(self, comparison: &Comparison, view: Option<&View>) -> String {
        let is = match comparison.operator() {
            Operator::Unspecified => "",
            Operator::Equal => self.say("is", "er"),
            Operator::Less => self.say("is below", "er under"),
            Operator::LessOrEqual => self.say("is at most", "er høyst"),
            Operator::Greater => self.say("is above", "er over"),
            Operator::GreaterOrEqual => self.say("is at least", "er minst"),
        };
        let literal = comparison.literal.as_ref();
        let value = match literal.and_then(|literal| literal.literal.as_ref()) {
            None => String::new(),
            Some(Value::Integer(integer)) => integer.to_string(),
            Some(Value::Real(real)) => self.number(*real),
            Some(Value::Code(code)) => code.clone(),
        };
        let name = &comparison.variable;
        let unit = unit(name, view);
        format!("{} {is} {value}{unit}", self.variable(name, view))
    }

    fn codes(self, membership: &CodeMembership, view: Option<&View>) -> String {
        let name = &membership.variable;
        let system = match type_of(name, view) {
            Some(Type::Code(code)) => format!(" ({})", code.system),
            _ => String::new(),
        };
        let is = match (membership.codes.len(), membership.with_descendants) {
            (1, false) => self.say("is", "er"),
            (1, true) => self.say("is or is below", "er eller er under"),
            (_, false) => self.say("is one of", "er en av"),
            (_, true) => self.say("is or is below one of", "er eller er under en av"),
        };
        // Brackets, because an “and” may follow the last code.
        let codes = match membership.codes.as_slice() {
            [only] => only.clone(),
            codes => format!("[{}]", codes.join(", ")),
        };
        format!("{}{system} {is} {codes}", self.variable(name, view))
    }

    fn dates(self, window: &DateWindow, view: Option<&View>) -> String {
        let from = window.from_month.map(month);
        // The window ends before this month; people name the last one within.
        let last = window
            .until_month
            .map(|until| month(until.saturating_sub(1)));
        let is = match (from, last) {
            (None, None) => String::new(),
            (Some(from), None) => {
                format!("{} {from}", self.say("is in or after", "er i eller etter"))
            }
            (None, Some(last)) => {
                format!("{} {last}", self.say("is in or before", "er i eller før"))
            }
            (Some(from), Some(last)) if from == last => {
                format!("{} {from}", self.say("is in", "er i"))
            }
            (Some(from), Some(last)) => format!(
                "{} {from} {} {last}",
                self.say("is in the months from", "er i månedene fra og med"),
                self.say("through", "til og med")
            ),
        };
        format!("{} {is}", self.variable(&window.variable, view))
    }

    fn of_events(self, events: &Events) -> String {
        let view = self.query.view(&events.view);
        let number = match events.at_least {
            1 => self.say("1 event", "1 hendelse").to_owned(),
            number => format!("{number} {}", self.say("events", "hendelser")),
        };
        let told = format!(
            "{} {number} {} {}",
            self.say("the person has at least", "personen har minst"),
            self.say("in", "i"),
            self.view_name(&events.view, view),
        );
        match &events.r#where {
            None => told,
            Some(condition) => format!(
                "{told} {} ({})",
                self.say("where", "der"),
                self.condition(condition, view)
            ),
        }
    }
}

/// Whether a `not` is told anywhere.
pub(super) fn negates(query: &Query) -> bool {
    let rows = query.rows.as_ref().and_then(|rows| rows.r#where.as_ref());
    query.population.iter().chain(rows).any(expression_negates)
}

fn expression_negates(expression: &Expression) -> bool {
    match &expression.expression {
        Some(Kind::Not(_)) => true,
        Some(Kind::All(operands) | Kind::Any(operands)) => {
            operands.of.iter().any(expression_negates)
        }
        Some(Kind::Events(events)) => events.r#where.as_deref().is_some_and(expression_negates),
        Some(Kind::Comparison(_) | Kind::Codes(_) | Kind::Dates(_)) | None => false,
    }
}

/// A month counted from January 1970, as ISO 8601 writes it: `2015-01`.
fn month(months: i32) -> String {
    let year = 1970 + months.div_euclid(12);
    format!("{year:04}-{:02}", months.rem_euclid(12) + 1)
}
