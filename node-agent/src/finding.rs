//! What `innsyn-agent check` has to say: what is wrong, and what to do about it.
//!
//! A finding is read by whoever runs the agent, so it is written in plain words. It never
//! contains a person: no id, no name, no content of a row.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The agent serves, but perhaps not as it was meant.
    Warning,
    /// The agent cannot serve.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, and where.
    pub what: String,
    /// What to do about it.
    pub what_to_do: String,
}

impl Finding {
    /// Something worth knowing.
    pub fn note(what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::new(Severity::Note, what, what_to_do)
    }

    /// Something that may not be meant so.
    pub fn warning(what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::new(Severity::Warning, what, what_to_do)
    }

    /// Something that keeps the agent from serving.
    pub fn error(what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::new(Severity::Error, what, what_to_do)
    }

    fn new(severity: Severity, what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self {
            severity,
            what: what.into(),
            what_to_do: what_to_do.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.what)?;
        if !self.what_to_do.is_empty() {
            write!(f, "\n  {}", self.what_to_do)?;
        }
        Ok(())
    }
}
