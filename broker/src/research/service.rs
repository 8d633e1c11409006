//! The gRPC face: `innsyn.research.v1.ResearchService`, with Flight SQL, reflection and health on
//! its port, and the public catalogue beside it.

use std::sync::Arc;

use axum::Router;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use innsyn_proto::wire::research::v1 as wire;
use tokio::time::Instant;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use wire::research_service_server::{ResearchService, ResearchServiceServer};

use super::claims::Researcher;
use super::dcat;
use super::face::ResearchFace;
use super::ledger::{Release, Store as _};
use super::refusal::Refusal;
use super::running;
use super::runs::RunId;
use crate::flight;
use crate::gateway::{health, openapi};

const SERVICE: &str = "innsyn.research.v1.ResearchService";
/// The largest request, in bytes: a permit, and a query of long lists.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// The largest answer, in bytes: a table at its limits, or a ledger of words.
const RESPONSE_BYTES_MAX: usize = 64 << 20;

/// Every route of a research gateway.
pub fn router(face: Arc<ResearchFace>) -> Router {
    let flight = flight::service(Arc::clone(&face));
    let service = ResearchServiceServer::new(Service(Arc::clone(&face)))
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(RESPONSE_BYTES_MAX);
    let public = dcat::router(&face);
    let health = health::grpc(SERVICE, move || face.is_ready());
    let mut grpc = Routes::new(service).add_service(flight).add_service(health);
    match openapi::reflection(&[SERVICE]) {
        Ok(reflection) => grpc = grpc.add_service(reflection),
        // The descriptors are part of the program; a test reads them.
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "no gRPC reflection"
        ),
    }
    grpc.into_axum_router().merge(public)
}

struct Service(Arc<ResearchFace>);

impl Service {
    async fn admit<T>(&self, request: Request<T>) -> Result<(Researcher, T), Refusal> {
        let headers = request.metadata().as_ref();
        let researcher = self.0.admit(headers, Instant::now()).await.map_err(told)?;
        Ok((researcher, request.into_inner()))
    }
}

/// Notes the refusal of a call.
fn told(refusal: Refusal) -> Refusal {
    tracing::info!(reason = refusal.reason(), "research call refused");
    refusal
}

#[tonic::async_trait]
impl ResearchService for Service {
    async fn catalogue(
        &self,
        request: Request<wire::CatalogueRequest>,
    ) -> Result<Response<wire::CatalogueResponse>, Status> {
        self.admit(request).await?;
        let published = self.0.published().await;
        Ok(Response::new(wire::CatalogueResponse {
            views: published.views,
            registers_silent: published.silent.iter().map(ToString::to_string).collect(),
        }))
    }

    async fn dry_run(
        &self,
        request: Request<wire::RunRequest>,
    ) -> Result<Response<wire::DryRunResponse>, Status> {
        let (researcher, request) = self.admit(request).await?;
        let prepared = self.0.prepare(researcher, request).await.map_err(told)?;
        Ok(Response::new(prepared.told()))
    }

    type RunStream = BoxStream<'static, Result<wire::RunResponse, Status>>;

    async fn run(
        &self,
        request: Request<wire::RunRequest>,
    ) -> Result<Response<Self::RunStream>, Status> {
        let (researcher, request) = self.admit(request).await?;
        let prepared = self.0.prepare(researcher, request).await.map_err(told)?;
        let updates = running::start(&self.0, prepared).map_err(told)?;
        Ok(Response::new(updates.boxed()))
    }

    async fn cancel(
        &self,
        request: Request<wire::CancelRequest>,
    ) -> Result<Response<wire::CancelResponse>, Status> {
        let (researcher, request) = self.admit(request).await?;
        let id = RunId::try_from(request.run_id.as_slice());
        let id = id.map_err(|_| told(Refusal::RunId))?;
        let was_running = self.0.runs.cancel(&id, &researcher);
        Ok(Response::new(wire::CancelResponse { was_running }))
    }

    async fn ledger(
        &self,
        request: Request<wire::LedgerRequest>,
    ) -> Result<Response<wire::LedgerResponse>, Status> {
        let (researcher, request) = self.admit(request).await?;
        let permit = self.0.permit(&request.data_permit, &researcher);
        let permit = permit.map_err(told)?;
        let releases = self.0.ledger.releases(&permit.permit().terms().id).await;
        let releases = releases.map_err(|error| told(error.into()))?;
        Ok(Response::new(wire::LedgerResponse {
            releases: releases.iter().map(release).collect(),
        }))
    }
}

fn release(release: &Release) -> wire::Release {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    wire::Release {
        query_name: release.key.query.as_bytes().to_vec(),
        released_at: release.at.as_seconds(),
        words_nb: release.words_nb.clone(),
        words_en: release.words_en.clone(),
        registers_asked: count(release.table.registers.len()),
        registers_answered: count(release.key.contributors.len()),
    }
}
