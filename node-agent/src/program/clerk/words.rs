//! What a clerk reads.

use std::fmt::Write as _;

use innsyn_policy::setting::definition::Scope;
use innsyn_policy::{EnteredPaper, PaperEnd, SettingDefinition, SettingKind, Timestamp};
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::setting::paper::{Paper, digest};

use crate::settings::papers::desk::ShownPaper;

/// Digits of the code by which a clerk tells that they have seen a paper's words.
const CODE_DIGITS: usize = 8;

/// What says that exactly this was read: it changes with every letter of it.
pub(super) fn code(shown: &ShownPaper) -> String {
    let code = hex::encode(digest(&shown.note));
    code.chars().take(CODE_DIGITS).collect()
}

pub(super) fn definitions<'a>(all: impl Iterator<Item = &'a SettingDefinition>) -> String {
    let mut text = String::new();
    for definition in all {
        let where_it_holds = match definition.scope {
            Scope::National => "national",
            Scope::Register(_) => "this register's own",
        };
        let _infallible = writeln!(
            text,
            "{}  {}, {where_it_holds}, text version {}\n  {}\n  {}",
            definition.id,
            kind(definition.kind),
            definition.text_version,
            definition.name_nb,
            definition.name_en,
        );
    }
    if text.is_empty() {
        "nothing can be said yes or no to at this register\n".clone_into(&mut text);
    }
    text
}

pub(super) fn list(
    papers: &[ShownPaper],
    definitions: &SettingDefinitions,
    now: Timestamp,
) -> String {
    if papers.is_empty() {
        return "no papers wait for a second clerk\n".to_owned();
    }
    let mut text = String::new();
    for shown in papers {
        let _infallible = writeln!(
            text,
            "{}  {}  entered by {}  {}",
            hex::encode(shown.id),
            state(&shown.entered, now),
            shown.entered.entered_by,
            name(&shown.paper, definitions),
        );
    }
    text
}

/// What was entered, in words, and how to confirm it.
pub(super) fn paper(shown: &ShownPaper, definitions: &SettingDefinitions) -> String {
    let ShownPaper { paper, entered, .. } = shown;
    let definition = definitions.get(&paper.definition);
    let said = match (definition.map(|it| it.kind), paper.active) {
        (Some(SettingKind::Consent), true) => "GIVES CONSENT",
        (Some(SettingKind::Consent), false) => "TAKES THE CONSENT BACK",
        (Some(SettingKind::Reservation), true) => "RESERVES AGAINST IT",
        (Some(SettingKind::Reservation), false) => "TAKES THE RESERVATION BACK",
        (Some(SettingKind::Block), true) => "BLOCKS IT",
        (Some(SettingKind::Block), false) => "TAKES THE BLOCK BACK",
        (None, _) => "SAYS SOMETHING THAT HAS NO MEANING HERE",
    };
    format!(
        "The person with national id {person}\n  {said}\n  {name}\n  (definition {id}, text \
         version {version})\n\nThe paper is dated {dated} and kept as {archive}.\nReason: \
         {reason}\nEntered by {clerk}, {at}.\n\nIf the paper in your hand says all of this, say \
         so with\n  --seen {code}\nIf not, withdraw it.\n",
        person = paper.person.expose_str(),
        name = name(paper, definitions),
        id = paper.definition,
        version = paper.text_version,
        dated = paper.dated,
        archive = paper.archive,
        reason = paper.reason,
        clerk = entered.entered_by,
        at = moment(entered.entered_at),
        code = code(shown),
    )
}

fn name<'a>(paper: &Paper, definitions: &'a SettingDefinitions) -> &'a str {
    let definition = definitions.get(&paper.definition);
    definition.map_or("a definition that is not known here", |it| &it.name_nb)
}

fn state(entered: &EnteredPaper, now: Timestamp) -> String {
    match entered.ended {
        Some(PaperEnd::Confirmed) => "confirmed".to_owned(),
        Some(PaperEnd::Withdrawn) => "withdrawn".to_owned(),
        None if entered.waits_at(now) => format!("lapses {}", moment(entered.lapses_at())),
        None => "LAPSED".to_owned(),
    }
}

const fn kind(kind: SettingKind) -> &'static str {
    match kind {
        SettingKind::Consent => "consent",
        SettingKind::Reservation => "reservation",
        SettingKind::Block => "block",
    }
}

fn moment(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.as_seconds());
    at.map_or_else(|_| String::new(), |at| at.to_string())
}
