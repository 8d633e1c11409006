//! Uses as a table for a spreadsheet.
//!
//! A text that a spreadsheet would take for a formula has an apostrophe before it.

use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_proto::wire::types::v1 as types;

use super::json::{by, kind, purpose};

const COLUMNS: [&str; 20] = [
    "register",
    "name",
    "at",
    "kind",
    "by",
    "organisation",
    "purpose",
    "what_nb",
    "what_en",
    "basis_nb",
    "basis_en",
    "decision",
    "decision_nb",
    "permit",
    "project",
    "position",
    "leaf",
    "paper_entered_by",
    "paper_confirmed_by",
    "paper_reason",
];

/// The uses of all registers whose logs were verified.
pub(super) fn table(uses: &wire::ListUsesResponse) -> Vec<u8> {
    let mut table = ::csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = table.write_record(COLUMNS);
    for register in &uses.registers {
        for told in &register.uses {
            let nb = |words: &Option<wire::Words>| {
                words
                    .as_ref()
                    .map_or_else(String::new, |words| words.nb.clone())
            };
            let en = |words: &Option<wire::Words>| {
                words
                    .as_ref()
                    .map_or_else(String::new, |words| words.en.clone())
            };
            let paper = |part: fn(&types::SaidOnPaper) -> &String| {
                told.paper.as_ref().map(part).cloned().unwrap_or_default()
            };
            let row: [String; 20] = [
                register.register_id.clone(),
                register.name.clone(),
                told.at.clone(),
                kind(told).to_owned(),
                by(told).to_owned(),
                told.organisation.clone(),
                purpose(told).to_owned(),
                nb(&told.kind_words),
                en(&told.kind_words),
                nb(&told.basis_words),
                en(&told.basis_words),
                told.decision.clone(),
                nb(&told.decision_words),
                told.permit.clone(),
                told.project.clone(),
                told.position.to_string(),
                hex::encode(&told.leaf),
                paper(|it| &it.entered_by),
                paper(|it| &it.confirmed_by),
                paper(|it| &it.reason),
            ];
            let _ = table.write_record(row.map(as_text));
        }
    }
    table.into_inner().unwrap_or_default()
}

fn as_text(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}
