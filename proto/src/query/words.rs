//! A query told in plain words, for the steward who must approve it and for the ledger.
//!
//! Everything that the query says is told, and nothing else: names come from the catalogue,
//! literals from the query, and a code can hold nothing that reads like words. The words are
//! not a form of the query; its name is taken of the encoding alone.

mod condition;
mod table;

use super::CheckedQuery;
use crate::wire::research::v1::{Grain, Pick, Query, Rows, Variable, View, variable::Type};

/// The languages that queries are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Norwegian, bokmål.
    Bokmal,
}

/// Tells `query` in a few lines.
pub(super) fn tell(query: &CheckedQuery, language: Language) -> String {
    let words = Words { query, language };
    let normal = query.normal();
    let view = query.view(&normal.view);
    let mut lines = vec![
        words.counted(normal, view),
        words.persons(normal, view),
        words.events(normal, view),
        words.rows(normal),
        words.divided(normal, view),
        words.told(normal, view),
    ];
    if condition::negates(normal) {
        lines.push(words.of_missing_values());
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// A query being told in one language.
#[derive(Clone, Copy)]
struct Words<'a> {
    query: &'a CheckedQuery,
    language: Language,
}

impl Words<'_> {
    /// The word, phrase or label of the language.
    const fn say<'a>(self, english: &'a str, bokmal: &'a str) -> &'a str {
        match self.language {
            Language::English => english,
            Language::Bokmal => bokmal,
        }
    }

    fn counted(self, query: &Query, view: Option<&View>) -> String {
        let registers = if query.registers.is_empty() {
            self.say(
                "every register that publishes it",
                "alle registre som publiserer den",
            )
            .to_owned()
        } else {
            self.list(&query.registers)
        };
        format!(
            "Data: {}, {} {registers}.",
            self.view_name(&query.view, view),
            self.say("from", "fra"),
        )
    }

    fn persons(self, query: &Query, view: Option<&View>) -> String {
        let allowed = self.say(
            "Persons: all whose data may be used",
            "Personer: alle hvis opplysninger kan brukes",
        );
        match &query.population {
            None => format!("{allowed}."),
            Some(population) => format!(
                "{allowed}, {} {}",
                self.say("and who meet", "og som oppfyller"),
                self.conditions(population, view)
            ),
        }
    }

    /// Empty for a view of persons, which has no events to tell of.
    fn events(self, query: &Query, view: Option<&View>) -> String {
        if view.map(View::grain) != Some(Grain::Event) {
            return String::new();
        }
        match query.rows.as_ref().and_then(|rows| rows.r#where.as_ref()) {
            None => self.say("Events: all.", "Hendelser: alle.").to_owned(),
            Some(condition) => format!(
                "{} {}",
                self.say("Events: those that meet", "Hendelser: de som oppfyller"),
                self.conditions(condition, view)
            ),
        }
    }

    fn rows(self, query: &Query) -> String {
        let pick = query.rows.as_ref().map_or(Pick::All, Rows::pick);
        let made = match pick {
            Pick::All | Pick::Unspecified => "",
            Pick::First => self.say(
                ", made of the first such event",
                ", laget av den første slike hendelsen",
            ),
            Pick::Last => self.say(
                ", made of the last such event",
                ", laget av den siste slike hendelsen",
            ),
        };
        let period = match self.period(query.period) {
            "" => String::new(),
            period => format!(" {} {period}", self.say("and", "og")),
        };
        format!(
            "{} person{period}{made}.",
            self.say("Rows: one per", "Rader: én per"),
        )
    }

    fn of_missing_values(self) -> String {
        self.say(
            "A value that is missing meets no condition, and so it meets every “not”.",
            "En verdi som mangler, oppfyller ingen betingelse, og dermed hver «ikke».",
        )
        .to_owned()
    }

    /// The view's label, and its name, which is what the catalogue is searched for.
    fn view_name(self, name: &str, view: Option<&View>) -> String {
        let label = view.map_or("", |view| self.say(&view.label_en, &view.label_nb));
        if label.is_empty() {
            name.to_owned()
        } else {
            format!("{label} ({name})")
        }
    }

    /// The variable's label, or its name if it has none.
    fn variable(self, name: &str, view: Option<&View>) -> String {
        let label = of_view(name, view).map_or("", |variable| {
            self.say(&variable.label_en, &variable.label_nb)
        });
        if label.is_empty() { name } else { label }.to_owned()
    }

    /// A number as the language writes it.
    fn number(self, number: f64) -> String {
        match self.language {
            Language::English => number.to_string(),
            Language::Bokmal => number.to_string().replace('.', ","),
        }
    }

    /// `a, b and c`.
    fn list(self, parts: &[String]) -> String {
        match parts.split_last() {
            None => String::new(),
            Some((only, [])) => only.clone(),
            Some((last, parts)) => {
                format!("{} {} {last}", parts.join(", "), self.say("and", "og"))
            }
        }
    }
}

/// The variable `name` of `view`.
fn of_view<'a>(name: &str, view: Option<&'a View>) -> Option<&'a Variable> {
    view?
        .variables
        .iter()
        .find(|variable| variable.name == name)
}

/// The type of variable `name`.
fn type_of<'a>(name: &str, view: Option<&'a View>) -> Option<&'a Type> {
    of_view(name, view)?.r#type.as_ref()
}

/// The unit of a number with a space before it; empty if there is none.
fn unit(name: &str, view: Option<&View>) -> String {
    match type_of(name, view) {
        Some(Type::Number(number)) if !number.unit.is_empty() => format!(" {}", number.unit),
        _ => String::new(),
    }
}
