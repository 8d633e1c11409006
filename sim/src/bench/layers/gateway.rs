//! A gateway without some layer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use http::{HeaderMap, header};
use innsyn_broker::config::Config;
use innsyn_broker::gateway::claims::Claims;
use innsyn_broker::gateway::link::{Reach, ReachError};
use innsyn_broker::gateway::reach::ThroughRelays;
use innsyn_broker::gateway::token::{TokenError, VerifyToken};
use innsyn_broker::{GatewayParts, run_gateway};
use innsyn_policy::{Clock, RegisterId};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use innsyn_proto::tls::GatewayTls;
use innsyn_proto::tunnel::{BoxedIo, Dial as _, TcpDialler, prove_node};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Layer;
use super::agents::ADDRESS_FILE;

/// Runs the gateway of the world in `folder` without some layers, until `stop`.
pub async fn run(folder: &Path, without: &[Layer], stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config::load(&folder.join("gateway/broker.toml"))?;
    telemetry::start(&config.telemetry)?;
    let (config, federation) = config.citizen_gateway.context("no gateway is configured")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tls = GatewayTls::load(&federation.tls, &clock)?;
    let reach: Arc<dyn Reach> = if without.contains(&Layer::Relay) {
        Arc::new(Directly {
            agents: folder.join("agents"),
            tls: tls.clone(),
        })
    } else {
        let relays = federation.relays.clone();
        Arc::new(ThroughRelays::new(
            Arc::new(TcpDialler),
            relays,
            tls.clone(),
        ))
    };
    let tokens: Arc<dyn VerifyToken> = if without.contains(&Layer::Token) {
        Arc::new(Believed)
    } else {
        Arc::new(config.open_verifier(Arc::clone(&clock)).await?)
    };
    let parts = GatewayParts {
        tls,
        reach,
        dialler: Arc::new(TcpDialler),
        tokens,
        clock,
        extra: axum::Router::new(),
    };
    run_gateway(parts, config, federation, stop).await
}

/// Reaches agents where they say they listen, with the inner TLS alone.
struct Directly {
    agents: PathBuf,
    tls: GatewayTls,
}

impl Reach for Directly {
    fn reach<'a>(&'a self, register: &'a RegisterId) -> BoxFuture<'a, Result<BoxedIo, ReachError>> {
        Box::pin(async move {
            let file = self.agents.join(register.as_str()).join(ADDRESS_FILE);
            let address = std::fs::read_to_string(file).map_err(|_| ReachError::NotParked)?;
            let io = TcpDialler
                .dial(&address)
                .await
                .map_err(|error| ReachError::RelayUnreachable(error.into()))?;
            match prove_node(io, &self.tls, register).await {
                Ok(io) => Ok(Box::new(io) as BoxedIo),
                Err(error) => Err(ReachError::Refused(error.into())),
            }
        })
    }
}

/// Takes every token at its word.
struct Believed;

impl VerifyToken for Believed {
    fn verify<'a>(
        &'a self,
        headers: &'a HeaderMap,
        _until: Instant,
    ) -> BoxFuture<'a, Result<Claims, TokenError>> {
        ready(claims(headers).ok_or(TokenError::Malformed)).boxed()
    }

    fn can_verify(&self) -> bool {
        true
    }
}

fn claims(headers: &HeaderMap) -> Option<Claims> {
    let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1)?)
        .ok()?;
    serde_json::from_slice(&payload).ok()
}
