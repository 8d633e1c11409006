//! `bench uses`: one agent's log of use with very many entries.
//!
//! Written as an agent writes it, through [`UseLog`], so many entries at a time; opened again; and
//! then people's entries are looked up by their chains and proofs are made, cold caches or not as the
//! machine has them. What is measured: CPU for each entry appended (all threads, the kernel's part of
//! writing and syncing too), opening, memory, a page of a person's entries, and a proof.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use innsyn_agent::uselog::{FsDisk, LogKeys, LogReader, UseLog, UseLogConfig};
use innsyn_policy::{
    NationalId, Organisation, PersonUse, Purpose, QuestionId, RegisterId, Timestamp, UseDecision,
    UseRecord, UseSubject,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use tokio::time::Instant;

use super::report::Spread;
use super::usage::Usage;
use crate::population::{Population, PopulationSpec};

/// Entries that a reading shows on a page.
const PAGE: usize = 48;

/// What `bench uses` is asked.
#[derive(Debug, Args)]
pub struct UsesArgs {
    /// Entries of the log.
    #[arg(long, default_value_t = 10_000_000)]
    entries: usize,
    /// Entries in a commit.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// How many people the log tells of.
    #[arg(long, default_value_t = 100_000)]
    persons: u32,
    /// How many people are looked up, and how many proofs are made.
    #[arg(long, default_value_t = 2_000)]
    readings: usize,
    /// Everything random follows from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder for the log.
    #[arg(long, value_name = "FOLDER", default_value = "/var/tmp")]
    logs: PathBuf,
}

#[derive(Debug, Serialize)]
struct UsesReport {
    entries: usize,
    batch: usize,
    persons: u32,
    /// CPU of the whole process for each entry appended, in microseconds.
    append_cpu_us: f64,
    /// Entries appended in a second.
    appended_per_s: f64,
    /// Opening the log again, in seconds.
    open_s: f64,
    /// What the process holds more once the log is open, in bytes, and that for each person.
    open_resident_bytes: u64,
    open_resident_bytes_per_person: f64,
    /// All entries of one person by their chain, in milliseconds; how many that were, at most.
    all_entries_ms: Spread,
    entries_found_max: usize,
    /// The newest page of one person's entries with a proof for each, in milliseconds.
    page_ms: Spread,
    /// One proof that an entry is in the log, in milliseconds.
    proof_ms: Spread,
    consistency_ms: Spread,
}

/// Measures, and prints the report as JSON.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: UsesArgs) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir_in(&args.logs)
        .with_context(|| format!("no log can be kept in `{}`", args.logs.display()))?;
    let folder = temporary.path().join("log");
    let mut random = StdRng::seed_from_u64(args.seed);
    let population = Population::new(PopulationSpec::new(args.persons, random.random()))?;
    let keys = LogKeys::from_seed(&RegisterId::parse("kreft")?, random.random());
    let keys = keys.context("no key")?;
    let open = |random: &mut StdRng| -> anyhow::Result<UseLog> {
        let salts = StdRng::from_rng(random);
        let disk = FsDisk::open(&folder)?;
        Ok(UseLog::open(
            UseLogConfig::default(),
            keys.clone(),
            disk,
            salts,
        )?)
    };

    let log = open(&mut random)?;
    let people: Vec<_> = (0..args.persons)
        .map(|number| population.person(number).map(|person| person.id))
        .collect::<Option<_>>()
        .context("nobody")?;
    let bar = ProgressBar::new(args.entries as u64);
    let (mut cpu_us, mut seconds, mut written) = (0.0, 0.0, 0);
    while written < args.entries {
        // Made before the clock runs: an agent is given them.
        let some: Vec<Vec<UseRecord>> = (0..512)
            .map(|_| {
                let records = (0..args.batch).map(|n| record(&people, written + n, &mut random));
                records.collect()
            })
            .collect::<anyhow::Result<_>>()?;
        let (began, before) = (Instant::now(), Usage::of(std::process::id())?.cpu_us);
        for batch in some {
            written += batch.len();
            log.append(batch).await?;
        }
        cpu_us += Usage::of(std::process::id())?.cpu_us - before;
        seconds += began.elapsed().as_secs_f64();
        bar.set_position(written as u64);
    }
    bar.finish_and_clear();
    log.close().await;
    drop(log);

    let before = Usage::of(std::process::id())?.resident_bytes;
    let began = Instant::now();
    let log = open(&mut random)?;
    let open_s = began.elapsed().as_secs_f64();
    let resident = Usage::of(std::process::id())?
        .resident_bytes
        .saturating_sub(before);
    let head = log.heads().borrow().clone().context("no head")?;
    let reading = Reading {
        reader: log.reader(),
        size: head.size(),
    };
    let mut measured = Measured::default();
    for _ in 0..args.readings {
        let id = people
            .get(random.random_range(0..people.len()))
            .context("nobody")?;
        let tag = log.tagger().subject(id);
        let (found, took) = reading.all(&tag, usize::MAX, false)?;
        measured.found_max = measured.found_max.max(found);
        measured.all_ms.push(took);
        measured.page_ms.push(reading.all(&tag, PAGE, true)?.1);
        let began = Instant::now();
        reading
            .reader
            .inclusion(random.random_range(0..head.size()), head.size())?;
        measured.proof_ms.push(ms(began));
        let began = Instant::now();
        reading
            .reader
            .consistency(random.random_range(1..head.size()), head.size())?;
        measured.consistency_ms.push(ms(began));
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
    let report = UsesReport {
        entries: written,
        batch: args.batch,
        persons: args.persons,
        append_cpu_us: cpu_us / written as f64,
        appended_per_s: written as f64 / seconds,
        open_s,
        open_resident_bytes: resident,
        open_resident_bytes_per_person: resident as f64 / f64::from(args.persons),
        all_entries_ms: Spread::of(measured.all_ms),
        entries_found_max: measured.found_max,
        page_ms: Spread::of(measured.page_ms),
        proof_ms: Spread::of(measured.proof_ms),
        consistency_ms: Spread::of(measured.consistency_ms),
    };
    log.close().await;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

#[derive(Default)]
struct Measured {
    all_ms: Vec<f64>,
    page_ms: Vec<f64>,
    proof_ms: Vec<f64>,
    consistency_ms: Vec<f64>,
    found_max: usize,
}

struct Reading {
    reader: LogReader,
    size: u64,
}

impl Reading {
    /// How many of the newest entries with `tag` there are, at most `most`, and how long finding
    /// them took, and proving them if `proven`, in milliseconds.
    fn all(&self, tag: &[u8; 16], most: usize, proven: bool) -> anyhow::Result<(usize, f64)> {
        let began = Instant::now();
        let (mut found, mut next) = (0, self.reader.newest(tag));
        while let Some(position) = next {
            if found == most {
                break;
            }
            let placed = self.reader.about(tag, position)?;
            if proven {
                self.reader.inclusion(position, self.size)?;
            }
            found += 1;
            next = placed.before;
        }
        Ok((found, ms(began)))
    }
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

fn record(people: &[NationalId], number: usize, random: &mut StdRng) -> anyhow::Result<UseRecord> {
    let person = people.get(random.random_range(0..people.len()));
    let person = *person.context("nobody")?;
    Ok(UseRecord {
        at: Timestamp::from_seconds(1_800_000_000 + i64::try_from(number / 1000).unwrap_or(0)),
        question: QuestionId((number as u128).to_le_bytes()),
        subject: UseSubject::Person(person, PersonUse::Listing),
        caller: person,
        organisation: Organisation::parse("983658776")?,
        purpose: Purpose::OwnInsight,
        decision: UseDecision::Answered,
    })
}
