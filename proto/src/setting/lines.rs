//! The lines of items and heartbeats, written and read.

use std::fmt::Display;

use innsyn_policy::{DefinitionId, NationalId, Organisation, RegisterId, Timestamp};

use super::{ActedAs, Change, ChangeId, Heartbeat, Item, ItemError, RULES};
use crate::lines::{LineError, Lines, bytes};
use crate::mandate::SignedMandate;

/// What an item and a heartbeat begin with; no log of use is called so.
const ITEM: &str = "innsyn setting 2";
const HEARTBEAT: &str = "innsyn heartbeat 1";

const CHANGE: &str = "change";
const NOTHING: &str = "nothing";
const NEVER: &str = "never";
const NONE: &str = "none";

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
        let child_born = match &self.acted_as {
            ActedAs::Parent(Some(born)) => born.to_string(),
            _ => NONE.to_owned(),
        };
        let proof = self.acted_as.proof().map_or(NONE, SignedMandate::expose);
        written::<12>([
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
            ("child-born", &child_born),
            ("proof", &proof),
        ])
    }

    fn of_lines(lines: &mut Lines<'_>) -> Result<Self, LineError> {
        let person = |it: &str| NationalId::parse(it, RULES).ok();
        let right;
        let mut change = Self {
            id: ChangeId(lines.read("change", bytes)?),
            definition: lines.read("definition", |it| DefinitionId::parse(it).ok())?,
            text_version: lines.parsed("text-version")?,
            person: lines.read("person", person)?,
            by: lines.read("by", person)?,
            organisation: lines.read("organisation", |it| Organisation::parse(it).ok())?,
            // Read whole below, with what goes with it.
            acted_as: {
                right = lines.read("representation", Right::parse)?;
                ActedAs::Own
            },
            sequence: lines.parsed("sequence")?,
            active: lines.read("active", yes_or_no)?,
            until: lines.read("until", |it| match it {
                NEVER => Some(None),
                moment => micros(moment).map(Some),
            })?,
        };
        let child_born = lines.read("child-born", |it| match it {
            NONE => Some(None),
            date => date.parse().ok().map(Some),
        })?;
        let proof = lines.read("proof", |it| match it {
            NONE => Some(None),
            proof => SignedMandate::parse(proof).ok().map(Some),
        })?;
        change.acted_as = match (right, child_born, proof) {
            (Right::Own, None, None) => ActedAs::Own,
            (Right::Parent, born, None) => ActedAs::Parent(born),
            (Right::Guardian, None, Some(proof)) => ActedAs::Guardian(proof),
            (Right::PowerOfAttorney, None, Some(proof)) => ActedAs::PowerOfAttorney(proof),
            _ => return Err(LineError("proof")),
        };
        Ok(change)
    }
}

/// The word of a right, before what goes with it is read.
#[derive(Clone, Copy)]
enum Right {
    Own,
    Parent,
    Guardian,
    PowerOfAttorney,
}

impl Right {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "own" => Self::Own,
            "parent" => Self::Parent,
            "guardian" => Self::Guardian,
            "power-of-attorney" => Self::PowerOfAttorney,
            _ => return None,
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

pub(super) fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

pub(super) fn written<const N: usize>(lines: [(&str, &dyn Display); N]) -> String {
    lines
        .map(|(name, value)| format!("{name}: {value}\n"))
        .concat()
}

pub(super) fn micros(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_micros)
}
