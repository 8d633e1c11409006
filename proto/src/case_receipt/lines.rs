//! The lines of a case's receipt, written and read.

use std::fmt::Display;
use std::str::Split;

use innsyn_policy::{CaseKind, RegisterId, Timestamp};

use super::{CaseId, CaseReceipt};
use crate::receipt::ReceiptError;

/// What a case's receipt begins with; no log of use is called so.
const FIRST: &str = "innsyn case receipt 1";

/// The lines of one receipt that have not been read.
struct Lines<'a>(Split<'a, char>);

impl CaseReceipt {
    /// The text that is signed.
    pub(super) fn text(&self) -> String {
        let lines: [(&str, &dyn Display); 10] = [
            ("register", &self.register),
            ("case", &self.case),
            ("step", &self.step),
            ("act", &self.act.name()),
            ("kind", &self.kind.name()),
            ("state", &self.state.name()),
            ("due", &self.due),
            ("content", &hex::encode(self.content)),
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
        let register = lines.read("register", |it| RegisterId::parse(it).ok())?;
        let case = lines.read("case", |it| CaseId::parse(it).ok())?;
        let step = lines.read("step", |it| it.parse().ok())?;
        let act = lines.read("act", |it| Some(it.to_owned()))?;
        let kind = lines.read("kind", |it| {
            CaseKind::ALL.into_iter().find(|kind| kind.name() == it)
        })?;
        let state = lines.read("state", Self::state_of)?;
        let receipt = Self {
            register,
            case,
            step,
            act: Self::act_of(&act, state).ok_or(ReceiptError::Line("act"))?,
            kind,
            state,
            due: lines.read("due", |it| it.parse().ok())?,
            content: lines.read("content", digest)?,
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
