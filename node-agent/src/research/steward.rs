//! The steward's standing rules: which queries the register answers without being asked.
//!
//! They stand in `steward.toml` in the folder of research, and are read again for every query and
//! once more before its part leaves, so that a change holds at once:
//!
//! ```toml
//! # The kill switch: while it is true, nothing is counted for anybody.
//! stopped = false
//!
//! # The first rule that fits decides. What is not given fits everything.
//! [[rule]]
//! decision = "deny"
//! variables = ["diagnoses.hiv", "laboratory"]    # a variable, or all of a view
//!
//! [[rule]]
//! decision = "allow"
//! purposes = ["research", "quality_improvement"]
//! issuers = ["helsedata.no"]
//! ```
//!
//! What holds:
//!
//! - **What no rule allows is denied**; so is everything while the file is missing or cannot be
//!   read as it should.
//! - **Doubt denies.** With `variables`, a rule that denies fits a query that uses *any* of them,
//!   and a rule that allows fits one that uses *no other*.
//!
//! A rule `ask`, which would hold a query for the steward, is refused: there is no queue yet.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use innsyn_policy::{Purpose, QueryFacts};
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// The name of the file in the folder of research.
pub const FILE: &str = "steward.toml";
/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The steward's rules, where they are kept.
#[derive(Debug, Clone)]
pub struct Steward {
    file: PathBuf,
}

/// The rules as they stood when they were read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingRules {
    /// Whether nothing is counted for anybody.
    #[serde(default)]
    pub stopped: bool,
    /// The rules, of which the first that fits decides.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    decision: RuleDecision,
    purposes: Option<BTreeSet<PurposeName>>,
    issuers: Option<BTreeSet<String>>,
    variables: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RuleDecision {
    Allow,
    Deny,
    /// Read only to be refused with a sentence of its own.
    Ask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PurposeName {
    QualityImprovement,
    Research,
    Administration,
}

/// Why the steward lets a query not be counted.
#[derive(Debug, thiserror::Error)]
pub enum StewardRefusal {
    /// The kill switch.
    #[error("the steward has stopped all queries")]
    Stopped,
    /// A rule says no.
    #[error("the steward's rule number {} denies the query", .0 + 1)]
    Denied(usize),
    /// No rule says yes.
    #[error("no rule of the steward's allows the query")]
    NotAllowed,
    /// There are no rules that can be relied on.
    #[error("the steward's rules cannot be used")]
    Rules(#[from] StewardError),
}

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StewardError {
    /// The file is not there, or cannot be read.
    #[error("`{}` cannot be read; write the steward's rules there", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file is larger than any rules are.
    #[error("`{}` is larger than {FILE_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// Not TOML, an unknown key, or a value that is refused.
    #[error("`{}` does not hold the steward's rules", .0.display())]
    Syntax(PathBuf, #[source] Box<toml::de::Error>),
    /// Holding queries for the steward is not there.
    #[error(
        "rule number {} of `{}` says `ask`, and this program cannot hold a query for the steward; \
         write `allow` or `deny`", .rule + 1, .file.display()
    )]
    Ask {
        /// The file.
        file: PathBuf,
        /// Which rule, from 0.
        rule: usize,
    },
}

impl Steward {
    /// The steward whose rules stand in the folder of research.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            file: folder.join(FILE),
        }
    }

    /// The rules as they stand now.
    pub fn rules(&self) -> Result<StandingRules, StewardError> {
        use StewardError as E;
        let unreadable = |error| E::Unreadable(self.file.clone(), error);
        let file = std::fs::File::open(&self.file).map_err(unreadable)?;
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(E::TooLarge(self.file.clone()));
        }
        let rules: StandingRules =
            toml::from_str(&text).map_err(|error| E::Syntax(self.file.clone(), Box::new(error)))?;
        let asks = |rule: &Rule| rule.decision == RuleDecision::Ask;
        match rules.rules.iter().position(asks) {
            Some(rule) => Err(E::Ask {
                file: self.file.clone(),
                rule,
            }),
            None => Ok(rules),
        }
    }

    /// Whether the rules, as they stand now, allow a query with these `facts` under a permit of
    /// `issuer`.
    pub fn allows(&self, facts: &QueryFacts<'_>, issuer: &str) -> Result<(), StewardRefusal> {
        self.rules()?.allow(facts, issuer)
    }
}

impl StandingRules {
    /// Whether these rules allow a query with these `facts` under a permit of `issuer`.
    fn allow(&self, facts: &QueryFacts<'_>, issuer: &str) -> Result<(), StewardRefusal> {
        if self.stopped {
            return Err(StewardRefusal::Stopped);
        }
        let fits = |rule: &Rule| rule.fits(facts, issuer);
        let first = self.rules.iter().enumerate().find(|(_, rule)| fits(rule));
        match first {
            Some((_, rule)) if rule.decision == RuleDecision::Allow => Ok(()),
            Some((number, _)) => Err(StewardRefusal::Denied(number)),
            None => Err(StewardRefusal::NotAllowed),
        }
    }
}

impl Rule {
    fn fits(&self, facts: &QueryFacts<'_>, issuer: &str) -> bool {
        let is_of = |purposes: &BTreeSet<PurposeName>| {
            name_of(facts.purpose).is_some_and(|name| purposes.contains(&name))
        };
        self.purposes.as_ref().is_none_or(is_of)
            && self
                .issuers
                .as_ref()
                .is_none_or(|issuers| issuers.contains(issuer))
            && self
                .variables
                .as_ref()
                .is_none_or(|named| self.fits_variables(named, facts))
    }

    fn fits_variables(&self, named: &BTreeSet<String>, facts: &QueryFacts<'_>) -> bool {
        let is_named = |(view, variable): (&str, &str)| {
            named.contains(view) || named.contains(&format!("{view}.{variable}"))
        };
        match self.decision {
            RuleDecision::Allow => facts.views.iter().all(|(view, used)| {
                // A view that is only counted is used, too: the rule must name it whole.
                (!used.is_empty() || named.contains(view))
                    && used.keys().all(|variable| is_named((view, variable)))
            }),
            RuleDecision::Deny | RuleDecision::Ask => facts.views.iter().any(|(view, used)| {
                named.contains(view) || used.keys().any(|variable| is_named((view, variable)))
            }),
        }
    }
}

/// The name of a secondary use; no rule can name another.
const fn name_of(purpose: Purpose) -> Option<PurposeName> {
    match purpose {
        Purpose::OwnInsight | Purpose::Treatment => None,
        Purpose::QualityImprovement => Some(PurposeName::QualityImprovement),
        Purpose::Research => Some(PurposeName::Research),
        Purpose::Administration => Some(PurposeName::Administration),
    }
}
