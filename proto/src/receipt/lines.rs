//! The lines of a receipt, written and read.

use std::fmt::Display;
use std::str::{FromStr, Split};

use innsyn_policy::{PermitId, Purpose, RegisterId, Timestamp};

use super::{PersonsAbout, Receipt, ReceiptError, StewardsWord};

/// What a receipt begins with; no log of use is called so.
const FIRST: &str = "innsyn receipt 1";

/// The lines of one receipt that have not been read.
pub(super) struct Lines<'a>(Split<'a, char>);

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
            ("settings-read", &moment(self.settings_read_at)),
            ("settings-age-s", &self.settings_age_s),
            ("smallest-cell", &self.smallest_cell),
            ("rounding-base", &self.rounding_base),
            ("steward-rule", &rule),
            ("steward-approved", &if approved { "yes" } else { "no" }),
            ("persons-excluded-about", &self.persons_excluded),
            ("use-log-leaf", &hex::encode(self.use_log_leaf)),
            ("at", &moment(self.at)),
        ];
        let lines = lines.map(|(name, value)| format!("{name}: {value}\n"));
        format!("{FIRST}\n{}", lines.concat())
    }

    /// What `text` says.
    pub(super) fn of_text(text: &str) -> Result<Self, ReceiptError> {
        let mut lines = Lines(text.split('\n'));
        if lines.0.next() != Some(FIRST) {
            return Err(ReceiptError::Line(FIRST));
        }
        let receipt = Self {
            register: lines.read("register", |it| RegisterId::parse(it).ok())?,
            query: lines.parsed("query")?,
            permit: lines.read("permit", |it| {
                let (issuer, number) = it.split_once('/')?;
                PermitId::new(issuer, number).ok()
            })?,
            permit_digest: lines.read("permit-digest", digest)?,
            snapshot: lines.read("snapshot", digest)?,
            purpose: lines.read("purpose", |it| {
                Purpose::ALL
                    .into_iter()
                    .find(|purpose| purpose.name() == it)
            })?,
            settings_read_at: lines.read("settings-read", instant)?,
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
            at: lines.read("at", instant)?,
        };
        if lines.0.eq([""]) {
            Ok(receipt)
        } else {
            Err(ReceiptError::More)
        }
    }
}

impl Lines<'_> {
    fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ReceiptError> {
        let line = self.0.next().and_then(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.strip_prefix(": "))
            .and_then(read)
            .ok_or(ReceiptError::Line(name))
    }

    fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<T, ReceiptError> {
        self.read(name, |text| text.parse().ok())
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// `at` in whole seconds, as in `2027-01-15T08:00:00Z`.
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_seconds())
        .map_or_else(|_| String::new(), |at| at.to_string())
}

fn instant(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_seconds(at.as_second()))
}
