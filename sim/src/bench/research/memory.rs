//! What the agents hold while they count: the most that was resident, against what is configured.

use std::fs;

use anyhow::Context as _;
use serde::Serialize;

use super::federation::Federation;
use super::queries;

/// `research.memory_mib`, which these agents leave at its default.
const CONFIGURED_BYTES: u64 = 512 << 20;

/// Resident memory of the process of all agents, in bytes.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Memory {
    /// Before any query: people, settings, numbers, programs.
    pub(super) idle: u64,
    /// The most during each query.
    pub(super) queries: Vec<(&'static str, u64)>,
    /// What queries may take together.
    pub(super) configured: u64,
    /// The most beyond idle, of what is configured.
    pub(super) used_of_configured: f64,
}

/// Asks every query, and sees what the agents hold meanwhile.
pub(super) async fn watch(ours: &mut Federation) -> anyhow::Result<Memory> {
    let pid = ours.agents_pid()?;
    let idle = ours.agents()?.resident_bytes;
    let mut most = idle;
    let mut each = Vec::new();
    for both in queries::all() {
        // The kernel begins its count of the most anew.
        fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
        ours.ask(&both.query).await?;
        let held = most_resident(pid)?;
        most = most.max(held);
        each.push((both.name, held));
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
    let used_of_configured = (most - idle) as f64 / CONFIGURED_BYTES as f64;
    Ok(Memory {
        idle,
        queries: each,
        configured: CONFIGURED_BYTES,
        used_of_configured,
    })
}

/// The most that the process has held since the count began, from proc(5).
fn most_resident(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = kib.context("no VmHWM")?.parse()?;
    Ok(kib << 10)
}
