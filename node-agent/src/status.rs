//! What the agent tells its operator, on loopback: alive, ready, and counters. No person, and no
//! count by hit or miss.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use innsyn_policy::Clock;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::presence::{PresenceCounters, PresenceStatus};
use crate::pvk::Standing;
use crate::service::Answering;
use crate::settings::keeper::Keeper;
use crate::sources::SubjectsStore;
use crate::uselog::LogStatus;

/// What a status is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) answering: Arc<Answering>,
    pub(crate) subjects: Arc<SubjectsStore<Arc<dyn Clock>>>,
    pub(crate) presence: watch::Receiver<PresenceStatus>,
    pub(crate) counters: Arc<PresenceCounters>,
    /// Absent where no gateway may change settings.
    pub(crate) settings: Option<Arc<Keeper>>,
    pub(crate) pvk: Option<Arc<Standing>>,
}

/// Serves the status on `listen` until `shutdown`.
pub(crate) async fn serve(
    listen: SocketAddr,
    parts: Parts,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("the agent's status cannot be served on {listen}"))?;
    let routes = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(parts);
    tokio::spawn(async move {
        let served = axum::serve(listener, routes)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "status ended");
        }
    });
    Ok(())
}

#[derive(Serialize)]
struct Readyz {
    ready: bool,
    /// What is in the way; empty if it is ready.
    problems: Vec<String>,
    /// What is not as it should be, although the agent answers.
    warnings: Vec<String>,
    persons: u64,
}

async fn readyz(State(parts): State<Parts>) -> impl IntoResponse {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    if let LogStatus::Unavailable(error) = &*parts.answering.log().status().borrow() {
        problems.push(format!("no question is answered: {error}"));
    }
    let presence = parts.presence.borrow().clone();
    for relay in &presence.relays {
        if relay.parked == 0 {
            let why = relay.last_error.as_deref().unwrap_or("not yet");
            let text = format!("not parked at relay {}: {why}", relay.relay);
            if presence.is_reachable() {
                &mut warnings
            } else {
                &mut problems
            }
            .push(text);
        }
    }
    let source = parts.subjects.status();
    if let Some(failing) = source.failing {
        warnings.push(format!("the source is not renewed: {}", failing.reason));
    }
    if let Some(stale) = parts.settings.as_ref().and_then(|keeper| keeper.stale()) {
        warnings.push(format!("nothing is counted: {stale}"));
    }
    let stuck = parts.settings.iter().flat_map(|keeper| keeper.stuck());
    warnings.extend(stuck.map(|(gateway, standing)| {
        format!(
            "settings after number {} of gateway `{gateway}` are missing and do not come by \
             themselves: run `innsyn-agent settings recipient`, have a register whose agent is \
             current run `innsyn-agent settings export`, and `innsyn-agent settings import` here",
            standing.applied
        )
    }));
    if let Some(pvk) = &parts.pvk {
        warnings.extend(pvk.warnings(parts.subjects.now()).await);
    }
    let ready = problems.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Readyz {
            ready,
            problems,
            warnings,
            persons: source.report.persons,
        }),
    )
}

async fn metrics(State(parts): State<Parts>) -> impl IntoResponse {
    const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
    let counts = parts.answering.counts();
    let log = parts.answering.log().metrics();
    let source = parts.subjects.status();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let parked: usize = parts
        .presence
        .borrow()
        .relays
        .iter()
        .map(|relay| relay.parked)
        .sum();
    let series: [(&str, &str, u64); 17] = [
        (
            "innsyn_agent_answered_total",
            "counter",
            read(&counts.answered),
        ),
        (
            "innsyn_agent_repeated_total",
            "counter",
            read(&counts.repeated),
        ),
        ("innsyn_agent_denied_total", "counter", read(&counts.denied)),
        (
            "innsyn_agent_over_cap_total",
            "counter",
            read(&counts.over_cap),
        ),
        (
            "innsyn_agent_unreadable_total",
            "counter",
            read(&counts.unreadable),
        ),
        (
            "innsyn_agent_unlogged_total",
            "counter",
            read(&counts.unlogged),
        ),
        ("innsyn_agent_log_entries_total", "counter", log.entries),
        ("innsyn_agent_log_commits_total", "counter", log.commits),
        ("innsyn_agent_log_bytes_total", "counter", log.bytes),
        (
            "innsyn_agent_log_last_commit_us",
            "gauge",
            u64::try_from(log.last_commit.as_micros()).unwrap_or(u64::MAX),
        ),
        (
            "innsyn_agent_log_queued",
            "gauge",
            log.queued_entries as u64,
        ),
        (
            "innsyn_agent_source_persons",
            "gauge",
            source.report.persons,
        ),
        (
            "innsyn_agent_source_memory_bytes",
            "gauge",
            source.memory_bytes as u64,
        ),
        (
            "innsyn_agent_source_failing",
            "gauge",
            u64::from(source.failing.is_some()),
        ),
        ("innsyn_agent_parked", "gauge", parked as u64),
        (
            "innsyn_agent_gateways_served_total",
            "counter",
            parts.counters.served(),
        ),
        (
            "innsyn_agent_gateways_not_pinned_total",
            "counter",
            parts.counters.not_pinned(),
        ),
    ];
    let settings = parts
        .settings
        .iter()
        .flat_map(|keeper| settings_series(keeper));
    let text: Vec<String> = series
        .into_iter()
        .chain(settings)
        .map(|(name, kind, value)| format!("# TYPE {name} {kind}\n{name} {value}\n"))
        .collect();
    let pvk = parts.pvk.as_ref().map(|pvk| pvk.metrics());
    let text = text.concat() + &pvk.unwrap_or_default();
    ([(header::CONTENT_TYPE, PROMETHEUS)], text)
}

fn settings_series(keeper: &Keeper) -> [(&'static str, &'static str, u64); 5] {
    let counts = keeper.counts();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    [
        (
            "innsyn_agent_settings_applied_total",
            "counter",
            read(&counts.applied),
        ),
        (
            "innsyn_agent_settings_repeated_total",
            "counter",
            read(&counts.repeated),
        ),
        (
            "innsyn_agent_settings_forged_total",
            "counter",
            read(&counts.forged),
        ),
        (
            "innsyn_agent_settings_stale",
            "gauge",
            u64::from(keeper.stale().is_some()),
        ),
        (
            "innsyn_agent_settings_stuck",
            "gauge",
            u64::from(!keeper.stuck().is_empty()),
        ),
    ]
}
