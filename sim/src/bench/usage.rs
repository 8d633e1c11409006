//! What a process has used, as the kernel accounts for it.

use std::fs;
use std::iter::Sum;
use std::path::Path;

use anyhow::Context as _;

/// CPU time and memory of one process at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// CPU time of all threads, in microseconds.
    pub(super) cpu_us: f64,
    /// Resident memory, in bytes.
    pub(super) resident_bytes: u64,
}

impl Usage {
    /// Reads what the process `pid` has used, from proc(5). Ticks are 10 ms, so CPU time comes
    /// from the scheduler's own statistics, which count nanoseconds.
    pub(super) fn of(pid: u32) -> anyhow::Result<Self> {
        let process = format!("/proc/{pid}");
        let process = Path::new(&process);
        let tasks =
            fs::read_dir(process.join("task")).with_context(|| format!("process {pid} is gone"))?;
        let mut cpu_us = 0.0;
        for task in tasks.flatten() {
            // A thread that has ended since is no longer there.
            let Ok(schedule) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            cpu_us += first_number(&schedule)? / 1000.0;
        }
        let status = fs::read_to_string(process.join("status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident_kib = resident.map_or(Ok(0.0), first_number)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of bytes"
        )]
        let resident_bytes = (resident_kib * 1024.0) as u64;
        Ok(Self {
            cpu_us,
            resident_bytes,
        })
    }
}

fn first_number(line: &str) -> anyhow::Result<f64> {
    let number = line.split_whitespace().next().context("a line is empty")?;
    Ok(number.parse()?)
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |sum, usage| Self {
            cpu_us: sum.cpu_us + usage.cpu_us,
            resident_bytes: sum.resident_bytes + usage.resident_bytes,
        })
    }
}
