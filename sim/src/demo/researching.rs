//! The demo's researcher: one query to every register, in the terminal.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::ProgressBar;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::research::v1 as wire;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep, timeout};
use wire::RegisterState as State;
use wire::run_request::Question;
use wire::run_response::Message;

use super::print;
use super::questions::READY;
use crate::processes::{Part, Starter, http, wait_until_ready};
use crate::researcher::Researcher;
use crate::sts::write_secret;
use crate::world::World;

/// How long registers may take to have something published.
const PUBLISHED_MAX: Duration = Duration::from_mins(1);
/// How long registers may take to answer, in milliseconds.
pub(super) const DEADLINE_MS: u32 = 5_000;

/// Where the researcher's papers are, for those who want to go on from here.
#[derive(Debug)]
pub(super) struct Papers {
    pub(super) token: PathBuf,
    pub(super) permit: PathBuf,
}

/// Starts the research gateway.
pub(super) async fn start(world: &World, starter: &Starter) -> anyhow::Result<Part> {
    let address = world.research_gateway().context("no research gateway")?;
    let mut gateway = starter.research_gateway(world)?;
    let ready = format!("http://{address}/readyz");
    wait_until_ready(&http()?, &mut gateway, &ready).await?;
    Ok(gateway)
}

/// Waits until the research gateway knows what all registers but `dead` publish.
pub(super) async fn all_published(world: &World, dead: &str) -> anyhow::Result<()> {
    let publishing = world
        .live()
        .filter(|register| register.id().as_str() != dead && register.views().next().is_some());
    let publishing = publishing.count();
    let researcher = researcher(world).await?;
    let known = async {
        loop {
            let views = researcher.catalogue().await?.views;
            let registers: BTreeSet<_> = views.iter().map(|view| &view.register_id).collect();
            if registers.len() >= publishing {
                return anyhow::Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    // Whoever publishes nothing in time is shown as silent.
    timeout(PUBLISHED_MAX, known).await.unwrap_or(Ok(()))
}

/// Asks the first of the ready questions twice, and prints what comes of it.
pub(super) async fn ask(world: &World) -> anyhow::Result<()> {
    let researcher = researcher(world).await?;
    let request = wire::RunRequest {
        deadline_ms: DEADLINE_MS,
        ..researcher.asks(Question::Query(READY[0].query()))
    };
    let bar = super::bar(0, "registers that have counted");
    let mut counted = 0;
    let began = Instant::now();
    let table = researcher.run(request.clone(), |update| match update {
        Message::Started(started) => {
            let plan = started.plan.as_ref();
            bar.set_length(plan.map_or(0, |plan| plan.registers.len()) as u64);
            print::question(plan.map_or("", |plan| plan.words_en.as_str()), &bar);
        }
        Message::Progress(progress) => tell(&bar, progress, &mut counted),
        Message::Table(_) => {}
    });
    let table = table.await?;
    let took = began.elapsed();
    bar.finish_and_clear();
    print::table(&table);
    print::coverage(&table, took);
    let again = researcher.run(request, |_| ()).await?;
    print::again(&again);
    Ok(())
}

/// Moves `bar` when a register is through.
fn tell(bar: &ProgressBar, progress: &wire::RegisterProgress, counted: &mut u64) {
    match progress.state() {
        State::Answered | State::Refused | State::Silent => {
            *counted += 1;
            bar.set_position(*counted);
        }
        State::Unspecified | State::Asked | State::Held | State::Running => {}
    }
}

/// Puts a token and a data permit into the world's folder, for their owner only.
pub(super) fn papers(world: &World) -> anyhow::Result<Papers> {
    let now = SystemClock.now();
    let mut random: StdRng = rand::make_rng();
    let papers = Papers {
        token: world.folder.join("researcher.token"),
        permit: world.folder.join("researcher.permit"),
    };
    write_secret(&papers.token, &world.researcher_token(now, &mut random)?)?;
    write_secret(&papers.permit, &world.data_permit(now)?)?;
    Ok(papers)
}

/// The invented researcher with a fresh token, connected.
pub(super) async fn researcher(world: &World) -> anyhow::Result<Researcher> {
    let mut random: StdRng = rand::make_rng();
    Researcher::connect(world, SystemClock.now(), &mut random).await
}
