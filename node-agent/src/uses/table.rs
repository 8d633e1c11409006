//! What the log has about a person as a table, for a dialog: without the proofs that a reading by a
//! gateway has, which nobody at the other end could check.

use futures::future::BoxFuture;
use innsyn_policy::{QuestionId, Request, UseDecision, UseKind};
use innsyn_proto::wire::node::v1 as wire;
use tokio::task::spawn_blocking;

use super::page::{From, Showing};
use super::reading::Reading;
use crate::cases::{ShowUsesError, ShowsUses, UsesTable};
use crate::uselog::{Entry, ReadLogError};

/// The most bytes of a table: there is room for it in a message.
const TABLE_BYTES_MAX: usize = 192 * 1024;
const COLUMNS: [&str; 7] = [
    "tidspunkt (time)",
    "hva (what)",
    "hvem (who)",
    "organisasjon (organisation)",
    "utfall (outcome)",
    "tillatelse (permit)",
    "prosjekt (project)",
];

impl ShowsUses for Reading {
    fn uses<'a>(
        &'a self,
        id: QuestionId,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<UsesTable, ShowUsesError>> {
        Box::pin(async move {
            let unavailable =
                |error: Box<dyn std::error::Error + Send + Sync>| ShowUsesError::Unavailable(error);
            // The exchange has no cap of questions: a person's cases are counted instead.
            let decision = self.logged(true, id, request).await;
            if decision.map_err(|error| unavailable(error.into()))? != UseDecision::Answered {
                return Err(ShowUsesError::Refused);
            }
            let head = self.head().await;
            let head = head.ok_or_else(|| unavailable("the log has no head".into()))?;
            let (showing, entries) = (self.showing(id, request), head.size());
            let table = spawn_blocking(move || table(&showing, entries)).await;
            let table = table.map_err(|error| unavailable(error.into()))?;
            table.map_err(|error| unavailable(error.into()))
        })
    }
}

/// The table, newest first of each kind. Blocks on files.
fn table(showing: &Showing, entries: u64) -> Result<UsesTable, ReadLogError> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = rows.write_record(COLUMNS);
    let mut next = Some(From::Newest { entries });
    let mut bytes = 0;
    let mut is_whole = true;
    while let Some(from) = next.take() {
        let page = showing.page(from)?;
        let uses = page.uses.iter().filter_map(used);
        let counted = page.counted.iter().filter_map(counted);
        for row in uses.chain(counted) {
            bytes += row.iter().map(|field| field.len() + 3).sum::<usize>();
            is_whole &= bytes <= TABLE_BYTES_MAX;
            if is_whole {
                let _ = rows.write_record(row.map(as_text));
            }
        }
        next = page.continued.filter(|_| is_whole).map(From::Continued);
    }
    Ok(UsesTable {
        csv: rows.into_inner().unwrap_or_default(),
        is_whole,
    })
}

fn used(shown: &wire::ShownUse) -> Option<[String; 7]> {
    let who = match shown.asker() {
        wire::Asker::Oneself | wire::Asker::You => "personen selv (the person)",
        wire::Asker::Other => "en annen (somebody else)",
        wire::Asker::Register => "registeret, fra papir (the register, from paper)",
        wire::Asker::Unspecified => "",
    };
    match shown.told.as_ref()? {
        wire::shown_use::Told::Entry(bytes) => {
            let entry = Entry::from_bytes(bytes.as_ref().try_into().ok()?).ok()?;
            Some(row(&entry, who, ["", ""]))
        }
        wire::shown_use::Told::HeldBack(held) => {
            let until = moment(held.until);
            let told = format!("holdes tilbake til {until} (held back until then)");
            let mut row: [String; 7] = Default::default();
            if let Some(what) = row.get_mut(1) {
                *what = told;
            }
            Some(row)
        }
    }
}

fn counted(counted: &wire::CountedUse) -> Option<[String; 7]> {
    let entry = Entry::from_bytes(counted.entry.as_ref().try_into().ok()?).ok()?;
    Some(row(&entry, "", [&counted.permit, &counted.project]))
}

fn row(entry: &Entry, who: &str, [permit, project]: [&str; 2]) -> [String; 7] {
    [
        moment(entry.at.as_seconds()),
        kind(entry.kind()).to_owned(),
        who.to_owned(),
        entry.organisation.to_string(),
        outcome(entry.decision).to_owned(),
        permit.to_owned(),
        project.to_owned(),
    ]
}

fn moment(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds);
    at.map_or_else(|_| String::new(), |at| at.to_string())
}

const fn kind(kind: UseKind) -> &'static str {
    match kind {
        UseKind::Listing => "oppslag: er personen i registeret? (look-up)",
        UseKind::Query => "forskning: talt med i en tabell (research: counted in a table)",
        UseKind::LogReading => {
            "lesing av denne loggen eller av innstillinger (reading of this log or of settings)"
        }
        UseKind::SettingChange => "endring av en personverninnstilling (change of a setting)",
        UseKind::Dialog => "dialog med registeret (dialog with the register)",
        UseKind::Insight => "innsyn: vist hva registeret har (insight: shown what it holds)",
    }
}

const fn outcome(decision: UseDecision) -> &'static str {
    match decision {
        UseDecision::Answered => "gitt (answered)",
        UseDecision::Withheld(_) => "ikke fortalt til den som spurte (not told to whoever asked)",
        UseDecision::Denied(_)
        | UseDecision::OverCap
        | UseDecision::OutsidePermit(_)
        | UseDecision::NotCounted(_) => "avvist (refused)",
        UseDecision::SourceUnavailable => "ikke besvart (not answered)",
    }
}

/// A text that a spreadsheet would take for a formula has an apostrophe before it.
fn as_text(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}
