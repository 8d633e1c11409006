//! The steward: which queries the register answers, by standing rules and by hand.
//!
//! All that the steward says stands in the folder of research, and is looked at for every query:
//! before it waits or runs, at least four times a second while it does, and once more before its
//! part leaves. A change therefore holds at once, for the queries under way too.
//!
//! ```text
//!   steward.toml               the standing rules, written by hand
//!   stopped                    the kill switch: nothing is counted while this file is there
//!   steward/<name>.held        a query that waits, or waited, for the steward
//!   steward/<name>.decided     what the steward has decided about it
//!   steward/decisions.jsonl    all that was ever decided: when, by whom, why
//! ```
//!
//! The rules (`node-agent/steward.example.toml` has an example of each key):
//!
//! ```toml
//! # The kill switch, for who writes files; `innsyn-agent steward stop` does the same.
//! stopped = false
//!
//! # The first rule that fits decides. What is not given fits everything.
//! [[rule]]
//! decision = "deny"
//! variables = ["diagnoses.hiv", "laboratory"]    # a variable, or all of a view
//!
//! [[rule]]
//! decision = "ask"
//! issuers = ["example.no"]
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
//!   read as it should. Write it anew and rename it, as editors do: half a file is no rules.
//! - **Doubt denies.** With `variables`, a rule that denies or asks fits a query that uses *any* of
//!   them, and a rule that allows fits one that uses *no other*.
//! - **`ask` counts nothing before approval.** The query is told to the steward in words
//!   (`innsyn-agent steward list`), and no person is looked at and no budget charged until it is
//!   approved. One that is outside its data permit never comes so far.
//! - **A decision is for one query under one data permit**, whoever of the permit's people asks
//!   and whatever data the register publishes by then. It stands until its days are over, the
//!   permit is issued anew, the rules change, or the steward decides otherwise. Who comes back
//!   after the gateway's deadline is answered at once, or refused at once.
//! - **Everything is bounded**: queries that wait ([`queue`] has the numbers), days, sizes.
//! - **The steward is told of no person**: who asks is named by permit and organisation.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use innsyn_policy::{QueryFacts, Timestamp};
use innsyn_proto::receipt::StewardsWord;

pub mod account;
pub mod queue;
mod rules;
pub mod switch;
#[cfg(test)]
mod tests;

use queue::{HeldName, Queue, QueueError};
use rules::RuleDecision;
pub use rules::{Rule, StandingRules};
use switch::Switch;

/// The name of the file in the folder of research.
pub const FILE: &str = "steward.toml";
/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// All that the steward says, where it is kept.
#[derive(Debug, Clone)]
pub struct Steward {
    file: PathBuf,
    switch: Switch,
    queue: Queue,
}

/// What the steward says of a query that is not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be counted.
    Allowed(StewardsWord),
    /// It may be counted when the steward has approved it.
    Asks {
        /// The number of the rule, from 1.
        rule: u32,
    },
}

/// Why the steward lets a query not be counted.
#[derive(Debug, thiserror::Error)]
pub enum StewardRefusal {
    /// The kill switch.
    #[error("the steward has stopped all queries")]
    Stopped,
    /// A rule says no.
    #[error("the steward's rule number {0} denies the query")]
    Denied(u32),
    /// No rule says yes.
    #[error("no rule of the steward's allows the query")]
    NotAllowed,
    /// The steward said no.
    #[error("the steward has denied the query")]
    DeniedByHand,
    /// The steward has said nothing, and nobody waits any longer.
    #[error("the steward has not decided about the query yet")]
    NotDecided,
    /// There are no rules that can be relied on.
    #[error("the steward's rules cannot be used")]
    Rules(#[from] StewardError),
    /// The steward cannot be asked, or what they decided cannot be read.
    #[error("the steward's queue cannot be used")]
    Queue(#[from] QueueError),
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
}

impl Steward {
    /// The steward whose word stands in the folder of research.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            file: folder.join(FILE),
            switch: Switch::in_folder(folder),
            queue: Queue::in_folder(folder),
        }
    }

    /// The queries that wait for the steward, and what was decided.
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The kill switch beside the rules.
    pub const fn switch(&self) -> &Switch {
        &self.switch
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
        toml::from_str(&text).map_err(|error| E::Syntax(self.file.clone(), Box::new(error)))
    }

    /// What the steward says, as it stands at `now`, of a query with these `facts` under a permit
    /// of `issuer`, which is called `held` in the queue.
    pub fn verdict(
        &self,
        facts: &QueryFacts<'_>,
        issuer: &str,
        held: &HeldName,
        now: Timestamp,
    ) -> Result<Verdict, StewardRefusal> {
        use StewardRefusal as R;
        if self.switch.is_on() {
            return Err(R::Stopped);
        }
        let rules = self.rules()?;
        if rules.stopped {
            return Err(R::Stopped);
        }
        let (rule, decision) = rules.first(facts, issuer).ok_or(R::NotAllowed)?;
        let allowed = |approved| Ok(Verdict::Allowed(StewardsWord { rule, approved }));
        match decision {
            RuleDecision::Allow => allowed(false),
            RuleDecision::Deny => Err(R::Denied(rule)),
            RuleDecision::Ask => match self.queue.decision(held, &rules.digest(), now)? {
                None => Ok(Verdict::Asks { rule }),
                Some(decision) if decision.approves() => allowed(true),
                Some(_) => Err(R::DeniedByHand),
            },
        }
    }
}
