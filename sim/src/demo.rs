//! The demo: a country is invented, a federation started, somebody asks where they are
//! registered, and the whole stays up to be tried out.

mod page;
mod print;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;
use crate::country::{Role, Story};
use crate::processes::{Part, Starter, http, wait_until_ready};
use crate::world::{World, WorldSpec};

pub use page::serve_gateway;

/// Registers whose agents hear everything late, and how late.
const SLOW: [(&str, Duration); 3] = [
    ("hunt", Duration::from_millis(60)),
    ("norspis", Duration::from_millis(120)),
    ("janus", Duration::from_millis(250)),
];
/// The register whose agent is never started.
const DEAD: &str = "tvilling";
/// How long all agents together may take to connect.
const CONNECT_MAX: Duration = Duration::from_mins(2);

/// What the demo is asked to be.
#[derive(Debug, Clone)]
pub struct DemoSpec {
    /// The world.
    pub world: WorldSpec,
    /// Where to keep it; thrown away at the end if absent.
    pub folder: Option<PathBuf>,
    /// End after the listing.
    pub once: bool,
}

/// Runs the demo until `stop`, or until the listing is over if it is to run once.
pub async fn run(spec: DemoSpec, stop: CancellationToken) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = spec
        .folder
        .clone()
        .unwrap_or_else(|| temporary.path().join("world"));
    print::title(&spec.world);
    let bar = bar(
        u64::from(spec.world.population.persons),
        "inventing the country",
    );
    let (build_in, build_spec, build_bar) = (folder.clone(), spec.world.clone(), bar.clone());
    let world = tokio::task::spawn_blocking(move || {
        World::build(&build_in, &build_spec, &SystemClock, &build_bar)
    })
    .await??;
    bar.finish_and_clear();
    let world = Arc::new(world);
    print::registers(&world);

    let stopped = stop.run_until_cancelled(up_and_listing(&world)).await;
    let Some(parts) = stopped else { return Ok(()) };
    let parts = parts?;
    if !spec.once {
        print::invitation(&world);
        stop.cancelled().await;
    }
    for part in parts {
        part.stop().await?;
    }
    Ok(())
}

/// Starts everything and makes one listing; returns what runs.
async fn up_and_listing(world: &Arc<World>) -> anyhow::Result<Vec<Part>> {
    let parts = start(world, &Starter::this_program()?).await?;
    let now = SystemClock.now();
    let today = now.date_in_norway().context("no calendar")?;
    let found = world
        .country
        .find(Story::InManyRegisters, today)
        .context("nobody is in many registers; take a larger population")?;
    let asking = world
        .country
        .asking(found.subject, Role::Oneself, None, now)?;
    let mut random: StdRng = rand::make_rng();
    let question = world.question(&asking, now, &mut random)?;
    let caller = Caller::connect(world.gateway(), None).await?;

    print::asking(&asking);
    let began = Instant::now();
    let mut listing = print::Listing::default();
    let summary = caller
        .list(&question, |registration| {
            listing.registration(registration, began);
        })
        .await?;
    print::Listing::summary(&summary);
    Ok(parts)
}

/// Starts relay, gateway and all agents but the dead one, and waits until they are connected.
async fn start(world: &World, starter: &Starter) -> anyhow::Result<Vec<Part>> {
    let http = http()?;
    let mut relay = starter.relay(world)?;
    wait_until_ready(
        &http,
        &mut relay,
        &format!("http://{}/readyz", world.relay_status()),
    )
    .await?;
    let mut gateway = starter.gateway_with_page(world)?;
    let mut parts = Vec::new();
    for register in world.live() {
        let id = register.id().as_str();
        if id != DEAD {
            let slow = SLOW
                .iter()
                .find(|(slow, _)| *slow == id)
                .map(|(_, delay)| *delay);
            parts.push(starter.agent(world, id, slow)?);
        }
    }
    let bar = bar(parts.len() as u64, "starting relay, gateway and agents");
    let connected = async {
        loop {
            anyhow::ensure!(
                !gateway.has_ended(),
                "the gateway ended: {}",
                log_of(world, "gateway")
            );
            let connected = registers_connected(&http, world).await.unwrap_or_default();
            bar.set_position(connected);
            if connected >= parts.len() as u64 {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let all = timeout(CONNECT_MAX, connected).await;
    bar.finish_and_clear();
    let Ok(connected) = all else {
        for part in &mut parts {
            anyhow::ensure!(!part.has_ended(), "{} ended; see its log.txt", part.name);
        }
        anyhow::bail!("not all agents connected within {CONNECT_MAX:?}");
    };
    connected?;
    // Agents first, so that they are stopped while relay and gateway still stand.
    parts.push(gateway);
    parts.push(relay);
    Ok(parts)
}

fn log_of(world: &World, part: &str) -> String {
    std::fs::read_to_string(world.folder.join(part).join("log.txt")).unwrap_or_default()
}

/// How many registers the gateway says are connected.
async fn registers_connected(http: &reqwest::Client, world: &World) -> anyhow::Result<u64> {
    let url = format!("{}/readyz", world.gateway_url());
    let ready: serde_json::Value = http.get(url).send().await?.json().await?;
    Ok(ready
        .get("registersConnected")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or_default())
}

fn bar(length: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:36} {bar:40} {pos}/{len} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length)
        .with_style(style)
        .with_message(what)
}
