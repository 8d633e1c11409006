//! Agents asked as the research gateway asks them, with its own certificate: what a register's part
//! is before anything is merged, hidden or rounded.

use std::sync::Arc;

use innsyn_broker::config::Config;
use innsyn_broker::gateway::link::{Reach as _, channel_over};
use innsyn_broker::gateway::reach::ThroughRelays;
use innsyn_policy::{Clock, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::tls::GatewayTls;
use innsyn_proto::tunnel::TcpDialler;
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_proto::wire::types::v1 as types;
use innsyn_sim::permit;
use innsyn_sim::world::World;
use node::compute_response::Message;
use node::compute_service_client::ComputeServiceClient;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _};

/// How long an agent may take, in milliseconds.
const DEADLINE_MS: u32 = 60_000;

/// The research gateway of a world, without anything of its own between us and the agents.
pub(super) struct AskedAgents {
    reach: ThroughRelays,
    researcher: u64,
    random: StdRng,
}

impl AskedAgents {
    pub(super) fn of(world: &World) -> Self {
        let config = Config::load(&world.research_gateway_config()).unwrap();
        let (_, federation) = config.research_gateway.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let tls = GatewayTls::load(&federation.tls, &clock).unwrap();
        Self {
            reach: ThroughRelays::new(Arc::new(TcpDialler), federation.relays, tls),
            researcher: world.researcher().unwrap().id.expose_number(),
            random: rand::make_rng(),
        }
    }

    /// The register's part of the query that was planned as `planned`, or why there is none.
    pub(super) async fn part(
        &mut self,
        register: &str,
        planned: &wire::DryRunResponse,
        data_permit: String,
    ) -> anyhow::Result<node::Part> {
        let register = RegisterId::parse(register)?;
        let channel = channel_over(self.reach.reach(&register).await?).await?;
        let request = node::ComputeRequest {
            question_id: self.random.random::<[u8; 16]>().to_vec().into(),
            query: planned.query.clone(),
            data_permit,
            researcher: self.researcher,
            organisation: permit::ORGANISATION.to_owned(),
            smallest_cell: 5,
            rounding_base: 5,
            deadline_ms: DEADLINE_MS,
            purpose: types::Purpose::Research.into(),
            query_name: planned.query_name.clone().into(),
            ..node::ComputeRequest::default()
        };
        let mut answers = ComputeServiceClient::new(channel)
            .compute(request)
            .await?
            .into_inner();
        while let Some(answer) = answers.message().await? {
            match answer.message {
                Some(Message::Part(part)) => return Ok(part),
                Some(Message::Held(_) | Message::Running(_)) => {}
                other => anyhow::bail!("no part: {other:?}"),
            }
        }
        anyhow::bail!("no part: the answer ended")
    }

    /// A number that no permit had before.
    pub(super) fn permit_number(&mut self) -> String {
        // In parts, for a number may have no run of digits like a person's.
        let [a, b] = [(); 2].map(|()| self.random.next_u32());
        format!("fresh-{a:08x}-{b:08x}")
    }
}
