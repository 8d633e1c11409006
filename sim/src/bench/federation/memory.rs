//! The memory of a federation's processes.

use super::{Federation, metric, usage};
use crate::bench::report::{AgentMemory, AgentsMemory, Resident};
use crate::processes::Part;
use crate::registers::Register;

impl Federation {
    /// Resident memory now.
    pub(in crate::bench) fn resident(&self) -> anyhow::Result<Resident> {
        let of = |part: &Part| -> anyhow::Result<u64> { Ok(usage(part)?.resident_bytes) };
        let each: Vec<u64> = self.agents.iter().map(of).collect::<anyhow::Result<_>>()?;
        Ok(Resident {
            relay: of(&self.relay)?,
            gateway: of(&self.gateway)?,
            agents: each.iter().sum(),
            each,
        })
    }

    /// Memory of each agent, idle and now, if each is a process.
    pub(in crate::bench) async fn agents_memory(&self) -> anyhow::Result<Option<AgentsMemory>> {
        if self.agents.len() < self.nodes {
            return Ok(None);
        }
        let now = self.resident()?;
        let metrics = self.agents_metrics().await?;
        let each = self
            .world
            .live()
            .zip(metrics)
            .zip(&self.idle.each)
            .zip(&now.each);
        let memory = |(((register, metrics), idle), now): (((&Register, String), &u64), &u64)| {
            #[expect(
                clippy::cast_sign_loss,
                clippy::cast_possible_truncation,
                reason = "a count"
            )]
            let persons = metric(&metrics, "innsyn_agent_source_persons")? as u64;
            Ok(AgentMemory {
                register: register.id().to_string(),
                persons,
                resident_idle: *idle,
                resident: *now,
            })
        };
        let each = each.map(memory).collect::<anyhow::Result<_>>()?;
        Ok(Some(AgentsMemory::of(each)))
    }
}
