//! What the steward's command prints.

use std::fmt::Write as _;

use innsyn_policy::Timestamp;
use serde::Serialize;

use super::Language;
use crate::research::steward::queue::{Decision, HeldQuery, Kept, Reason, Said};

/// One query in the JSON that is printed.
#[derive(Serialize)]
struct Row<'a> {
    name: String,
    #[serde(flatten)]
    query: &'a HeldQuery,
    decision: Option<&'a Decision>,
}

/// What `list --json` prints: an array.
pub(super) fn json(kept: &[Kept]) -> serde_json::Result<String> {
    let rows = kept.iter().map(|kept| Row {
        name: kept.name.short(),
        query: &kept.query,
        decision: kept.decision.as_ref(),
    });
    serde_json::to_string_pretty(&rows.collect::<Vec<_>>())
}

/// What `list` prints.
pub(super) fn list(kept: &[Kept], language: Language, now: Timestamp) -> String {
    let waiting = kept.iter().filter(|kept| kept.decision.is_none()).count();
    let mut text = match waiting {
        0 => "no query waits for the steward\n".to_owned(),
        1 => "1 query waits for the steward\n".to_owned(),
        more => format!("{more} queries wait for the steward\n"),
    };
    for kept in kept {
        text.push('\n');
        one(&mut text, kept, language, now);
    }
    if waiting > 0 {
        text.push_str(
            "\nDecide with `innsyn-agent steward approve NAME` or `… deny NAME`; the beginning of \
             the name will do.\n",
        );
    }
    text
}

fn one(text: &mut String, kept: &Kept, language: Language, now: Timestamp) {
    let Kept {
        name,
        query,
        decision,
    } = kept;
    let came = query.came_at();
    // A `String` takes everything.
    let _ = writeln!(
        text,
        "{}  came {} ago, {}",
        name.short(),
        ago(came, now),
        day(came)
    );
    let _ = writeln!(text, "  permit        {} ({})", query.permit, query.project);
    let _ = writeln!(text, "  organisation  {}", query.organisation);
    let _ = writeln!(text, "  purpose       {}", query.purpose.replace('_', " "));
    let _ = writeln!(text, "  uses          {}", query.variables.join(", "));
    let _ = writeln!(text, "  asked by      rule {} of steward.toml", query.rule);
    if let Some(decision) = decision {
        let _ = writeln!(text, "  {}", told(decision));
    }
    let words = match language {
        Language::Nb => &query.words_nb,
        Language::En => &query.words_en,
    };
    for line in words.lines() {
        let _ = writeln!(text, "    {line}");
    }
}

/// What `approve` and `deny` print.
pub(super) fn decided(kept: &Kept, decision: &Decision) -> String {
    format!("{}: {}", kept.name.short(), told(decision))
}

fn told(decision: &Decision) -> String {
    let (at, until) = decision.times();
    let said = match decision.said() {
        Said::Approved => "approved",
        Said::Denied => "denied",
    };
    let reason = decision.reason().map(|reason| format!(": {reason}"));
    format!(
        "{said} {} by {}, stands until {}{}",
        day(at),
        decision.by(),
        day(until),
        reason.unwrap_or_default()
    )
}

/// What the kill switch's file says.
pub(super) fn stopped(by: &str, reason: Option<&Reason>, now: Timestamp) -> String {
    let reason = reason.map(|reason| format!(": {reason}"));
    format!("stopped {} by {by}{}", day(now), reason.unwrap_or_default())
}

fn day(at: Timestamp) -> String {
    at.date_in_norway()
        .map_or_else(String::new, |date| date.to_string())
}

/// How long ago `earlier` was, in the largest unit of which there are two or more.
fn ago(earlier: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_seconds().saturating_sub(earlier.as_seconds()).max(0);
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let unit = units.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    unit.map_or_else(
        || format!("{seconds} seconds"),
        |(unit, name)| format!("{} {name}", seconds / unit),
    )
}
