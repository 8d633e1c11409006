//! The table asked for, in words: what it is divided by and what it tells.

use super::{Words, type_of, unit};
use crate::wire::research::v1::{
    Bands, CodeLevel, Dimension, Histogram, LifeTable, Measure, Period, PersonTime, Query, View,
    dimension::Dimension as Divided, measure::Measure as Told, variable::Type,
};

impl Words<'_> {
    /// The dimensions, in the order of the table's columns.
    pub(super) fn divided(self, query: &Query, view: Option<&View>) -> String {
        let dimensions: Vec<_> = query
            .dimensions
            .iter()
            .map(|dimension| self.dimension(dimension, query, view))
            .collect();
        let heading = self.say("Divided by", "Fordelt på");
        if dimensions.is_empty() {
            return format!("{heading}: {}.", self.say("nothing", "ingenting"));
        }
        format!("{heading}: {}.", dimensions.join("; "))
    }

    /// The measures, in the order of the table's columns.
    pub(super) fn told(self, query: &Query, view: Option<&View>) -> String {
        let measures: Vec<_> = query
            .measures
            .iter()
            .map(|measure| self.measure(measure, view))
            .collect();
        let heading = self.say("Told of each group", "Oppgis for hver gruppe");
        format!("{heading}: {}.", measures.join("; "))
    }

    /// A period's name; empty if there is none.
    pub(super) fn period(self, field: i32) -> &'static str {
        match Period::try_from(field) {
            Ok(Period::Year) => self.say("year", "år"),
            Ok(Period::Quarter) => self.say("quarter", "kvartal"),
            Ok(Period::Month) => self.say("month", "måned"),
            Ok(Period::Unspecified) | Err(_) => "",
        }
    }

    fn dimension(self, dimension: &Dimension, query: &Query, view: Option<&View>) -> String {
        match &dimension.dimension {
            None => String::new(),
            Some(Divided::Code(level)) => self.code_level(level, view),
            Some(Divided::Bands(bands)) => self.bands(bands, view),
            Some(Divided::Period(_)) => {
                let of = self.say("of the events", "for hendelsene");
                format!("{} {of}", self.period(query.period))
            }
            Some(Divided::Date(date)) => format!(
                "{} {} {}",
                self.period(date.period),
                self.say("of", "for"),
                self.variable(&date.variable, view)
            ),
        }
    }

    fn code_level(self, level: &CodeLevel, view: Option<&View>) -> String {
        let name = self.variable(&level.variable, view);
        let Some(Type::Code(code)) = type_of(&level.variable, view) else {
            return name;
        };
        let characters = usize::try_from(level.level)
            .ok()
            .and_then(|level| code.level_characters.get(level.checked_sub(1)?));
        match characters {
            None => format!(
                "{name} ({}, {})",
                code.system,
                self.say("the whole code", "hele koden")
            ),
            Some(1) => format!(
                "{name} ({}, {})",
                code.system,
                self.say("the first character", "det første tegnet")
            ),
            Some(characters) => format!(
                "{name} ({}, {} {characters} {})",
                code.system,
                self.say("the first", "de"),
                self.say("characters", "første tegnene")
            ),
        }
    }

    fn bands(self, bands: &Bands, view: Option<&View>) -> String {
        let begins: Vec<_> = bands.begins.iter().map(i64::to_string).collect();
        format!(
            "{} {} {}{}",
            self.variable(&bands.variable, view),
            self.say("in bands that begin at", "i grupper som begynner på"),
            self.list(&begins),
            unit(&bands.variable, view)
        )
    }

    fn measure(self, measure: &Measure, view: Option<&View>) -> String {
        match &measure.measure {
            None => String::new(),
            Some(Told::Persons(_)) => self.say("number of persons", "antall personer").to_owned(),
            Some(Told::Events(_)) => self.say("number of events", "antall hendelser").to_owned(),
            Some(Told::Sum(name)) => self.summed(self.say("sum of", "sum av"), name, view),
            Some(Told::Mean(name)) => {
                self.summed(self.say("mean of", "gjennomsnitt av"), name, view)
            }
            Some(Told::Variance(name)) => {
                self.summed(self.say("variance of", "varians av"), name, view)
            }
            Some(Told::Histogram(histogram)) => self.histogram(histogram, view),
            Some(Told::LifeTable(table)) => self.life_table(table, view),
            Some(Told::PersonTime(time)) => self.person_time(time, view),
        }
    }

    fn summed(self, what: &str, name: &str, view: Option<&View>) -> String {
        let told = format!("{what} {}", self.variable(name, view));
        let bounds = match type_of(name, view) {
            Some(Type::Number(number)) => number.clip_from.zip(number.clip_to),
            _ => None,
        };
        match bounds {
            None => told,
            Some((from, to)) => format!(
                "{told}, {} {} {} {}{}",
                self.say(
                    "each value clipped to between",
                    "hver verdi avkortet til mellom"
                ),
                self.number(from),
                self.say("and", "og"),
                self.number(to),
                unit(name, view)
            ),
        }
    }

    fn histogram(self, histogram: &Histogram, view: Option<&View>) -> String {
        format!(
            "{} {} {} {} {} {}, {} {}{}",
            self.say("number of persons by", "antall personer etter"),
            self.variable(&histogram.variable, view),
            self.say("in", "i"),
            histogram.bins,
            self.say("bins from", "grupper fra og med"),
            histogram.from,
            self.say("each of width", "hver med bredde"),
            histogram.width,
            unit(&histogram.variable, view)
        )
    }

    fn person_time(self, time: &PersonTime, view: Option<&View>) -> String {
        format!(
            "{} {} {} {}, {} {}",
            self.say(
                "sum of the months that persons were followed, from",
                "sum av månedene som personer er fulgt, fra"
            ),
            self.variable(&time.entry, view),
            self.say("to", "til"),
            self.variable(&time.event, view),
            self.say("or without it to", "eller uten den til"),
            self.variable(&time.exit, view),
        )
    }

    fn life_table(self, table: &LifeTable, view: Option<&View>) -> String {
        format!(
            "{} {} {} {}, {} {}, {} {} {} ({})",
            self.say("life table from", "overlevelsestabell fra"),
            self.variable(&table.entry, view),
            self.say("to", "til"),
            self.variable(&table.event, view),
            self.say("or without it to", "eller uten den til"),
            self.variable(&table.exit, view),
            self.say("in", "i"),
            table.steps,
            self.say("steps", "trinn"),
            self.period(table.step)
        )
    }
}
