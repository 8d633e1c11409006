//! The demo: a country is invented, a federation started, somebody asks where they are
//! registered and says no to research, a researcher asks all registers to count, the first reads who
//! has used their data and has a dialog with a register, and the whole stays up to be tried out.

mod dialog;
mod events;
mod following;
mod mail;
mod opting_out;
mod page;
mod pivot;
mod print;
mod questions;
mod reading;
mod researching;
mod somebody;
#[cfg(test)]
mod tests;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use innsyn_proto::clock::SystemClock;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::processes::{Part, Starter, http, wait_until_ready};
use crate::world::{World, WorldSpec};
use mail::MailServer;
use somebody::Somebody;

pub use page::serve_gateway;

/// Registers whose agents hear everything late, and how late.
const SLOW: [(&str, Duration); 3] = [
    ("hunt", Duration::from_millis(60)),
    ("norspis", Duration::from_millis(120)),
    ("janus", Duration::from_millis(250)),
];
/// The register whose agent is never started.
const DEAD: &str = "tvilling";
/// Parts that are started before the agents: relay and gateway.
const GATEWAYS_BEFORE: usize = 2;
/// How long the person may wait for the e-mail of the answer to their case: some beats of the
/// register's notices, of which one has mostly passed when it is looked for.
const TOLD_MAX: Duration = Duration::from_secs(20);
/// How long all agents together may take to connect.
const CONNECT_MAX: Duration = Duration::from_mins(2);

/// What the demo is asked to be.
#[derive(Debug, Clone)]
pub struct DemoSpec {
    /// The world.
    pub world: WorldSpec,
    /// Where to keep it; thrown away at the end if absent.
    pub folder: Option<PathBuf>,
    /// End when all of it has been shown.
    pub once: bool,
}

/// Runs the demo until `stop`, or until all is shown if it is to run once.
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
    let mut building = tokio::task::spawn_blocking(move || {
        World::build(&build_in, &build_spec, &SystemClock, &build_bar)
    });
    let made = stop.run_until_cancelled(&mut building).await;
    // A bar that has ended tells the builder to end too.
    bar.finish_and_clear();
    let Some(world) = made else {
        let _unfinished = building.await?;
        return Ok(());
    };
    let world = world??;
    let world = Arc::new(world);
    print::registers(&world);

    // Until the end: whoever answers a case later is told of by e-mail too.
    let mut mail = match world.mail_server() {
        Some(address) => Some(MailServer::listen(address).await?),
        None => None,
    };
    let mut parts = Vec::new();
    let up = Box::pin(up_and_asking(&world, &mut parts, mail.as_mut()));
    let up = stop.run_until_cancelled(up).await.unwrap_or(Ok(()));
    if up.is_ok() && !spec.once && !stop.is_cancelled() {
        print::invitation(&world, &researching::papers(&world)?);
        stop.cancelled().await;
    }
    // Whatever became of it: nothing may run on, or write into a folder that is thrown away.
    let ended = stop_all(parts).await;
    up.and(ended)
}

/// Starts everything into `parts`, and has the citizen and the researcher do what is shown.
async fn up_and_asking(
    world: &Arc<World>,
    parts: &mut Vec<Part>,
    mail: Option<&mut MailServer>,
) -> anyhow::Result<()> {
    let starter = Starter::this_program()?;
    start(world, &starter, parts).await?;
    let somebody = Somebody::in_many_registers(world).await?;
    list(&somebody).await?;
    opting_out::say_no_and_take_it_back(&somebody).await?;
    dialog::there_and_back(&somebody, &starter).await?;
    // Only now: what it asks first is what registers publish, and they have had time for it.
    let gateway = researching::start(world, &starter).await?;
    parts.insert(GATEWAYS_BEFORE, gateway);
    researching::all_published(world, DEAD).await?;
    researching::ask(world).await?;
    if let Some(mail) = mail
        && let Some(message) = mail.next(TOLD_MAX).await
    {
        print::told(&message);
    }
    reading::read_and_hold(&somebody).await
}

/// Makes one listing.
async fn list(somebody: &Somebody<'_>) -> anyhow::Result<()> {
    print::asking(&somebody.asking, SLOW.len(), DEAD);
    let began = Instant::now();
    let mut listing = print::Listing::default();
    let summary = somebody
        .caller
        .list(&somebody.question()?, |registration| {
            listing.registration(registration, began);
        })
        .await?;
    print::Listing::summary(&summary);
    Ok(())
}

/// Starts relay, gateway and all agents but the dead one, in this order into `parts`, and waits
/// until they are connected.
async fn start(world: &World, starter: &Starter, parts: &mut Vec<Part>) -> anyhow::Result<()> {
    let http = http()?;
    let mut relay = starter.relay(world)?;
    let ready = format!("http://{}/readyz", world.relay_status());
    wait_until_ready(&http, &mut relay, &ready).await?;
    parts.push(relay);
    parts.push(starter.gateway_with_page(world)?);
    for register in world.live() {
        let id = register.id().as_str();
        if id != DEAD {
            let mut slow = SLOW.iter();
            let delay = slow.find(|(slow, _)| *slow == id).map(|(_, delay)| *delay);
            parts.push(starter.agent(world, id, delay)?);
        }
    }
    let agents = parts.len().saturating_sub(GATEWAYS_BEFORE) as u64;
    let bar = bar(agents, "starting relay, gateway and agents");
    let connected = async {
        loop {
            for part in parts.iter_mut() {
                anyhow::ensure!(
                    !part.has_ended(),
                    "{} ended: {}",
                    part.name,
                    part.last_words()
                );
            }
            let connected = registers_connected(&http, world).await.unwrap_or_default();
            bar.set_position(connected);
            if connected >= agents {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let all = timeout(CONNECT_MAX, connected).await;
    bar.finish_and_clear();
    all.with_context(|| format!("not all agents connected within {CONNECT_MAX:?}"))?
}

/// Tells every part to stop and waits until all have: relay and gateway last.
async fn stop_all(parts: Vec<Part>) -> anyhow::Result<()> {
    let mut last = parts;
    let agents = last.split_off(last.len().min(GATEWAYS_BEFORE));
    let stopped = futures::future::join_all(agents.into_iter().map(Part::stop)).await;
    let mut stopped: anyhow::Result<()> = stopped.into_iter().collect();
    for part in last.into_iter().rev() {
        stopped = stopped.and(part.stop().await);
    }
    stopped
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
