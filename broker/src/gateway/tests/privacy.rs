//! No person and no token in a log or a metric, whatever the filter.

use std::io;
use std::sync::{Arc, Mutex};

use axum::serve::Listener as _;
use innsyn_proto::wire::citizen::v1::ListRegistrationsRequest;
use innsyn_proto::wire::citizen::v1::citizen_service_client::CitizenServiceClient;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tracing::Dispatch;

use super::support::*;
use crate::gateway::serve;
use innsyn_proto::telemetry::{self, LogFormat, TelemetryConfig};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Calls go through a real port, so that hyper, h2 and tonic have something to write about.
#[tokio::test]
async fn nothing_personal_is_logged_at_trace_for_every_crate() {
    let lines = Lines::default();
    let writer = lines.clone();
    let config = TelemetryConfig {
        filter: "trace,h2=trace,hyper=trace,tonic=trace".to_owned(),
        format: LogFormat::Json,
    };
    let subscriber = telemetry::subscriber(&config, move || writer.clone()).unwrap();
    // Where there is one subscriber alone, a line that a test beside this one meets first is
    // switched off for everybody. Where there are two, both are asked.
    let _second = Dispatch::new(telemetry::subscriber(&config, io::sink).unwrap());
    // One thread runs the whole test, so its default subscriber is everybody's.
    let _logging = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let listener = serve::bind(world.config.listen).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let _guard = shutdown.clone().drop_guard();
    let (router, limits) = (world.router.clone(), world.config.limits);
    tokio::spawn(serve::serve(listener, router, None, limits, shutdown));
    let channel = Channel::from_shared(endpoint).unwrap();
    let mut client = CitizenServiceClient::new(channel.connect().await.unwrap());

    // Tests beside this one may have met a log line before our subscriber was there.
    tracing::callsite::rebuild_interest_cache();
    let tokens = [world.token(), world.signer.sign(&json!({ "pid": OLA }))];
    for (token, national_id) in [(&tokens[0], KARI), (&tokens[0], OLA), (&tokens[1], KARI)] {
        let mut request = tonic::Request::new(ListRegistrationsRequest {
            national_id: national_id.to_owned(),
            deadline_ms: None,
            omit_catalogue: false,
        });
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        if let Ok(updates) = client.list_registrations(request).await {
            let mut updates = updates.into_inner();
            while updates.message().await.unwrap().is_some() {}
        }
        world.ask(token, national_id).await;
    }
    let metrics = world.get("/metrics").await.body;

    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("token refused"), "the logs are on");
    let secrets = [KARI, OLA, "Bearer", &tokens[0][..60], &tokens[1][..60]];
    for secret in secrets {
        assert!(!written.contains(secret), "{secret} is in\n{written}");
        assert!(!metrics.contains(secret), "{secret} is in the metrics");
    }
}
