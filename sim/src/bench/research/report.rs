//! What the benchmark prints: every run, ratios of pairs, and which bars hold.

use std::fmt;

use serde::Serialize;

use super::duckdb::About;
use super::memory::Memory;
use crate::bench::report::Spread;

/// The whole benchmark.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Report {
    pub(super) rows: u64,
    pub(super) persons: u32,
    pub(super) nodes: usize,
    /// Where data and logs are, and how long an append of 4 KiB with fdatasync takes there.
    pub(super) folder: String,
    pub(super) fdatasync_us: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duckdb: Option<About>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) queries: Vec<Compared>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<Memory>,
    pub(super) bars: Vec<Bar>,
    /// What stood beside us: load average before and after.
    pub(super) load_average: (f64, f64),
}

/// All runs of one query.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Compared {
    pub(super) name: &'static str,
    /// Values that were shown and held against DuckDB's.
    pub(super) cells_checked: usize,
    /// In turns: ours, DuckDB, ours without reservations, ours …
    pub(super) pairs: Vec<Pair>,
    pub(super) ours_ms: Spread,
    pub(super) duckdb_ms: Spread,
    pub(super) agents_cpu_ms: Spread,
    /// Ours over DuckDB, pair by pair.
    pub(super) ratio: Spread,
    /// With reservations over without, pair by pair.
    pub(super) consent: Spread,
}

/// One round of a query.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Pair {
    pub(super) ours: Side,
    pub(super) duckdb_ms: f64,
    pub(super) without_reservations: Side,
}

/// One run of ours.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Side {
    pub(super) ms: f64,
    pub(super) agents_cpu_ms: f64,
}

/// One count, again and again.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Counts {
    runs: usize,
    min_ms: f64,
    pub(super) p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

/// What must hold.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Bar {
    what: String,
    is: f64,
    most: f64,
    holds: bool,
}

impl Report {
    pub(super) fn add(&mut self, name: &'static str, cells_checked: usize, pairs: Vec<Pair>) {
        let spread = |of: fn(&Pair) -> f64| Spread::of(pairs.iter().map(of).collect());
        self.queries.push(Compared {
            name,
            cells_checked,
            ours_ms: spread(|pair| pair.ours.ms),
            duckdb_ms: spread(|pair| pair.duckdb_ms),
            agents_cpu_ms: spread(|pair| pair.ours.agents_cpu_ms),
            ratio: spread(|pair| pair.ours.ms / pair.duckdb_ms),
            consent: spread(|pair| pair.ours.ms / pair.without_reservations.ms),
            pairs,
        });
    }

    /// What reservations cost, over all pairs of all queries: the median.
    pub(super) fn consent(&self) -> Option<f64> {
        let pairs = self.queries.iter().flat_map(|query| &query.pairs);
        let ratios = pairs.map(|pair| pair.ours.ms / pair.without_reservations.ms);
        let ratios: Vec<f64> = ratios.collect();
        (!ratios.is_empty()).then(|| Spread::of(ratios).median)
    }
}

impl Counts {
    pub(super) fn of(mut ms: Vec<f64>) -> Self {
        ms.sort_by(f64::total_cmp);
        let at = |hundredths: usize| {
            let place = (ms.len() * hundredths / 100).min(ms.len().saturating_sub(1));
            ms.get(place).copied().unwrap_or_default()
        };
        Self {
            runs: ms.len(),
            min_ms: at(0),
            p50_ms: at(50),
            p99_ms: at(99),
            max_ms: at(100),
        }
    }
}

impl Bar {
    pub(super) fn new(what: String, is: f64, most: f64) -> Self {
        Self {
            what,
            is,
            most,
            holds: is <= most,
        }
    }

    /// What to say of a bar that does not hold.
    pub(super) fn broken(&self) -> Option<String> {
        let Self { what, is, most, .. } = self;
        (!self.holds).then(|| format!("{what} is {is:.2}, and may be {most:.2} at the most"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rows,
            persons,
            nodes,
            ..
        } = self;
        write!(f, "{rows} events of {persons} persons at {nodes} registers")?;
        for query in &self.queries {
            write!(
                f,
                "\n{:<38} ours {:>6.0} ms ({:.0}-{:.0}) | DuckDB {:>6.0} ms ({:.0}-{:.0}) | ratio \
                 {:.2} ({:.2}-{:.2}) | consent {:.2} | agents' CPU {:.0} ms | {} values checked",
                query.name,
                query.ours_ms.median,
                query.ours_ms.min,
                query.ours_ms.max,
                query.duckdb_ms.median,
                query.duckdb_ms.min,
                query.duckdb_ms.max,
                query.ratio.median,
                query.ratio.min,
                query.ratio.max,
                query.consent.median,
                query.agents_cpu_ms.median,
                query.cells_checked,
            )?;
        }
        if let Some(counts) = &self.counts {
            write!(
                f,
                "\ncount, {} runs: p50 {:.1} ms, p99 {:.1} ms ({:.1}-{:.1})",
                counts.runs, counts.p50_ms, counts.p99_ms, counts.min_ms, counts.max_ms
            )?;
        }
        if let Some(memory) = &self.memory {
            write!(f, "\nresident MiB: idle {}", memory.idle >> 20)?;
            for (name, held) in &memory.queries {
                write!(f, ", {name} {}", held >> 20)?;
            }
            write!(f, "; queries may take {}", memory.configured >> 20)?;
        }
        for bar in &self.bars {
            let holds = if bar.holds { "holds" } else { "BROKEN" };
            write!(
                f,
                "\n{holds:<6} {} {:.2} <= {:.2}",
                bar.what, bar.is, bar.most
            )?;
        }
        Ok(())
    }
}
