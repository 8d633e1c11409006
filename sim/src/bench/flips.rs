//! `bench flips`: whether every flipped bit of a large log of use is found, and how long looking
//! takes.
//!
//! A log is written as an agent writes it, through [`UseLog`], with a signed and a countersigned
//! head. Then one random bit after the other is flipped in its files and the whole log verified,
//! exactly as `innsyn-agent uselog verify` does. Where the fault must be named is worked out here
//! from the documented format alone: the same file, the frame or hash that holds the byte, and
//! the entry. A flip that is not found, or is named elsewhere, makes the command fail.
//!
//! The agent's unit tests do the same to every byte of a small log; this is too slow for them.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use innsyn_agent::uselog::{
    AuditError, ENTRY_BYTES, Fault, FsDisk, LogKeys, Report, UseLog, UseLogConfig, verify,
};
use innsyn_policy::{
    Clock as _, Organisation, PersonUse, Purpose, QuestionId, RegisterId, Timestamp, UseDecision,
    UseRecord, UseSubject,
};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::head::{HeadKey, HeadSigner, SignedHead, countersign};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use tokio::time::Instant;

use super::report::Spread;
use crate::population::{Population, PopulationSpec};

/// How many entries a commit has at most; each has another number.
const COMMIT_ENTRIES_MAX: usize = 256;
/// Small segments, so that the log has several.
const SEGMENT_BYTES_MAX: u64 = 2 << 20;
/// Before and after a frame's entries, in bytes.
const FRAME_HEADER_BYTES: u64 = 20;
const FRAME_TRAILER_BYTES: u64 = 36;
const HASH_BYTES: u64 = 32;
/// How many people the log tells of.
const PERSONS: u32 = 1000;

/// What `bench flips` is asked.
#[derive(Debug, Args)]
pub struct FlipsArgs {
    /// Entries of the log.
    #[arg(long, default_value_t = 50_000)]
    entries: usize,
    /// How many random bits are flipped, one at a time.
    #[arg(long, default_value_t = 10_000)]
    flips: usize,
    /// Everything random follows from this, except the order of the threads.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder for the log.
    #[arg(long, value_name = "FOLDER", default_value = "/dev/shm")]
    logs: PathBuf,
}

#[derive(Debug, Serialize)]
struct FlipsReport {
    seed: u64,
    entries: u64,
    commits: u64,
    /// Bytes of each of the log's files.
    files: BTreeMap<String, u64>,
    /// Flips in each file, all of them found and rightly named.
    found: BTreeMap<String, usize>,
    /// Verifying the log as it was written, in milliseconds.
    whole_log_ms: f64,
    /// Finding one flip, with as many at once as there are processors, in milliseconds.
    flip_ms: Spread,
    seconds: f64,
}

/// One bit of the log.
#[derive(Debug, Clone)]
struct Flip {
    file: String,
    at: u64,
    bit: u8,
}

/// What a fault must be named by.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    file: String,
    offset: u64,
    entry: Option<u64>,
}

/// Runs the flips and prints the report as JSON.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn main(args: FlipsArgs) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir_in(&args.logs)
        .with_context(|| format!("no log can be kept in `{}`", args.logs.display()))?;
    let folder = temporary.path().join("written");
    let mut random = StdRng::seed_from_u64(args.seed);
    let log = Written::write(&folder, args.entries, &mut random).await?;
    let report = tokio::task::spawn_blocking(move || flips(&log, &args, &mut random)).await??;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn flips(log: &Written, args: &FlipsArgs, random: &mut StdRng) -> anyhow::Result<FlipsReport> {
    let began = Instant::now();
    let whole = log.verify(&log.folder).context("the log as written")?;
    let whole_log_ms = began.elapsed().as_secs_f64() * 1000.0;
    anyhow::ensure!(whole.commits == log.frames.len() as u64, "other commits");

    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut flips = Vec::with_capacity(args.flips);
    for _ in 0..args.flips {
        let flip = log.random_flip(random)?;
        *found.entry(flip.file.clone()).or_default() += 1;
        flips.push(flip);
    }
    let (flips, flip_ms) = (Mutex::new(flips), Mutex::new(Vec::new()));
    let bar = ProgressBar::new(args.flips as u64);
    let began = Instant::now();
    thread::scope(|scope| {
        let flipper = |number: usize| {
            let (flips, flip_ms, bar) = (&flips, &flip_ms, &bar);
            scope.spawn(move || log.find_each(number, flips, flip_ms, bar))
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let flippers: Vec<_> = (0..threads).map(flipper).collect();
        flippers.into_iter().try_for_each(|flipper| {
            let ended = flipper.join();
            ended.unwrap_or_else(|_| anyhow::bail!("a thread panicked"))
        })
    })?;
    bar.finish();
    let flip_ms = flip_ms.into_inner().unwrap_or_default();
    anyhow::ensure!(flip_ms.len() == args.flips, "not all bits were flipped");
    Ok(FlipsReport {
        seed: args.seed,
        entries: whole.entries,
        commits: whole.commits,
        files: log.files.clone(),
        found,
        whole_log_ms,
        flip_ms: Spread::of(flip_ms),
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// A log that was written, and where everything stands in it.
struct Written {
    folder: PathBuf,
    log_key: String,
    gateway_key: String,
    files: BTreeMap<String, u64>,
    /// Where each frame begins, its first entry, and how many it has.
    frames: Vec<(String, u64, u64, u64)>,
}

impl Written {
    async fn write(folder: &Path, entries: usize, random: &mut StdRng) -> anyhow::Result<Self> {
        let population = Population::new(PopulationSpec::new(PERSONS, random.random()))?;
        let register = RegisterId::parse("kreft")?;
        let keys = LogKeys::from_seed(&register, random.random()).context("no key")?;
        let gateway = HeadSigner::from_seed("helsenorge", random.random())?;
        let config = UseLogConfig {
            segment_bytes_max: SEGMENT_BYTES_MAX,
            countersigners: vec![gateway.witness()?],
            ..UseLogConfig::default()
        };
        let salts = StdRng::from_rng(random);
        let log = UseLog::open(config, keys, FsDisk::open(folder)?, salts)?;
        let mut written = Self {
            folder: folder.to_owned(),
            log_key: log.public_key().to_owned(),
            gateway_key: gateway.public_text().to_owned(),
            files: BTreeMap::new(),
            frames: Vec::new(),
        };
        let (mut first, mut segment, mut end) = (0, 0, 0);
        let mut countersigned = false;
        while first < entries {
            let count = random.random_range(1..=COMMIT_ENTRIES_MAX.min(entries - first));
            let records = (first..first + count)
                .map(|number| record(&population, number, random))
                .collect::<anyhow::Result<Vec<_>>>()?;
            log.append(records).await?;
            if end >= SEGMENT_BYTES_MAX {
                (segment, end) = (segment + 1, 0);
            }
            let file = format!("{segment:08}.seg");
            let frame = (file, end, first as u64, count as u64);
            written.frames.push(frame);
            end += FRAME_HEADER_BYTES + (count * ENTRY_BYTES) as u64 + FRAME_TRAILER_BYTES;
            first += count;
            if first >= entries / 2 && !countersigned {
                let head = log.heads().wait_for(Option::is_some).await?.clone();
                let note = head.as_ref().map(SignedHead::note).unwrap_or_default();
                let log_key = HeadKey::parse(log.public_key())?;
                let signed = countersign(note, &log_key, None, &[], &gateway, SystemClock.now())?;
                log.add_countersigned(signed.note().to_vec()).await?;
                countersigned = true;
            }
        }
        log.close().await;
        for file in fs::read_dir(folder)? {
            let file = file?;
            let name = file.file_name().into_string().ok().context("no name")?;
            let bytes = file.metadata()?.len();
            // The lock is empty.
            if bytes > 0 {
                written.files.insert(name, bytes);
            }
        }
        Ok(written)
    }

    fn verify(&self, folder: &Path) -> Result<Report, AuditError> {
        let key = |text| HeadKey::parse(text).ok();
        let keys = key(&self.log_key).zip(key(&self.gateway_key));
        let (log, gateway) = keys.ok_or_else(|| AuditError::Io {
            file: "keys".to_owned(),
            source: std::io::ErrorKind::InvalidData.into(),
        })?;
        verify(
            &FsDisk::read_only(folder),
            &log,
            &[gateway.witness().clone()],
            None,
        )
    }

    /// One bit, each of the log equally likely.
    fn random_flip(&self, random: &mut StdRng) -> anyhow::Result<Flip> {
        let mut at = random.random_range(0..self.files.values().sum());
        for (file, bytes) in &self.files {
            if at < *bytes {
                return Ok(Flip {
                    file: file.clone(),
                    at,
                    bit: random.random_range(0..8),
                });
            }
            at -= bytes;
        }
        anyhow::bail!("the log is empty")
    }

    /// Where the format says that a byte belongs.
    fn place(&self, flip: &Flip) -> anyhow::Result<Place> {
        let (offset, entry) = match flip.file.as_str() {
            "head" | "countersigned" => (0, None),
            "hashes" => {
                let hash = flip.at / HASH_BYTES;
                (hash * HASH_BYTES, Some(entry_of_hash(hash)))
            }
            segment => {
                let frame = self
                    .frames
                    .iter()
                    .rfind(|(file, begin, ..)| file == segment && *begin <= flip.at);
                let (_, begin, first, count) = frame.context("a byte in no frame")?;
                let entry = (flip.at - begin)
                    .checked_sub(FRAME_HEADER_BYTES)
                    .map(|at| at / ENTRY_BYTES as u64)
                    .filter(|number| number < count);
                // Header and trailer belong to all of them; the first is named.
                (*begin, Some(first + entry.unwrap_or_default()))
            }
        };
        Ok(Place {
            file: flip.file.clone(),
            offset,
            entry,
        })
    }

    /// Takes flips until none is left, makes each in a copy of the log and has it found.
    fn find_each(
        &self,
        number: usize,
        flips: &Mutex<Vec<Flip>>,
        flip_ms: &Mutex<Vec<f64>>,
        bar: &ProgressBar,
    ) -> anyhow::Result<()> {
        let copy = self.folder.with_file_name(format!("copy-{number}"));
        fs::create_dir(&copy)?;
        for file in self.files.keys() {
            fs::copy(self.folder.join(file), copy.join(file))?;
        }
        let next = || flips.lock().ok()?.pop();
        while let Some(flip) = next() {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .open(copy.join(&flip.file))?;
            invert(&file, &flip)?;
            let began = Instant::now();
            let verified = self.verify(&copy);
            let ms = began.elapsed().as_secs_f64() * 1000.0;
            invert(&file, &flip)?;
            match verified {
                Err(AuditError::Fault(fault)) => {
                    let (named, expected) = (place_of(&fault), self.place(&flip)?);
                    anyhow::ensure!(named == expected, "{flip:?} was named as {fault}");
                }
                Err(error) => return Err(error.into()),
                Ok(_) => anyhow::bail!("{flip:?} was not found"),
            }
            if let Ok(mut flip_ms) = flip_ms.lock() {
                flip_ms.push(ms);
            }
            bar.inc(1);
        }
        self.verify(&copy).context("after all flips were undone")?;
        Ok(())
    }
}

fn place_of(fault: &Fault) -> Place {
    Place {
        file: fault.file.clone(),
        offset: fault.offset,
        entry: fault.entry,
    }
}

/// Flips the bit; again, and it is as before.
fn invert(file: &File, flip: &Flip) -> std::io::Result<()> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, flip.at)?;
    byte = byte.map(|byte| byte ^ (1 << flip.bit));
    file.write_all_at(&byte, flip.at)
}

/// With which entry a hash is stored: entry `n` brings its own and one for each subtree that it
/// completes, so that `2 (n + 1)` less the ones in `n + 1` are stored after it.
fn entry_of_hash(hash: u64) -> u64 {
    let stored_with = |entry: u64| 2 * (entry + 1) - u64::from((entry + 1).count_ones());
    let mut entry = hash / 2;
    while stored_with(entry) <= hash {
        entry += 1;
    }
    entry
}

fn record(
    population: &Population,
    number: usize,
    random: &mut StdRng,
) -> anyhow::Result<UseRecord> {
    let mut person = || {
        let person = population.person(random.random_range(0..population.living()));
        person.map(|person| person.id).context("nobody")
    };
    Ok(UseRecord {
        at: Timestamp::from_seconds(1_800_000_000 + i64::try_from(number)?),
        subject: UseSubject::Person(person()?, PersonUse::Listing),
        caller: person()?,
        question: QuestionId(random.random()),
        organisation: Organisation::parse("helsenorge")?,
        purpose: Purpose::OwnInsight,
        decision: UseDecision::Answered,
    })
}
