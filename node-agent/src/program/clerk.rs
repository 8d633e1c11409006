//! `innsyn-agent clerk`: what a register's clerks do with paper.
//!
//! A process of its own beside the agent: it writes into the agent's records what a clerk has signed,
//! and the agent takes it. A national id, a reason and a passphrase come from files or standard input,
//! never from the command line, which others on the machine can read.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use innsyn_policy::{
    ClerkName, Clock as _, DefinitionId, EnteredPaper, NationalId, SettingDefinition,
};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::setting::paper::{
    ARCHIVE_BYTES_MAX, ClerkKey, ClerkSigner, Paper, PaperSaid, PaperWord, REASON_BYTES_MAX,
    digest, line,
};
use jiff::civil::Date;
use rand::rngs::StdRng;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::settings::papers::PaperDesk;
use crate::settings::papers::desk::{PaperOutcome, ShownPaper};
use crate::settings::papers::key;

#[cfg(test)]
mod tests;
mod words;

/// How long the agent is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Papers that are listed.
const LISTED_MAX: u32 = 10_000;
/// The longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024;
/// Stands for standard input.
const STDIN: &str = "-";

#[derive(Debug, Subcommand)]
pub(super) enum ClerkCommand {
    /// Make a key for a clerk, and print what whoever runs the agent puts into its configuration.
    Key {
        /// What people will see the clerk called: a-z, 0-9, `.`, `_`, `-`, `@`.
        #[arg(long)]
        name: String,
        /// The file to make.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Tell what people can say yes or no to here.
    Definitions {
        #[command(flatten)]
        register: RegisterArgs,
    },
    /// Enter what a paper says. It is no setting before another clerk has confirmed it.
    Set {
        #[command(flatten)]
        register: RegisterArgs,
        #[command(flatten)]
        clerk: ClerkArgs,
        #[command(flatten)]
        paper: PaperArgs,
    },
    /// Tell the papers that wait for a second clerk. Nothing of any person.
    List {
        #[command(flatten)]
        register: RegisterArgs,
        /// Tell also those that were confirmed or withdrawn, or have lapsed.
        #[arg(long)]
        all: bool,
    },
    /// Show what was entered, in words, with a code; given back with `--seen`, confirm that the
    /// paper says so. Not for who entered it.
    Confirm {
        #[command(flatten)]
        register: RegisterArgs,
        #[command(flatten)]
        clerk: ClerkArgs,
        /// What `list` calls the paper, or the beginning of it.
        name: String,
        /// The code that was shown with what you have read and held against the paper.
        #[arg(long, value_name = "CODE")]
        seen: Option<String>,
    },
    /// Take back what was entered and is not confirmed.
    Withdraw {
        #[command(flatten)]
        register: RegisterArgs,
        #[command(flatten)]
        clerk: ClerkArgs,
        /// What `list` calls the paper, or the beginning of it.
        name: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct PassphraseArgs {
    /// The file whose first line is the passphrase, at least 12 characters; `-` for standard input,
    /// for example `systemd-ask-password | innsyn-agent clerk …`.
    #[arg(long, value_name = "FILE", default_value = STDIN)]
    passphrase: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ClerkArgs {
    /// Your key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(super) struct PaperArgs {
    /// The file with the person's national id; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    person: PathBuf,
    /// The definition's GUID, as `definitions` tells it.
    #[arg(long, value_name = "GUID")]
    definition: String,
    /// Whether the consent, reservation or block stands from now on.
    #[arg(long, value_enum)]
    says: Says,
    /// The file with the reason, one line: why it is on paper. The person sees it.
    #[arg(long, value_name = "FILE")]
    reason: PathBuf,
    /// The date on the paper, as in 2026-11-20.
    #[arg(long)]
    dated: Date,
    /// Where the paper is kept, such as a case number. The person sees it.
    #[arg(long)]
    archive: String,
    /// The version of the text on the paper, if it is not the newest.
    #[arg(long, value_name = "N")]
    text_version: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Says {
    /// It stands.
    Yes,
    /// It does not, or not any more.
    No,
}

/// Does what `command` says.
pub(super) fn run(command: ClerkCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_command(command))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn run_command(command: ClerkCommand) -> anyhow::Result<()> {
    let said = match command {
        ClerkCommand::Key {
            name,
            out,
            passphrase,
        } => make_key(&name, &out, &passphrase)?,
        ClerkCommand::Definitions { register } => {
            let register = Register::load(&register)?;
            words::definitions(register.definitions())
        }
        ClerkCommand::Set {
            register,
            clerk,
            paper,
        } => set(&register, &clerk, &paper).await?,
        ClerkCommand::List { register, all } => list(&register, all).await?,
        ClerkCommand::Confirm {
            register,
            clerk,
            name,
            seen,
        } => confirm(&register, &clerk, &name, seen.as_deref()).await?,
        ClerkCommand::Withdraw {
            register,
            clerk,
            name,
        } => {
            let register = Register::load(&register)?;
            let clerk = clerk.signer(&register)?;
            register
                .with_desk(async |desk| {
                    let shown = register.find(desk, &name).await?;
                    register
                        .say(desk, &clerk, &shown, PaperSaid::Withdraw)
                        .await
                })
                .await?
        }
    };
    print!("{said}");
    Ok(())
}

/// The register whose papers they are.
struct Register {
    config: Config,
    clerks: Vec<ClerkKey>,
    definitions: SettingDefinitions,
}

impl Register {
    fn load(args: &RegisterArgs) -> anyhow::Result<Self> {
        let config = Config::load(&args.config)
            .with_context(|| format!("cannot read {}", args.config.display()))?;
        let section = config.settings.as_ref();
        let section = section.context(
            "the agent takes no settings; its configuration has no `[settings]` section",
        )?;
        let clerks = section.clerks()?;
        anyhow::ensure!(
            !clerks.is_empty(),
            "no clerks are named in `settings.clerks` of {}; `innsyn-agent clerk key` makes a key \
             and prints what goes there",
            args.config.display()
        );
        let definitions = SettingDefinitions::load(&section.definitions)?;
        Ok(Self {
            config,
            clerks,
            definitions,
        })
    }

    /// What can be said here.
    fn definitions(&self) -> impl Iterator<Item = &SettingDefinition> {
        let id = &self.config.register.id;
        let all = self.definitions.iter().map(|it| &**it);
        all.filter(move |it| it.holds_at(id))
    }

    async fn with_desk<T>(
        &self,
        work: impl AsyncFnOnce(&PaperDesk) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let records = &self.config.records;
        let random: StdRng = rand::make_rng();
        let desk = PaperDesk::open(&records.folder, &records.key, random).await?;
        let done = work(&desk).await;
        desk.close().await;
        done
    }

    async fn find(&self, desk: &PaperDesk, name: &str) -> anyhow::Result<ShownPaper> {
        let id = &self.config.register.id;
        Ok(desk.find(name, &self.clerks, id).await?)
    }

    async fn say(
        &self,
        desk: &PaperDesk,
        clerk: &ClerkSigner,
        shown: &ShownPaper,
        said: PaperSaid,
    ) -> anyhow::Result<String> {
        let now = SystemClock.now();
        may(&shown.entered, clerk.name(), said)?;
        let word = PaperWord {
            register: self.config.register.id.clone(),
            paper: digest(&shown.note),
            said,
            at: now,
        };
        let id = desk.say(shown.id, &word.sign(clerk)?, now).await?;
        told(shown.id, desk.outcome(id, PATIENCE).await?)
    }
}

/// The rules that the agent will look at again, so that the clerk is told at once.
fn may(entered: &EnteredPaper, clerk: &ClerkName, said: PaperSaid) -> anyhow::Result<()> {
    let now = SystemClock.now();
    match said {
        PaperSaid::Confirm => entered.may_confirm(clerk, now)?,
        PaperSaid::Withdraw => entered.may_withdraw(now)?,
    }
    Ok(())
}

fn told(paper: [u8; 16], outcome: PaperOutcome) -> anyhow::Result<String> {
    match outcome {
        PaperOutcome::Taken(told) => Ok(format!("{}  {told}\n", hex::encode(paper))),
        PaperOutcome::Refused(why) => anyhow::bail!("not done: {why}"),
        PaperOutcome::Waiting => Ok(format!(
            "{}  kept: the agent does not run, or cannot write its log of use; it is done when it \
             can, and you need not say it again\n",
            hex::encode(paper)
        )),
    }
}

fn make_key(name: &str, out: &Path, passphrase: &PassphraseArgs) -> anyhow::Result<String> {
    let name = ClerkName::parse(name)?;
    let mut random: StdRng = rand::make_rng();
    let signer = key::make(out, &name, &passphrase.read()?, &mut random)?;
    Ok(format!(
        "{}\n\nPut this line into `settings.clerks` of the agent's configuration, and start the \
         agent again.\n",
        signer.public_text()
    ))
}

async fn set(
    register: &RegisterArgs,
    clerk: &ClerkArgs,
    paper: &PaperArgs,
) -> anyhow::Result<String> {
    let register = Register::load(register)?;
    anyhow::ensure!(
        paper.person != Path::new(STDIN) || clerk.passphrase.passphrase != Path::new(STDIN),
        "the person and the passphrase cannot both come from standard input"
    );
    let clerk = clerk.signer(&register)?;
    let paper = paper.read(&register)?;
    register
        .with_desk(async |desk| {
            let note = paper.sign(&clerk)?;
            let id = desk.enter(&note, SystemClock.now()).await?;
            told(id, desk.outcome(id, PATIENCE).await?)
        })
        .await
}

async fn list(register: &RegisterArgs, all: bool) -> anyhow::Result<String> {
    let register = Register::load(register)?;
    register
        .with_desk(async |desk| {
            let id = &register.config.register.id;
            let mut papers = desk.list(&register.clerks, id, LISTED_MAX).await?;
            let now = SystemClock.now();
            papers.retain(|shown| all || shown.entered.waits_at(now));
            Ok(words::list(&papers, &register.definitions, now))
        })
        .await
}

async fn confirm(
    register: &RegisterArgs,
    clerk: &ClerkArgs,
    name: &str,
    seen: Option<&str>,
) -> anyhow::Result<String> {
    let register = Register::load(register)?;
    let clerk = clerk.signer(&register)?;
    register
        .with_desk(async |desk| {
            let shown = register.find(desk, name).await?;
            may(&shown.entered, clerk.name(), PaperSaid::Confirm)?;
            let Some(seen) = seen else {
                return Ok(words::paper(&shown, &register.definitions));
            };
            anyhow::ensure!(
                seen == words::code(&shown),
                "the code is not that of this paper; look at it again without `--seen`"
            );
            register.say(desk, &clerk, &shown, PaperSaid::Confirm).await
        })
        .await
}

impl PassphraseArgs {
    /// The first line.
    fn read(&self) -> anyhow::Result<Zeroizing<String>> {
        anyhow::ensure!(
            self.passphrase != Path::new(STDIN) || !std::io::stdin().is_terminal(),
            "a passphrase typed here would be seen; pipe it in, as in `systemd-ask-password | \
             innsyn-agent clerk …`, or give `--passphrase FILE`"
        );
        let text = Zeroizing::new(read(&self.passphrase)?);
        Ok(Zeroizing::new(
            text.lines().next().unwrap_or_default().to_owned(),
        ))
    }
}

impl ClerkArgs {
    /// The clerk's key, open, if the agent knows it.
    fn signer(&self, register: &Register) -> anyhow::Result<ClerkSigner> {
        let signer = key::open(&self.key, &self.passphrase.read()?)?;
        let is_it = |it: &ClerkKey| {
            it.name() == signer.name() && signer.public_text().ends_with(it.public())
        };
        anyhow::ensure!(
            register.clerks.iter().any(is_it),
            "the key `{}` is not among `settings.clerks` of the agent's configuration",
            self.key.display()
        );
        Ok(signer)
    }
}

impl PaperArgs {
    /// What the paper says, read and checked.
    fn read(&self, register: &Register) -> anyhow::Result<Paper> {
        let digits = Zeroizing::new(read(&self.person)?);
        let rules = register.config.numbers.rules;
        // What is wrong is told; what was read is not.
        let person = NationalId::parse(digits.trim(), rules)
            .with_context(|| format!("`{}` does not hold a national id", self.person.display()))?;
        let definition = DefinitionId::parse(&self.definition)?;
        let mut here = register.definitions();
        let definition = here.find(|it| it.id == definition).with_context(|| {
            format!(
                "definition `{definition}` is none of this register; `innsyn-agent clerk \
                 definitions` tells them"
            )
        })?;
        let reason = read(&self.reason)?;
        let reason = line(reason.trim(), REASON_BYTES_MAX).with_context(|| {
            format!(
                "`{}` must hold one line of 1 to {REASON_BYTES_MAX} bytes",
                self.reason.display()
            )
        })?;
        let archive = line(&self.archive, ARCHIVE_BYTES_MAX).with_context(|| {
            format!("the archive reference must be one line of 1 to {ARCHIVE_BYTES_MAX} bytes")
        })?;
        Ok(Paper {
            register: register.config.register.id.clone(),
            person,
            definition: definition.id,
            text_version: self.text_version.unwrap_or(definition.text_version),
            active: self.says == Says::Yes,
            dated: self.dated,
            archive,
            reason,
            at: SystemClock.now(),
        })
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if path == Path::new(STDIN) {
        std::io::stdin()
            .take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
    };
    read.with_context(|| format!("`{}` cannot be read as text", path.display()))?;
    Ok(text)
}
