//! The lines of recipients, of exports and of the changes in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

use innsyn_policy::{DefinitionId, NationalId, Organisation, RegisterId};

use super::super::lines::{micros, written, yes_or_no};
use super::super::{ActedAs, Change, ChangeId, RULES};
use super::{Export, ExportedChange, Recipient};
use crate::lines::{LineError, Lines, bytes, digest};
use crate::mandate::SignedMandate;
use crate::sealing::SealingKey;

const RECIPIENT: &str = "innsyn recipient 1";
const EXPORT: &str = "innsyn settings export 1";
/// Stands where there is nothing.
const NONE: &str = "-";
/// Gateways, definitions or issuers that one export may name.
const NAMED_MAX: usize = 10_000;

impl Recipient {
    pub(super) fn text(&self) -> String {
        let lines = written::<3>([
            ("register", &self.register),
            ("sealing-key", &self.key),
            ("at", &self.at.as_micros()),
        ]);
        format!("{RECIPIENT}\n{lines}")
    }

    pub(super) fn of_text(text: &str) -> Result<Self, LineError> {
        let mut lines = Lines::after(RECIPIENT, text)?;
        let recipient = Self {
            register: register(&mut lines, "register")?,
            key: key(&mut lines)?,
            at: lines.read("at", micros)?,
        };
        whole(recipient, lines)
    }
}

impl Export {
    pub(super) fn text(&self) -> String {
        let lines = written::<6>([
            ("from", &self.from),
            ("to", &self.to),
            ("sealing-key", &self.key),
            ("at", &self.at.as_micros()),
            ("changes", &self.changes),
            ("digest", &hex::encode(self.digest)),
        ]);
        let gateways = self
            .gateways
            .iter()
            .map(|(name, to)| format!("{name} {to}"));
        [
            format!("{EXPORT}\n{lines}"),
            named(["gateways", "gateway"], gateways),
            named(["definitions", "definition"], self.definitions.iter()),
            named(["issuers", "issuer"], self.issuers.iter()),
        ]
        .concat()
    }

    pub(super) fn of_text(text: &str) -> Result<Self, LineError> {
        let mut lines = Lines::after(EXPORT, text)?;
        let export = Self {
            from: register(&mut lines, "from")?,
            to: register(&mut lines, "to")?,
            key: key(&mut lines)?,
            at: lines.read("at", micros)?,
            changes: lines.parsed("changes")?,
            digest: lines.read("digest", digest)?,
            gateways: read_named::<BTreeMap<_, _>, _>(&mut lines, ["gateways", "gateway"], |it| {
                let (name, number) = it.split_once(' ')?;
                Some((name.parse().ok()?, number.parse().ok()?))
            })?,
            definitions: read_named::<BTreeSet<_>, _>(
                &mut lines,
                ["definitions", "definition"],
                |it| DefinitionId::parse(it).ok(),
            )?,
            issuers: read_named::<BTreeSet<_>, _>(&mut lines, ["issuers", "issuer"], |it| {
                Some(it.to_owned())
            })?,
        };
        whole(export, lines)
    }
}

/// What was read, if it is all there is.
fn whole<T>(read: T, lines: Lines<'_>) -> Result<T, LineError> {
    if lines.are_read() {
        Ok(read)
    } else {
        Err(LineError("end"))
    }
}

pub(super) fn register(lines: &mut Lines<'_>, name: &'static str) -> Result<RegisterId, LineError> {
    lines.read(name, |it| RegisterId::parse(it).ok())
}

pub(super) fn key(lines: &mut Lines<'_>) -> Result<SealingKey, LineError> {
    lines.read("sealing-key", |it| SealingKey::parse(it).ok())
}

/// How many there are, and a line for each.
fn named<T: Display>([all, one]: [&str; 2], those: impl ExactSizeIterator<Item = T>) -> String {
    let mut text = format!("{all}: {}\n", those.len());
    for it in those {
        let _written = writeln!(text, "{one}: {it}");
    }
    text
}

fn read_named<C: FromIterator<T>, T>(
    lines: &mut Lines<'_>,
    [all, one]: [&'static str; 2],
    read: impl Fn(&str) -> Option<T>,
) -> Result<C, LineError> {
    let there = lines.read(all, |it| it.parse().ok().filter(|it| *it <= NAMED_MAX))?;
    (0..there).map(|_| lines.read(one, &read)).collect()
}

impl ExportedChange {
    /// One line, with its end.
    pub(super) fn line(&self) -> String {
        let change = &self.change;
        let by = if change.by == change.person {
            NONE
        } else {
            change.by.expose_str()
        };
        let active = if change.active { "yes" } else { "no" };
        let until = change.until.map(|until| until.as_micros().to_string());
        let proof = change.acted_as.proof().map_or(NONE, SignedMandate::expose);
        let parts: [&dyn Display; 13] = [
            &self.gateway,
            &hex::encode(change.id.0),
            &change.definition,
            &change.text_version,
            &change.person.expose_str(),
            &by,
            &change.organisation,
            &change.acted_as.name(),
            &change.sequence,
            &active,
            &until.as_deref().unwrap_or(NONE),
            &self.said_at.as_micros(),
            &proof,
        ];
        parts.map(ToString::to_string).join(" ") + "\n"
    }

    /// What a line says, without its end.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let parts: [&str; 13] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let [gateway, id, definition, text_version, person, by, rest @ ..] = parts;
        let [organisation, right, sequence, active, until, said_at, proof] = rest;
        let number = |it: &str| NationalId::parse(it, RULES).ok();
        let person = number(person)?;
        let proof = match proof {
            NONE => None,
            proof => Some(SignedMandate::parse(proof).ok()?),
        };
        Some(Self {
            gateway: gateway.parse().ok()?,
            change: Change {
                id: ChangeId(bytes(id)?),
                definition: DefinitionId::parse(definition).ok()?,
                text_version: text_version.parse().ok()?,
                person,
                by: match by {
                    NONE => person,
                    by => number(by)?,
                },
                organisation: Organisation::parse(organisation).ok()?,
                acted_as: match (right, proof) {
                    ("own", None) => ActedAs::Own,
                    ("parent", None) => ActedAs::Parent(None),
                    ("guardian", Some(proof)) => ActedAs::Guardian(proof),
                    ("power-of-attorney", Some(proof)) => ActedAs::PowerOfAttorney(proof),
                    _ => return None,
                },
                sequence: sequence.parse().ok()?,
                active: yes_or_no(active)?,
                until: match until {
                    NONE => None,
                    until => Some(micros(until)?),
                },
            },
            said_at: micros(said_at)?,
        })
    }
}
