//! The lines of papers, of words about them and of what is shown of them.

use innsyn_policy::{ClerkName, DefinitionId, NationalId, RegisterId};

use super::{
    ARCHIVE_BYTES_MAX, Paper, PaperNoteError, PaperSaid, PaperUse, PaperWord, REASON_BYTES_MAX,
    line,
};
use crate::lines::{Lines, digest};
use crate::setting::RULES;
use crate::setting::lines::{micros, written, yes_or_no};

/// What they begin with; no log of use is called so.
const PAPER: &str = "innsyn paper 1";
const WORD: &str = "innsyn paper word 1";
const USE: &str = "innsyn paper use 1";

impl PaperSaid {
    const fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Withdraw => "withdraw",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Confirm, Self::Withdraw];
        all.into_iter().find(|it| it.name() == text)
    }
}

impl Paper {
    pub(super) fn text(&self) -> String {
        let lines = written::<9>([
            ("register", &self.register),
            ("person", &self.person.expose_str()),
            ("definition", &self.definition),
            ("text-version", &self.text_version),
            ("active", &if self.active { "yes" } else { "no" }),
            ("dated", &self.dated),
            ("archive", &self.archive),
            ("reason", &self.reason),
            ("at", &self.at.as_micros()),
        ]);
        format!("{PAPER}\n{lines}")
    }

    pub(super) fn of_text(text: &str) -> Result<Self, PaperNoteError> {
        let mut lines = Lines::after(PAPER, text)?;
        let paper = Self {
            register: lines.read("register", |it| RegisterId::parse(it).ok())?,
            person: lines.read("person", |it| NationalId::parse(it, RULES).ok())?,
            definition: lines.read("definition", |it| DefinitionId::parse(it).ok())?,
            text_version: lines.parsed("text-version")?,
            active: lines.read("active", yes_or_no)?,
            dated: lines.parsed("dated")?,
            archive: lines.read("archive", |it| line(it, ARCHIVE_BYTES_MAX))?,
            reason: lines.read("reason", |it| line(it, REASON_BYTES_MAX))?,
            at: lines.read("at", micros)?,
        };
        whole(lines, paper)
    }
}

impl PaperWord {
    pub(super) fn text(&self) -> String {
        let lines = written::<4>([
            ("register", &self.register),
            ("paper", &hex::encode(self.paper)),
            ("word", &self.said.name()),
            ("at", &self.at.as_micros()),
        ]);
        format!("{WORD}\n{lines}")
    }

    pub(super) fn of_text(text: &str) -> Result<Self, PaperNoteError> {
        let mut lines = Lines::after(WORD, text)?;
        let word = Self {
            register: lines.read("register", |it| RegisterId::parse(it).ok())?,
            paper: lines.read("paper", digest)?,
            said: lines.read("word", PaperSaid::parse)?,
            at: lines.read("at", micros)?,
        };
        whole(lines, word)
    }
}

impl PaperUse {
    pub(super) fn text(&self) -> String {
        let lines = written::<6>([
            ("entered-by", &self.entered_by),
            ("confirmed-by", &self.confirmed_by),
            ("dated", &self.dated),
            ("archive", &self.archive),
            ("reason", &self.reason),
            ("signed", &hex::encode(self.signed_digest)),
        ]);
        format!("{USE}\n{lines}")
    }

    pub(super) fn of_text(text: &str) -> Result<Self, PaperNoteError> {
        let clerk = |it: &str| ClerkName::parse(it).ok();
        let mut lines = Lines::after(USE, text)?;
        let told = Self {
            entered_by: lines.read("entered-by", clerk)?,
            confirmed_by: lines.read("confirmed-by", clerk)?,
            dated: lines.parsed("dated")?,
            archive: lines.read("archive", |it| line(it, ARCHIVE_BYTES_MAX))?,
            reason: lines.read("reason", |it| line(it, REASON_BYTES_MAX))?,
            signed_digest: lines.read("signed", digest)?,
        };
        whole(lines, told)
    }
}

fn whole<T>(lines: Lines<'_>, read: T) -> Result<T, PaperNoteError> {
    if lines.are_read() {
        Ok(read)
    } else {
        Err(PaperNoteError::More)
    }
}
