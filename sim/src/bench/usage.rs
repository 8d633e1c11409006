//! What a process has used, as the kernel accounts for it.

use std::iter::Sum;

use anyhow::Context as _;
use procfs::process::Process;

/// CPU time and memory of one process at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// CPU time of all threads, in microseconds.
    pub(super) cpu_us: f64,
    /// Resident memory, in bytes.
    pub(super) resident_bytes: u64,
}

impl Usage {
    /// Reads what the process `pid` has used. Ticks are 10 ms, so CPU time comes from the
    /// scheduler's own statistics, which count nanoseconds.
    pub(super) fn of(pid: u32) -> anyhow::Result<Self> {
        let process =
            Process::new(i32::try_from(pid)?).with_context(|| format!("process {pid} is gone"))?;
        let mut cpu_us = 0.0;
        for task in process.tasks()?.flatten() {
            if let Ok(schedule) = task.schedstat() {
                #[expect(clippy::cast_precision_loss, reason = "2^53 ns is a hundred days")]
                let us = schedule.sum_exec_runtime as f64 / 1000.0;
                cpu_us += us;
            }
        }
        let resident_bytes = process.status()?.vmrss.unwrap_or_default() * 1024;
        Ok(Self {
            cpu_us,
            resident_bytes,
        })
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |sum, usage| Self {
            cpu_us: sum.cpu_us + usage.cpu_us,
            resident_bytes: sum.resident_bytes + usage.resident_bytes,
        })
    }
}
