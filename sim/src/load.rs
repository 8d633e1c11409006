//! Load: listings at a given rate or a given concurrency, and how long they took.
//!
//! In the open loop a listing begins when it is due, whether or not the ones before have ended,
//! and its time counts from when it was due: a stall is felt by everybody who would have come
//! meanwhile (no coordinated omission). In the closed loop each of so many callers asks again
//! when it has its answer, so a stall silences the load that would have measured it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::{BoxFuture, join_all};
use hdrhistogram::Histogram;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::types::v1::Outcome;
use rand::rngs::StdRng;
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};

use crate::caller::{Caller, Question, outcome_name};
use crate::country::Role;
use crate::world::World;

#[cfg(test)]
mod tests;

/// Listings that may be under way in the open loop; one that finds no room is counted as failed.
const UNDER_WAY_MAX: usize = 20_000;

/// The longest time that is told apart, ten minutes in microseconds; longer ones count as this.
const LONGEST_US: u64 = 600_000_000;

/// Makes one listing. `number` counts up, so that callers take turns between persons.
pub trait MakeListing: Send + Sync + 'static {
    /// Makes the listing and counts its outcomes.
    fn listing(&self, number: u64) -> BoxFuture<'_, anyhow::Result<Listed>>;
}

/// What one listing brought.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// How many registers had each outcome.
    pub outcomes: BTreeMap<Outcome, u32>,
    /// Whether every register that can be asked answered.
    pub complete: bool,
    /// Whether it lasted until the deadline that was asked for.
    pub at_deadline: bool,
    /// How long after the request each answer of the agents came, in microseconds; left empty by
    /// a caller that does not watch single answers.
    pub answered_after_us: Vec<u64>,
}

/// How the load is made.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// So many listings a second, whatever happens.
    Open {
        /// Listings per second.
        per_second: f64,
    },
    /// So many callers, each asking again when answered.
    Closed {
        /// Callers.
        callers: usize,
    },
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Listings that came to an end.
    pub listings: u64,
    /// Listings that failed: an error, or too many under way.
    pub failed: u64,
    /// Listings in which some register gave no answer.
    pub incomplete: u64,
    /// Listings per second.
    pub per_second: f64,
    /// Time from when a listing was due to its summary, in milliseconds.
    pub listing_ms: Quantiles,
    /// Listings that lasted until their deadline.
    pub at_deadline: u64,
    /// The same time of these alone.
    pub at_deadline_ms: Quantiles,
    /// Time from the request to single answers, in milliseconds.
    pub answer_ms: Quantiles,
    /// Outcomes by name, over all listings.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The first error, if there was one.
    pub first_error: Option<String>,
}

/// Quantiles of a time, in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Quantiles {
    pub p50: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub max: f64,
}

impl Quantiles {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of minutes")]
        let ms = |us: u64| us as f64 / 1000.0;
        Self {
            p50: ms(histogram.value_at_quantile(0.5)),
            p99: ms(histogram.value_at_quantile(0.99)),
            p99_9: ms(histogram.value_at_quantile(0.999)),
            max: ms(histogram.max()),
        }
    }
}

struct Done {
    due: Instant,
    ended: Instant,
    result: anyhow::Result<Listed>,
}

/// Loads `target` for `duration`. Listings that begin within `warm_up` are made and not counted.
pub async fn run(
    target: Arc<dyn MakeListing>,
    shape: Shape,
    warm_up: Duration,
    duration: Duration,
) -> anyhow::Result<Report> {
    let begins = Instant::now();
    let counted_from = begins + warm_up;
    let ends = counted_from + duration;
    let (done, mut results) = mpsc::channel::<Done>(UNDER_WAY_MAX);
    let load = tokio::spawn(async move {
        match shape {
            Shape::Open { per_second } => open(target, per_second, begins, ends, done).await,
            Shape::Closed { callers } => closed(target, callers, ends, done).await,
        }
    });

    let mut tally = Tally::new()?;
    while let Some(done) = results.recv().await {
        if done.due >= counted_from {
            tally.count(done);
        }
    }
    load.await?;
    Ok(tally.report(duration))
}

async fn open(
    target: Arc<dyn MakeListing>,
    per_second: f64,
    begins: Instant,
    ends: Instant,
    done: mpsc::Sender<Done>,
) {
    let under_way = Arc::new(Semaphore::new(UNDER_WAY_MAX));
    let mut number = 0;
    loop {
        #[expect(clippy::cast_precision_loss, reason = "a count of listings")]
        let due = begins + Duration::from_secs_f64(number as f64 / per_second);
        if due >= ends {
            return;
        }
        sleep_until(due).await;
        let (target, done) = (Arc::clone(&target), done.clone());
        let place = Arc::clone(&under_way).try_acquire_owned();
        tokio::spawn(async move {
            let result = match place {
                Ok(_place) => target.listing(number).await,
                Err(_) => Err(anyhow::anyhow!("too many listings under way")),
            };
            let _nobody_counts = done
                .send(Done {
                    due,
                    ended: Instant::now(),
                    result,
                })
                .await;
        });
        number += 1;
    }
}

async fn closed(
    target: Arc<dyn MakeListing>,
    callers: usize,
    ends: Instant,
    done: mpsc::Sender<Done>,
) {
    let callers = (0..callers as u64).map(|caller| {
        let (target, done) = (Arc::clone(&target), done.clone());
        async move {
            let mut number = caller;
            while Instant::now() < ends {
                let due = Instant::now();
                let result = target.listing(number).await;
                let _nobody_counts = done
                    .send(Done {
                        due,
                        ended: Instant::now(),
                        result,
                    })
                    .await;
                number += 1_000;
            }
        }
    });
    join_all(callers.map(tokio::spawn)).await;
}

struct Tally {
    listing_us: Histogram<u64>,
    at_deadline_us: Histogram<u64>,
    answer_us: Histogram<u64>,
    failed: u64,
    incomplete: u64,
    outcomes: BTreeMap<&'static str, u64>,
    first_error: Option<String>,
}

impl Tally {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            listing_us: Histogram::new_with_max(LONGEST_US, 3)?,
            at_deadline_us: Histogram::new_with_max(LONGEST_US, 3)?,
            answer_us: Histogram::new_with_max(LONGEST_US, 3)?,
            failed: 0,
            incomplete: 0,
            outcomes: BTreeMap::new(),
            first_error: None,
        })
    }

    fn count(&mut self, done: Done) {
        match done.result {
            Ok(listed) => {
                let us = (done.ended - done.due).as_micros();
                let us = u64::try_from(us).unwrap_or(u64::MAX);
                self.listing_us.saturating_record(us);
                if listed.at_deadline {
                    self.at_deadline_us.saturating_record(us);
                }
                for us in listed.answered_after_us {
                    self.answer_us.saturating_record(us);
                }
                self.incomplete += u64::from(!listed.complete);
                for (outcome, registers) in listed.outcomes {
                    let name = outcome_name(outcome);
                    *self.outcomes.entry(name).or_default() += u64::from(registers);
                }
            }
            Err(error) => {
                self.failed += 1;
                self.first_error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }

    fn report(self, duration: Duration) -> Report {
        #[expect(clippy::cast_precision_loss, reason = "a count of listings")]
        let per_second = self.listing_us.len() as f64 / duration.as_secs_f64();
        Report {
            listings: self.listing_us.len(),
            failed: self.failed,
            incomplete: self.incomplete,
            per_second,
            listing_ms: Quantiles::of(&self.listing_us),
            at_deadline: self.at_deadline_us.len(),
            at_deadline_ms: Quantiles::of(&self.at_deadline_us),
            answer_ms: Quantiles::of(&self.answer_us),
            outcomes: self.outcomes,
            first_error: self.first_error,
        }
    }
}

/// The arguments of `innsyn-sim load`.
#[derive(Debug, clap::Args)]
pub struct LoadArgs {
    /// The world's folder; its gateway must be running.
    #[arg(long, value_name = "FOLDER")]
    world: PathBuf,
    /// Listings per second, whatever happens (open loop).
    #[arg(long, conflicts_with = "callers", required_unless_present = "callers")]
    per_second: Option<f64>,
    /// So many callers, each asking again when answered (closed loop).
    #[arg(long)]
    callers: Option<usize>,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many different persons take turns.
    #[arg(long, default_value_t = 100)]
    persons: u32,
    /// The deadline of each listing, in milliseconds.
    #[arg(long)]
    deadline_ms: Option<u32>,
}

/// Loads the gateway of a world and prints the report as JSON.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub async fn main(args: LoadArgs) -> anyhow::Result<()> {
    let world = World::open(&args.world)?;
    let target = Citizens::new(&world, args.persons, args.deadline_ms).await?;
    let shape = match (args.per_second, args.callers) {
        (Some(per_second), _) => Shape::Open { per_second },
        (None, callers) => Shape::Closed {
            callers: callers.unwrap_or(1),
        },
    };
    let report = run(
        Arc::new(target),
        shape,
        Duration::from_secs(1),
        Duration::from_secs(args.seconds),
    )
    .await?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Persons who take turns in asking a gateway about themselves. Their tokens are made before the
/// load begins, and last five minutes.
#[derive(Debug)]
pub struct Citizens {
    caller: Caller,
    questions: Vec<Question>,
}

impl Citizens {
    /// The first `persons` living people of `world`.
    pub async fn new(
        world: &World,
        persons: u32,
        deadline_ms: Option<u32>,
    ) -> anyhow::Result<Self> {
        let now = SystemClock.now();
        let mut random: StdRng = rand::make_rng();
        let question = |number| -> anyhow::Result<Question> {
            let asking = world.country.asking(number, Role::Oneself, None, now)?;
            let question = world.question(&asking, now, &mut random)?;
            Ok(Question {
                deadline_ms,
                omit_catalogue: true,
                ..question
            })
        };
        let persons = persons.clamp(1, world.country.population.living());
        let questions = (0..persons).map(question).collect::<anyhow::Result<_>>()?;
        let caller = Caller::connect(world.gateway(), world.gateway_ca().as_deref()).await?;
        Ok(Self { caller, questions })
    }
}

impl MakeListing for Citizens {
    fn listing(&self, number: u64) -> BoxFuture<'_, anyhow::Result<Listed>> {
        Box::pin(async move {
            let turn = usize::try_from(number).unwrap_or_default() % self.questions.len();
            let question = self.questions.get(turn).context("nobody to ask about")?;
            let began = Instant::now();
            let mut listed = Listed::default();
            let summary = self
                .caller
                .count(question, |outcome| {
                    *listed.outcomes.entry(outcome).or_default() += 1;
                    if matches!(
                        outcome,
                        Outcome::Registered | Outcome::NotRegistered | Outcome::Deleted
                    ) {
                        let us = began.elapsed().as_micros();
                        listed
                            .answered_after_us
                            .push(u64::try_from(us).unwrap_or(u64::MAX));
                    }
                })
                .await?;
            let told: u32 = listed.outcomes.values().sum();
            anyhow::ensure!(
                told == summary.registers,
                "{told} registers told of, {} in the summary",
                summary.registers
            );
            listed.complete = summary.complete;
            let deadline = question
                .deadline_ms
                .map(u64::from)
                .map(Duration::from_millis);
            listed.at_deadline = deadline.is_some_and(|deadline| began.elapsed() >= deadline);
            Ok(listed)
        })
    }
}
