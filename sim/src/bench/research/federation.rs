//! Our side: relay, research gateway and agents as processes, with everything on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use innsyn_policy::{Clock as _, PermitId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::research::v1 as wire;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};
use wire::RegisterState as State;
use wire::run_request::Question;

use super::data::{self, DataSpec};
use super::queries::VIEW;
use crate::bench::usage::Usage;
use crate::country::Country;
use crate::population::{PERSONS_MIN, PopulationSpec};
use crate::processes::{Part, Starter, http, wait_until_ready};
use crate::registers::folder::Content;
use crate::researcher::Researcher;
use crate::world::{World, WorldSpec};

/// How long registers may take to make their data ready.
const READY_MAX: Duration = Duration::from_mins(20);
/// How long registers may take to answer, in milliseconds.
const DEADLINE_MS: u32 = 120_000;

/// A federation for researchers, up.
pub(super) struct Federation {
    world: World,
    relay: Part,
    gateway: Part,
    agents: Part,
    researcher: Researcher,
    nodes: usize,
    /// Data permits given so far.
    permits: u32,
}

/// What one query took.
pub(super) struct Asked {
    pub(super) ms: f64,
    pub(super) table: wire::ReleasedTable,
}

impl Federation {
    /// Makes a world of `nodes` registers in `folder` and starts it; returns when all registers
    /// publish. `pooled` is where the same data are put for DuckDB.
    pub(super) async fn start(
        folder: &Path,
        nodes: usize,
        spec: DataSpec,
        pooled: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let folder = folder.to_owned();
        let built =
            tokio::task::spawn_blocking(move || build(&folder, nodes, spec, pooled.as_deref()));
        let world = built.await??;
        let (starter, http) = (Starter::this_program()?, http()?);
        let mut relay = starter.relay(&world)?;
        let ready = format!("http://{}/readyz", world.relay_status());
        wait_until_ready(&http, &mut relay, &ready).await?;
        let registers: Vec<String> = world.live().map(|one| one.id().to_string()).collect();
        let mut agents = starter.agents(&world, &registers)?;
        let began = Instant::now();
        for register in &registers {
            let status = world.agent_status(register).context("no status")?;
            let ready = format!("http://{status}/readyz");
            while !is_ready(&http, &ready).await {
                check_running(&mut agents, began)?;
            }
        }
        let mut gateway = starter.research_gateway(&world)?;
        let listen = world.research_gateway().context("no research gateway")?;
        let ready = format!("http://{listen}/readyz");
        while !is_ready(&http, &ready).await {
            check_running(&mut gateway, began)?;
        }
        let now = SystemClock.now();
        let mut random: StdRng = rand::make_rng();
        let researcher = Researcher::connect(&world, now, &mut random).await?;
        let mut federation = Self {
            nodes,
            world,
            relay,
            gateway,
            agents,
            researcher,
            permits: 0,
        };
        while federation.publishing().await? < nodes {
            check_running(&mut federation.agents, began)?;
            sleep(Duration::from_millis(200)).await;
        }
        Ok(federation)
    }

    /// How many registers publish the view.
    async fn publishing(&self) -> anyhow::Result<usize> {
        let catalogue = self.researcher.catalogue().await?;
        Ok(catalogue.views.len())
    }

    /// Asks `query` under a data permit of its own, so that nothing was released under it before,
    /// and fails unless every register answered.
    pub(super) async fn ask(&mut self, query: &wire::Query) -> anyhow::Result<Asked> {
        let now = SystemClock.now();
        self.permits += 1;
        let mut terms = self.world.permits.terms(
            &self.world.country.registers,
            self.world.researcher()?.id,
            now,
        )?;
        terms.id = PermitId::new(
            self.world.permits.name(),
            &format!("bench-{}", self.permits),
        )?;
        let variables = ["region", "sex", "code", "cost", "occurred", "died", "moved"];
        let variables = variables.map(str::to_owned).into();
        terms.variables = [(VIEW.to_owned(), variables)].into();
        let permit = self.world.permits.sign(terms)?;
        // A token lasts five minutes, a benchmark longer.
        let mut random: StdRng = rand::make_rng();
        let researcher = Researcher::connect(&self.world, now, &mut random).await?;
        let researcher = researcher.with_permit(permit);
        let request = wire::RunRequest {
            deadline_ms: DEADLINE_MS,
            ..researcher.asks(Question::Query(query.clone()))
        };
        let began = Instant::now();
        let table = researcher.run(request, |_| ()).await?;
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        let answered = table.registers.iter();
        let answered = answered.filter(|one| one.state() == State::Answered);
        anyhow::ensure!(
            answered.count() == self.nodes && !table.is_earlier,
            "not every register counted anew: {:?}",
            table.registers
        );
        Ok(Asked { ms, table })
    }

    /// What the agents' process has used.
    pub(super) fn agents(&self) -> anyhow::Result<Usage> {
        Usage::of(self.agents.pid().context("the agents have ended")?)
    }

    /// The agents' process.
    pub(super) fn agents_pid(&self) -> anyhow::Result<u32> {
        self.agents.pid().context("the agents have ended")
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        for part in [self.agents, self.gateway, self.relay] {
            part.stop().await?;
        }
        Ok(())
    }
}

fn build(
    folder: &Path,
    nodes: usize,
    spec: DataSpec,
    pooled: Option<&Path>,
) -> anyhow::Result<World> {
    let country = Country::of_invented(PopulationSpec::new(PERSONS_MIN, 1), nodes)?;
    let mut world = WorldSpec::new(PERSONS_MIN, 1);
    world.content = Content::Views;
    world.live_only = Some(nodes);
    "warn".clone_into(&mut world.log_filter);
    World::build_over(folder, &world, country, &SystemClock, |country, folder| {
        let registers = country.registers.iter().map(|one| one.id().to_string());
        let registers: Vec<String> = registers.collect();
        data::write(folder, &registers, spec, pooled)
    })
}

async fn is_ready(http: &reqwest::Client, url: &str) -> bool {
    let answer = http.get(url).send().await;
    let ready = answer.is_ok_and(|answer| answer.status().is_success());
    if !ready {
        sleep(Duration::from_millis(100)).await;
    }
    ready
}

fn check_running(part: &mut Part, began: Instant) -> anyhow::Result<()> {
    anyhow::ensure!(
        !part.has_ended(),
        "{} ended: {}",
        part.name,
        part.last_words()
    );
    anyhow::ensure!(
        began.elapsed() < READY_MAX,
        "{} is not ready after {READY_MAX:?}: {}",
        part.name,
        part.last_words()
    );
    Ok(())
}
