//! The lines of a receipt, written and read.

use std::fmt::Display;

use innsyn_policy::{PermitId, Purpose, RegisterId};

use super::{PersonsAbout, Receipt, ReceiptError, StewardsWord};
use crate::lines::{Lines, digest, second, second_text};

/// What a receipt begins with; no log of use is called so.
const FIRST: &str = "innsyn receipt 1";

impl Receipt {
    /// The text that is signed.
    pub(super) fn text(&self) -> String {
        let StewardsWord { rule, approved } = self.steward;
        let lines: [(&str, &dyn Display); 15] = [
            ("register", &self.register),
            ("query", &self.query),
            ("permit", &self.permit),
            ("permit-digest", &hex::encode(self.permit_digest)),
            ("snapshot", &hex::encode(self.snapshot)),
            ("purpose", &self.purpose.name()),
            ("settings-read", &second_text(self.settings_read_at)),
            ("settings-age-s", &self.settings_age_s),
            ("smallest-cell", &self.smallest_cell),
            ("rounding-base", &self.rounding_base),
            ("steward-rule", &rule),
            ("steward-approved", &if approved { "yes" } else { "no" }),
            ("persons-excluded-about", &self.persons_excluded),
            ("use-log-leaf", &hex::encode(self.use_log_leaf)),
            ("at", &second_text(self.at)),
        ];
        let lines = lines.map(|(name, value)| format!("{name}: {value}\n"));
        format!("{FIRST}\n{}", lines.concat())
    }

    /// What `text` says.
    pub(super) fn of_text(text: &str) -> Result<Self, ReceiptError> {
        let mut lines = Lines::after(FIRST, text)?;
        let receipt = Self {
            register: lines.read("register", |it| RegisterId::parse(it).ok())?,
            query: lines.parsed("query")?,
            permit: lines.read("permit", permit_id)?,
            permit_digest: lines.read("permit-digest", digest)?,
            snapshot: lines.read("snapshot", digest)?,
            purpose: lines.read("purpose", purpose)?,
            settings_read_at: lines.read("settings-read", second)?,
            settings_age_s: lines.parsed("settings-age-s")?,
            smallest_cell: lines.parsed("smallest-cell")?,
            rounding_base: lines.parsed("rounding-base")?,
            steward: StewardsWord {
                rule: lines.parsed("steward-rule")?,
                approved: lines.read("steward-approved", |it| match it {
                    "yes" => Some(true),
                    "no" => Some(false),
                    _ => None,
                })?,
            },
            persons_excluded: lines.read("persons-excluded-about", |it| {
                it.parse().ok().and_then(PersonsAbout::read)
            })?,
            use_log_leaf: lines.read("use-log-leaf", digest)?,
            at: lines.read("at", second)?,
        };
        if lines.are_read() {
            Ok(receipt)
        } else {
            Err(ReceiptError::More)
        }
    }
}

/// A data permit's issuer and number.
pub(super) fn permit_id(text: &str) -> Option<PermitId> {
    let (issuer, number) = text.split_once('/')?;
    PermitId::new(issuer, number).ok()
}

/// A purpose, by its name.
pub(super) fn purpose(text: &str) -> Option<Purpose> {
    let mut all = Purpose::ALL.into_iter();
    all.find(|purpose| purpose.name() == text)
}
