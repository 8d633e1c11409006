//! The lines of items and heartbeats, written and read.

use std::fmt::Display;

use innsyn_policy::{DefinitionId, NationalId, Organisation, RegisterId, Timestamp};

use super::{ActedAs, Change, ChangeId, Heartbeat, Item, ItemError, RULES};
use crate::lines::{LineError, Lines, bytes};

/// What an item and a heartbeat begin with; no log of use is called so.
const ITEM: &str = "innsyn setting 1";
const HEARTBEAT: &str = "innsyn heartbeat 1";

const CHANGE: &str = "change";
const NOTHING: &str = "nothing";
const NEVER: &str = "never";

impl Item {
    pub(super) fn text(&self) -> String {
        let content = match self.content {
            Some(_) => CHANGE,
            None => NOTHING,
        };
        let head: [(&str, &dyn Display); 5] = [
            ("gateway", &self.gateway),
            ("register", &self.register),
            ("number", &self.number),
            ("at", &self.at.as_micros()),
            ("content", &content),
        ];
        let change = self.content.as_ref().map(Change::text);
        format!("{ITEM}\n{}{}", written(head), change.unwrap_or_default())
    }

    pub(super) fn of_text(text: &str) -> Result<Self, ItemError> {
        let mut lines = Lines::after(ITEM, text)?;
        let item = Self {
            gateway: lines.parsed("gateway")?,
            register: lines.read("register", |it| RegisterId::parse(it).ok())?,
            number: lines.parsed("number")?,
            at: lines.read("at", micros)?,
            content: match lines.parsed::<String>("content")?.as_str() {
                CHANGE => Some(Change::of_lines(&mut lines)?),
                NOTHING => None,
                _ => return Err(LineError("content").into()),
            },
        };
        if lines.are_read() {
            Ok(item)
        } else {
            Err(ItemError::More)
        }
    }
}

impl Change {
    fn text(&self) -> String {
        let until = self.until.map(|until| until.as_micros().to_string());
        written::<10>([
            ("change", &hex::encode(self.id.0)),
            ("definition", &self.definition),
            ("text-version", &self.text_version),
            ("person", &self.person.expose_str()),
            ("by", &self.by.expose_str()),
            ("organisation", &self.organisation),
            ("representation", &self.acted_as.name()),
            ("sequence", &self.sequence),
            ("active", &if self.active { "yes" } else { "no" }),
            ("until", &until.as_deref().unwrap_or(NEVER)),
        ])
    }

    fn of_lines(lines: &mut Lines<'_>) -> Result<Self, LineError> {
        let person = |it: &str| NationalId::parse(it, RULES).ok();
        Ok(Self {
            id: ChangeId(lines.read("change", bytes)?),
            definition: lines.read("definition", |it| DefinitionId::parse(it).ok())?,
            text_version: lines.parsed("text-version")?,
            person: lines.read("person", person)?,
            by: lines.read("by", person)?,
            organisation: lines.read("organisation", |it| Organisation::parse(it).ok())?,
            acted_as: lines.read("representation", ActedAs::parse)?,
            sequence: lines.parsed("sequence")?,
            active: lines.read("active", |it| match it {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            })?,
            until: lines.read("until", |it| match it {
                NEVER => Some(None),
                moment => micros(moment).map(Some),
            })?,
        })
    }
}

impl Heartbeat {
    pub(super) fn text(&self) -> String {
        let lines = written::<4>([
            ("gateway", &self.gateway),
            ("register", &self.register),
            ("latest", &self.latest),
            ("at", &self.at.as_micros()),
        ]);
        format!("{HEARTBEAT}\n{lines}")
    }

    pub(super) fn of_text(text: &str) -> Result<Self, ItemError> {
        let mut lines = Lines::after(HEARTBEAT, text)?;
        let heartbeat = Self {
            gateway: lines.parsed("gateway")?,
            register: lines.read("register", |it| RegisterId::parse(it).ok())?,
            latest: lines.parsed("latest")?,
            at: lines.read("at", micros)?,
        };
        if lines.are_read() {
            Ok(heartbeat)
        } else {
            Err(ItemError::More)
        }
    }
}

fn written<const N: usize>(lines: [(&str, &dyn Display); N]) -> String {
    lines
        .map(|(name, value)| format!("{name}: {value}\n"))
        .concat()
}

fn micros(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_micros)
}
