//! `bench timing`: whether the time that an agent takes tells who is in its register.
//!
//! One agent's answering, with an index of the whole population and a real log, is asked about
//! members and others in a shuffled order, each person once. Two two-sample tests say how likely
//! so large a difference would be if both came from one distribution. The same is then done with
//! an agent that is made to work a little longer on a hit, so that one sees how small a leak the
//! tests would notice.

mod two_samples;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use futures::future::BoxFuture;
use innsyn_agent::service::{Answering, Caps};
use innsyn_agent::sources::config::StatusValues;
use innsyn_agent::sources::{
    Fingerprint, Intake, Loaded, Numbers, PersonFields, Silent, Source, SourceError, SubjectsStore,
};
use innsyn_agent::subjects::SubjectKey;
use innsyn_agent::uselog::{FsDisk, LogKeys, UseLog, UseLogConfig};
use innsyn_policy::{
    Assurance, Caller, Clock, Environment, LegalBasis, NationalId, NumberRules, Organisation,
    Purpose, QuestionId, Register, RegisterId, RegisterKind, Representation, Request,
};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::convert::encode_question;
use innsyn_proto::identity::GatewayName;
use innsyn_proto::wire::node::v1::{Answer, Question};
use innsyn_proto::wire::types::v1::Outcome;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use tokio::time::Instant;

use crate::population::{Population, PopulationSpec};
use two_samples::{KolmogorovSmirnov, MannWhitney, median};

/// How old settings may be; nobody has any here.
const SETTINGS_MAX_AGE: Duration = Duration::from_mins(1);
/// The agent works so much longer on a hit, in nanoseconds. First as it is.
const LEAKS_NS: [u64; 4] = [0, 1_000, 5_000, 20_000];

/// What `bench timing` is asked.
#[derive(Debug, Args)]
pub struct TimingArgs {
    /// How many people the register holds; as many more are not in it.
    #[arg(long, default_value_t = 100_000)]
    members: u32,
    /// Questions about members, and as many about others, for each agent.
    #[arg(long, default_value_t = 5_000)]
    samples: usize,
    /// Everything random follows from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder for the log of use: a tmpfs, so that the disk's moods do not hide a leak.
    #[arg(long, value_name = "FOLDER", default_value = "/dev/shm")]
    logs: PathBuf,
    /// Print JSON; without it, one line for each agent.
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
struct TimingReport {
    members: u32,
    samples_each: usize,
    seed: u64,
    /// The first is the agent as it is; the others leak on purpose.
    agents: Vec<Compared>,
}

/// One agent's times.
#[derive(Debug, Serialize)]
struct Compared {
    /// How much longer it was made to work on a hit, in nanoseconds.
    leak_ns: u64,
    hit_us_p50: f64,
    miss_us_p50: f64,
    mann_whitney: MannWhitney,
    kolmogorov_smirnov: KolmogorovSmirnov,
}

/// Runs the benchmark and prints its report.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: TimingArgs) -> anyhow::Result<()> {
    let wanted = args.samples * LEAKS_NS.len();
    anyhow::ensure!(
        wanted <= args.members as usize,
        "{wanted} persons are asked about once each, and there are {} members; ask for more",
        args.members
    );
    let logs = tempfile::tempdir_in(&args.logs)
        .with_context(|| format!("no log can be kept in `{}`", args.logs.display()))?;
    let mut random = StdRng::seed_from_u64(args.seed);
    let population = Population::new(PopulationSpec::new(args.members * 2, args.seed))?;
    let population = Arc::new(population);
    let mut agent = Agent::open(&population, logs.path(), &mut random).await?;

    // Every second one is a member.
    let mut numbers: Vec<u32> = (0..args.members * 2).collect();
    numbers.shuffle(&mut random);
    let (mut members, mut others): (Vec<u32>, Vec<u32>) =
        numbers.into_iter().partition(|number| is_member(*number));
    agent
        .times(&population, &mut members, &mut others, args.samples / 10, 0)
        .await?;
    let mut agents = Vec::new();
    for leak_ns in LEAKS_NS {
        let samples = args.samples * 9 / 10;
        let times = agent.times(&population, &mut members, &mut others, samples, leak_ns);
        let (hits, misses) = Box::pin(times).await?;
        let compared = Compared {
            leak_ns,
            hit_us_p50: median(&hits),
            miss_us_p50: median(&misses),
            mann_whitney: MannWhitney::of(&hits, &misses),
            kolmogorov_smirnov: KolmogorovSmirnov::of(&hits, &misses),
        };
        if !args.json {
            println!("{compared:?}");
        }
        agents.push(compared);
    }
    if args.json {
        let report = TimingReport {
            members: args.members,
            samples_each: args.samples * 9 / 10,
            seed: args.seed,
            agents,
        };
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}

const fn is_member(number: u32) -> bool {
    number.is_multiple_of(2)
}

/// An agent's answering, without the network.
struct Agent {
    answering: Answering,
    gateway: GatewayName,
    random: StdRng,
}

impl Agent {
    async fn open(
        population: &Arc<Population>,
        log: &std::path::Path,
        random: &mut StdRng,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let numbers = Numbers {
            rules: NumberRules::default(),
            environment: Environment::Test,
        };
        let subjects = SubjectsStore::open(
            Arc::new(EverySecond(Arc::clone(population))),
            SubjectKey::generate(random, None),
            numbers,
            SETTINGS_MAX_AGE,
            Arc::clone(&clock),
            Arc::new(Silent),
        )
        .await?;
        let register = Register {
            id: RegisterId::parse("kreft")?,
            kind: RegisterKind::Central,
            legal_basis: LegalBasis::Mandatory,
            membership_is_sensitive: false,
        };
        let keys = LogKeys::from_seed(&register.id, random.random()).context("no key")?;
        let salts = StdRng::from_rng(random);
        let log = UseLog::open(UseLogConfig::default(), keys, FsDisk::open(log)?, salts)?;
        let gateway: GatewayName = "helsenorge".parse()?;
        let caps = Caps {
            per_minute: u32::MAX,
            per_day: u32::MAX,
        };
        Ok(Self {
            answering: Answering::new(
                register,
                numbers.rules,
                subjects,
                Arc::new(log),
                clock,
                [(gateway.clone(), caps)],
            ),
            gateway,
            random: StdRng::from_rng(random),
        })
    }

    /// How long answers about so many `members` and so many `others` took, in microseconds. Each
    /// person is taken out, and asked about once.
    async fn times(
        &mut self,
        population: &Population,
        members: &mut Vec<u32>,
        others: &mut Vec<u32>,
        samples: usize,
        leak_ns: u64,
    ) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
        let mut asked = members.split_off(members.len() - samples);
        asked.extend(others.split_off(others.len() - samples));
        asked.shuffle(&mut self.random);
        let (mut hits, mut misses) = (Vec::new(), Vec::new());
        for (number, person) in (1..).zip(asked) {
            let id = population.person(person).context("nobody")?.id;
            let question = self.question(number, id)?;
            let began = Instant::now();
            let answers = self.answering.answer(&self.gateway, vec![question]).await;
            let outcome = answers.first().map(Answer::outcome);
            if outcome == Some(Outcome::Registered) {
                let until = Instant::now() + Duration::from_nanos(leak_ns);
                while leak_ns > 0 && Instant::now() < until {}
            }
            let us = began.elapsed().as_secs_f64() * 1e6;
            match outcome {
                Some(Outcome::Registered) if is_member(person) => hits.push(us),
                Some(Outcome::NotRegistered) if !is_member(person) => misses.push(us),
                _ => anyhow::bail!("a wrong answer"),
            }
        }
        Ok((hits, misses))
    }

    /// A question about oneself, read from the wire as the service would.
    fn question(&mut self, number: u64, id: NationalId) -> anyhow::Result<Question> {
        let request = Request {
            subject: id,
            caller: Caller {
                person: id,
                organisation: Organisation::parse("helsenorge")?,
                assurance: Assurance::High,
            },
            representation: Representation::Own,
            purpose: Purpose::OwnInsight,
        };
        let question = QuestionId(self.random.random());
        let encoded = encode_question(question, number, &request, 3_000);
        Ok(Question::decode(encoded)?)
    }
}

/// A register that every second person is in.
#[derive(Debug)]
struct EverySecond(Arc<Population>);

impl Source for EverySecond {
    fn load(&self, mut intake: Intake) -> BoxFuture<'_, Result<Loaded, SourceError>> {
        Box::pin(async move {
            let status = StatusValues {
                registered: Vec::new(),
                deleted: Vec::new(),
            };
            let members = (0..self.0.living()).filter(|number| is_member(*number));
            for person in members.filter_map(|number| self.0.person(number)) {
                let fields = PersonFields {
                    id: Some(person.id.expose_str()),
                    since: Some("2020-01-01"),
                    ..PersonFields::default()
                };
                intake.person(fields, &status)?;
            }
            intake.finish()
        })
    }

    fn fingerprint(&self) -> BoxFuture<'_, Result<Option<Fingerprint>, SourceError>> {
        Box::pin(async { Ok(None) })
    }
}
