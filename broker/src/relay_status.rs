//! What a relay tells its operator: alive, ready, and counters. No register by name.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::relay::RelayMetrics;

/// `/healthz`, `/readyz` and `/metrics` of a relay.
pub(crate) fn router(metrics: Arc<RelayMetrics>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        // It accepts as long as it runs; whether agents are there is in the metrics.
        .route("/readyz", get(async || "ready\n"))
        .route("/metrics", get(expose))
        .with_state(metrics)
}

async fn expose(State(metrics): State<Arc<RelayMetrics>>) -> impl IntoResponse {
    const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
    let snapshot = metrics.snapshot();
    let mut text = String::new();
    let mut series = |name: &str, help: &str, kind: &str, values: &[(String, u64)]| {
        let _infallible = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let _infallible = writeln!(text, "{name}{labels} {value}");
        }
    };
    let labelled = |label: &str, counts: &[(&'static str, u64)]| -> Vec<(String, u64)> {
        counts
            .iter()
            .map(|(value, count)| (format!("{{{label}=\"{value}\"}}"), *count))
            .collect()
    };
    let plain = |value| [(String::new(), value)];
    series(
        "innsyn_relay_connections",
        "Connections open now.",
        "gauge",
        &plain(snapshot.connections),
    );
    series(
        "innsyn_relay_parked",
        "Connections parked now.",
        "gauge",
        &plain(snapshot.parked),
    );
    series(
        "innsyn_relay_splices",
        "Splices now.",
        "gauge",
        &plain(snapshot.splices),
    );
    series(
        "innsyn_relay_bytes_copied_total",
        "Bytes copied, both ways together.",
        "counter",
        &plain(snapshot.bytes_copied),
    );
    series(
        "innsyn_relay_events_total",
        "Events.",
        "counter",
        &labelled("event", &snapshot.events),
    );
    series(
        "innsyn_relay_refusals_total",
        "Refusals.",
        "counter",
        &labelled("reason", &snapshot.refusals),
    );
    series(
        "innsyn_relay_tls_faults_total",
        "Handshakes that failed, by cause.",
        "counter",
        &labelled("cause", &snapshot.tls_faults),
    );
    ([(header::CONTENT_TYPE, PROMETHEUS)], text)
}
