//! The lines of a case's receipt, written and read.

use std::fmt::Display;

use innsyn_policy::{CaseKind, RegisterId};

use super::{CaseId, CaseReceipt};
use crate::lines::{LineError, Lines, digest, second, second_text};
use crate::receipt::ReceiptError;

/// What a case's receipt begins with; no log of use is called so.
const FIRST: &str = "innsyn case receipt 1";

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
            ("at", &second_text(self.at)),
        ];
        let lines = lines.map(|(name, value)| format!("{name}: {value}\n"));
        format!("{FIRST}\n{}", lines.concat())
    }

    /// What `text` says.
    pub(super) fn of_text(text: &str) -> Result<Self, ReceiptError> {
        let mut lines = Lines::after(FIRST, text)?;
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
            act: Self::act_of(&act, state).ok_or(LineError("act"))?,
            kind,
            state,
            due: lines.read("due", |it| it.parse().ok())?,
            content: lines.read("content", digest)?,
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
