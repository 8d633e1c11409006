//! `innsyn-agent steward`: what the steward sees, and how they decide.
//!
//! A process of its own beside the agent: it reads and writes the folder of research, and the agent
//! looks there several times a second while anything waits or runs.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use innsyn_policy::{Clock as _, Timestamp};
use innsyn_proto::clock::SystemClock;
use serde::Serialize;

use crate::config::Config;
use crate::research::steward::account;
use crate::research::steward::queue::{Decided, Decision, Kept, Reason, Said};
use crate::research::steward::{Steward, switch};

#[cfg(test)]
mod tests;
mod words;

/// How long a decision stands, in days, if the steward does not say.
const DAYS: u16 = 30;
const DAYS_MAX: i64 = 366;

#[derive(Debug, Subcommand)]
pub(super) enum StewardCommand {
    /// Tell the queries that wait for a decision, in words.
    List {
        #[command(flatten)]
        register: RegisterArgs,
        /// Tell also what has been decided and still stands.
        #[arg(long)]
        all: bool,
        /// The language of the queries' words.
        #[arg(long, value_enum, default_value_t = Language::Nb)]
        language: Language,
        /// Print JSON instead.
        #[arg(long)]
        json: bool,
    },
    /// Let a query be counted: this query, under this data permit, until the permit or the rules
    /// change.
    Approve(DecideArgs),
    /// Refuse a query. It takes the approval of one that was approved, too.
    Deny(DecideArgs),
    /// The kill switch: nothing is counted any more for anybody, and what runs or waits ends.
    Stop {
        #[command(flatten)]
        register: RegisterArgs,
        /// Why, for your own records.
        #[arg(long, value_name = "TEXT")]
        reason: Option<Reason>,
    },
    /// Let the rules decide again after `stop`.
    Resume {
        #[command(flatten)]
        register: RegisterArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct DecideArgs {
    #[command(flatten)]
    register: RegisterArgs,
    /// What `list` calls the query, or the beginning of it.
    name: String,
    /// How long the decision stands, in days.
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u16).range(1..=DAYS_MAX))]
    days: u16,
    /// Why, for your own records; the researcher is not told.
    #[arg(long, value_name = "TEXT")]
    reason: Option<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Language {
    /// Norwegian, bokmål.
    Nb,
    /// English.
    En,
}

/// A line of what was ever decided, where it is of no one query.
#[derive(Serialize)]
struct Switched<'a> {
    switch: &'a str,
    at: i64,
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
}

/// Does what `command` says.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) fn run(command: StewardCommand) -> anyhow::Result<()> {
    let now = SystemClock.now();
    match command {
        StewardCommand::List {
            register,
            all,
            language,
            json,
        } => {
            let steward = register.steward()?;
            let kept = list(&steward, all, now)?;
            if json {
                println!("{}", words::json(&kept)?);
            } else {
                if steward.switch().is_on() || steward.rules()?.stopped {
                    println!("everything is stopped: nothing is counted until it is taken back");
                }
                print!("{}", words::list(&kept, language, now));
            }
        }
        StewardCommand::Approve(args) => println!("{}", args.decide(Said::Approved, now)?),
        StewardCommand::Deny(args) => println!("{}", args.decide(Said::Denied, now)?),
        StewardCommand::Stop { register, reason } => {
            println!("{}", stop(&register.steward()?, reason.as_ref(), now)?);
        }
        StewardCommand::Resume { register } => println!("{}", resume(&register.steward()?, now)?),
    }
    Ok(())
}

impl DecideArgs {
    fn decide(self, said: Said, now: Timestamp) -> anyhow::Result<String> {
        let decide = Decide {
            name: &self.name,
            said,
            days: self.days,
            reason: self.reason,
        };
        decide.at(&self.register.steward()?, now)
    }
}

impl RegisterArgs {
    fn steward(&self) -> anyhow::Result<Steward> {
        let config = Config::load(&self.config)
            .with_context(|| format!("cannot read {}", self.config.display()))?;
        let section = config.research.as_ref();
        let section = section.context("this register counts nothing: it has no `[research]`")?;
        Ok(Steward::in_folder(&section.folder))
    }
}

fn list(steward: &Steward, all: bool, now: Timestamp) -> anyhow::Result<Vec<Kept>> {
    let mut kept = steward.queue().all(&steward.rules()?.digest(), now)?;
    kept.retain(|kept| all || kept.decision.is_none());
    Ok(kept)
}

/// A decision that is to be made.
struct Decide<'a> {
    name: &'a str,
    said: Said,
    days: u16,
    reason: Option<Reason>,
}

impl Decide<'_> {
    fn at(self, steward: &Steward, now: Timestamp) -> anyhow::Result<String> {
        let rules = steward.rules()?.digest();
        let kept = steward.queue().find(self.name, &rules, now)?;
        let decided = Decided {
            said: self.said,
            at: now,
            stands_for: Duration::from_hours(24 * u64::from(self.days)),
            by: account::here(),
            reason: self.reason,
            rules: &rules,
        };
        let decision = Decision::about(&kept.query, decided);
        steward.queue().decide(&kept.name, &decision)?;
        Ok(words::decided(&kept, &decision))
    }
}

fn stop(steward: &Steward, reason: Option<&Reason>, now: Timestamp) -> anyhow::Result<String> {
    let by = account::here();
    let note = words::stopped(&by, reason, now);
    // The switch first: what is in a hurry waits for no record.
    let stopped = steward.switch().stop(&note);
    stopped.with_context(|| format!("the file `{}` cannot be written", switch::FILE))?;
    noted(steward, "stopped", &by, reason, now)?;
    Ok(
        "stopped: nothing is counted for researchers until `innsyn-agent steward resume`"
            .to_owned(),
    )
}

fn resume(steward: &Steward, now: Timestamp) -> anyhow::Result<String> {
    let by = account::here();
    noted(steward, "resumed", &by, None, now)?;
    let resumed = steward.switch().resume();
    let was_on =
        resumed.with_context(|| format!("the file `{}` cannot be deleted", switch::FILE))?;
    let rules = steward.rules().context("nothing is counted still")?;
    anyhow::ensure!(
        !rules.stopped,
        "nothing is counted still: `steward.toml` says `stopped = true`"
    );
    Ok(if was_on {
        "resumed: the rules decide again"
    } else {
        "it was not stopped: the rules decide"
    }
    .to_owned())
}

fn noted(
    steward: &Steward,
    switch: &str,
    by: &str,
    reason: Option<&Reason>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let at = now.as_seconds();
    let switched = Switched {
        switch,
        at,
        by,
        reason,
    };
    Ok(steward.queue().note(&switched)?)
}
