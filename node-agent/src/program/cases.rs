//! `innsyn-agent cases`: what the register's case handler sees, and how they answer.
//!
//! A process of its own beside the agent: it writes into the agent's records what was said, and the
//! agent takes it. What is said comes from a file or standard input, and cases are called by random
//! names, so that the list of processes tells of nobody.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, Subcommand, ValueEnum};
use innsyn_policy::{Act, CaseText, Clock as _, Verdict};
use innsyn_proto::case_receipt::CaseId;
use innsyn_proto::clock::SystemClock;

use crate::cases::{
    ATTACHMENTS_BYTES_MAX, Attachment, ClerkWord, Desk, Outcome, Said, Shown, Words,
};
use crate::config::Config;
use crate::research::steward::account;

#[cfg(test)]
mod tests;
mod words;

/// How long the agent is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Cases that are listed.
const LISTED_MAX: u32 = 10_000;
/// The longest text that is read, in bytes: more than the longest that is taken.
const TEXT_BYTES_READ_MAX: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum CasesCommand {
    /// Tell the cases that wait for an answer, those due first. Nothing of any person.
    List {
        #[command(flatten)]
        register: RegisterArgs,
        /// Tell also those that have been answered.
        #[arg(long)]
        all: bool,
    },
    /// Show a case: whose it is, and what was said. The agent must run: that you look is written
    /// into the log of use first, where the person sees it.
    Show {
        #[command(flatten)]
        case: CaseArgs,
        /// Write the files that came with it into this folder, which must be there.
        #[arg(long, value_name = "FOLDER")]
        save: Option<PathBuf>,
    },
    /// Say that somebody works on it.
    Begin {
        #[command(flatten)]
        case: CaseArgs,
    },
    /// Write to the citizen without deciding.
    Message {
        #[command(flatten)]
        case: CaseArgs,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Decide, and tell the citizen. What is refused, wholly or in part, needs a reason in words
    /// that the citizen understands. The register's data are yours to change, before you answer.
    Answer {
        #[command(flatten)]
        case: CaseArgs,
        /// What is decided.
        #[arg(long, value_enum)]
        verdict: VerdictArg,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Take two further months, once and within the first, and tell the citizen why.
    Extend {
        #[command(flatten)]
        case: CaseArgs,
        #[command(flatten)]
        said: SaidArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct CaseArgs {
    #[command(flatten)]
    register: RegisterArgs,
    /// What `list` calls the case, or the beginning of it.
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct SaidArgs {
    /// The file with what you say; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// A file that goes with it; can be given up to four times.
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum VerdictArg {
    /// What was asked for is done.
    Accepted,
    /// It is done in part.
    Partly,
    /// It is not done.
    Refused,
}

/// Does what `command` says.
pub(super) fn run(command: CasesCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_command(command))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn run_command(command: CasesCommand) -> anyhow::Result<()> {
    match command {
        CasesCommand::List { register, all } => {
            let desk = register.desk().await?;
            print!("{}", list(&desk, all).await?);
            desk.close().await;
        }
        CasesCommand::Show { case, save } => {
            let desk = case.register.desk().await?;
            let shown = show(&desk, &case.name, save.as_deref()).await;
            desk.close().await;
            print!("{}", shown?);
        }
        CasesCommand::Begin { case } => say(case, Act::Begin, None).await?,
        CasesCommand::Message { case, said } => say(case, Act::Message, said.read()?).await?,
        CasesCommand::Answer {
            case,
            verdict,
            said,
        } => say(case, Act::Answer(verdict.into()), said.read()?).await?,
        CasesCommand::Extend { case, said } => say(case, Act::Extend, said.read()?).await?,
    }
    Ok(())
}

impl From<VerdictArg> for Verdict {
    fn from(verdict: VerdictArg) -> Self {
        match verdict {
            VerdictArg::Accepted => Self::Accepted,
            VerdictArg::Partly => Self::Partly,
            VerdictArg::Refused => Self::Refused,
        }
    }
}

impl RegisterArgs {
    async fn desk(&self) -> anyhow::Result<Desk> {
        let config = Config::load(&self.config)
            .with_context(|| format!("cannot read {}", self.config.display()))?;
        let records = &config.records;
        Ok(Desk::open(&records.folder, &records.key, rand::make_rng()).await?)
    }
}

impl SaidArgs {
    /// What is said, read and checked.
    fn read(self) -> anyhow::Result<Option<Words>> {
        let text = match &self.text {
            None => None,
            Some(path) => {
                let text = read_text(path)
                    .with_context(|| format!("`{}` cannot be read as text", path.display()))?;
                Some(CaseText::parse(&text)?)
            }
        };
        let files = self.attach.iter().map(|path| read_file(path));
        let files: Vec<Attachment> = files.collect::<anyhow::Result<_>>()?;
        if text.is_none() && files.is_empty() {
            return Ok(None);
        }
        Ok(Some(Words::new(text, files)?))
    }
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin()
            .take(TEXT_BYTES_READ_MAX)
            .read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?
            .take(TEXT_BYTES_READ_MAX)
            .read_to_string(&mut text)?;
    }
    Ok(text)
}

fn read_file(path: &Path) -> anyhow::Result<Attachment> {
    let unreadable = || format!("`{}` cannot be read", path.display());
    let name = path.file_name().and_then(|name| name.to_str());
    let name =
        name.with_context(|| format!("`{}` has no name that can be told", path.display()))?;
    let mut content = Vec::new();
    let max = u64::try_from(ATTACHMENTS_BYTES_MAX).unwrap_or(u64::MAX);
    std::fs::File::open(path)
        .with_context(unreadable)?
        .take(max + 1)
        .read_to_end(&mut content)
        .with_context(unreadable)?;
    Ok(Attachment {
        name: name.to_owned(),
        media_type: words::media_type(path).to_owned(),
        content: Bytes::from(content),
    })
}

async fn list(desk: &Desk, all: bool) -> anyhow::Result<String> {
    let mut cases: Vec<Shown> = desk.list(LISTED_MAX).await?;
    cases.retain(|shown| all || shown.case.state().is_open());
    cases.sort_by_key(|shown| (!shown.case.state().is_open(), shown.case.deadline().due()));
    Ok(words::list(&cases, SystemClock.now()))
}

async fn show(desk: &Desk, name: &str, save: Option<&Path>) -> anyhow::Result<String> {
    let shown = desk.find(name).await?;
    let word = clerks(shown.id, Said::Look, None);
    let id = desk.say(word, SystemClock.now()).await?;
    match desk.outcome(id, PATIENCE).await? {
        Outcome::Taken => {}
        Outcome::Refused(why) => anyhow::bail!("the case is not shown: {why}"),
        Outcome::Waiting => {
            desk.take_back(id).await?;
            anyhow::bail!(
                "the agent does not run, or cannot write its log of use; nothing is shown before \
                 it is logged"
            );
        }
    }
    let person = desk.person(shown.id).await?;
    let steps = desk.steps(shown.id).await?;
    let came_for = desk.came_for(shown.id).await?;
    if let Some(folder) = save {
        words::save(folder, shown.id, &steps)?;
    }
    let about = words::About {
        shown: &shown,
        person: &person,
        came_for,
    };
    Ok(words::case(&about, &steps, SystemClock.now()))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn say(case: CaseArgs, act: Act, words: Option<Words>) -> anyhow::Result<()> {
    let desk = case.register.desk().await?;
    let said = async {
        let shown = desk.find(&case.name).await?;
        let word = clerks(shown.id, Said::Act(act), words);
        let id = desk.say(word, SystemClock.now()).await?;
        anyhow::Ok((shown.id, desk.outcome(id, PATIENCE).await?))
    };
    let said = said.await;
    desk.close().await;
    let (id, outcome) = said?;
    match outcome {
        Outcome::Taken => println!("{}", words::taken(id, act)),
        Outcome::Refused(why) => anyhow::bail!("not done: {why}"),
        Outcome::Waiting => println!(
            "kept: the agent does not run, or cannot write its log of use; it is done when it can, \
             and you need not say it again"
        ),
    }
    Ok(())
}

fn clerks(case: CaseId, said: Said, words: Option<Words>) -> ClerkWord {
    ClerkWord {
        case,
        said,
        words,
        clerk: account::here(),
    }
}
