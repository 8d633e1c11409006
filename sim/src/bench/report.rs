//! What a benchmark prints: every run, and ratios of pairs.

use serde::Serialize;

/// Median and extremes of some figures.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Spread {
    pub(super) min: f64,
    pub(super) median: f64,
    pub(super) max: f64,
}

impl Spread {
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or_default();
        Self {
            min: at(0),
            median: at(values.len() / 2),
            max: at(values.len().saturating_sub(1)),
        }
    }
}

/// CPU time of the parts of ours, in microseconds per leg (one question to one register).
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct CpuPerLeg {
    pub(super) relay: f64,
    pub(super) gateway: f64,
    pub(super) agents: f64,
}

/// One run of ours, and what it cost.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Run {
    pub(super) load: crate::load::Report,
    pub(super) cpu_us_per_leg: CpuPerLeg,
    /// Through the relay, both ways together.
    pub(super) bytes_per_leg: f64,
}

/// One run of ours with its log.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ours {
    #[serde(flatten)]
    pub(super) run: Run,
    pub(super) log_fsyncs_per_second: f64,
    pub(super) log_entries_per_fsync: f64,
}

/// One run of the naive design.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Naive {
    pub(super) load: crate::load::Report,
    pub(super) gateway_us_per_leg: f64,
    pub(super) agents_us_per_leg: f64,
}

/// All runs at one concurrency.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AtConcurrency {
    pub(super) concurrency: usize,
    /// Which of the naive design's runtimes did better here.
    pub(super) naive_runtime: &'static str,
    /// Interleaved: ours, naive, ours, naive …
    pub(super) pairs: Vec<(Ours, Naive)>,
    /// Fan-outs per second, ours over naive, pair by pair.
    pub(super) throughput_ratio: Spread,
    /// Median latency, ours over naive, pair by pair.
    pub(super) p50_ratio: Spread,
}

/// The whole benchmark.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ListingReport {
    pub(super) nodes: usize,
    pub(super) persons: u32,
    pub(super) seconds: u64,
    pub(super) logs_on: String,
    /// The disk under the logs: append of 4 KiB with fdatasync, in microseconds.
    pub(super) fdatasync_us: Spread,
    /// Before any load.
    pub(super) resident_idle: Resident,
    /// After the load.
    pub(super) resident: Resident,
    /// Of agents that are processes of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agents_memory: Option<AgentsMemory>,
    pub(super) at: Vec<AtConcurrency>,
    /// What stood beside us: load average before and after.
    pub(super) load_average: (f64, f64),
}

/// Resident memory, in bytes.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Resident {
    pub(super) relay: u64,
    pub(super) gateway: u64,
    /// All agents together.
    pub(super) agents: u64,
    /// Each process of agents.
    #[serde(skip)]
    pub(super) each: Vec<u64>,
}

/// Resident memory of agents that are processes of their own, in bytes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AgentsMemory {
    pub(super) resident_idle: MeanAndLargest,
    /// Idle, without [`BYTES_PER_PERSON`] for everybody in the register.
    pub(super) resident_idle_without_persons: MeanAndLargest,
    pub(super) resident: MeanAndLargest,
    pub(super) each: Vec<AgentMemory>,
}

/// Resident memory of one agent's process, in bytes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AgentMemory {
    pub(super) register: String,
    pub(super) persons: u64,
    /// Before any load.
    pub(super) resident_idle: u64,
    /// After the load.
    pub(super) resident: u64,
}

/// What the index is allowed for each person.
const BYTES_PER_PERSON: u64 = 24;

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct MeanAndLargest {
    pub(super) mean: u64,
    pub(super) largest: u64,
}

impl AgentsMemory {
    pub(super) fn of(each: Vec<AgentMemory>) -> Self {
        let over_all = |bytes: fn(&AgentMemory) -> u64| MeanAndLargest {
            mean: each.iter().map(bytes).sum::<u64>() / each.len().max(1) as u64,
            largest: each.iter().map(bytes).max().unwrap_or_default(),
        };
        Self {
            resident_idle: over_all(|agent| agent.resident_idle),
            resident_idle_without_persons: over_all(|agent| {
                agent
                    .resident_idle
                    .saturating_sub(BYTES_PER_PERSON * agent.persons)
            }),
            resident: over_all(|agent| agent.resident),
            each,
        }
    }
}

impl AtConcurrency {
    pub(super) fn new(
        concurrency: usize,
        naive_runtime: &'static str,
        pairs: Vec<(Ours, Naive)>,
    ) -> Self {
        let ratio = |of: fn(&crate::load::Report) -> f64| {
            Spread::of(
                pairs
                    .iter()
                    .map(|(ours, naive)| of(&ours.run.load) / of(&naive.load))
                    .collect(),
            )
        };
        Self {
            concurrency,
            naive_runtime,
            throughput_ratio: ratio(|load| load.per_second),
            p50_ratio: ratio(|load| load.listing_ms.p50),
            pairs,
        }
    }
}
