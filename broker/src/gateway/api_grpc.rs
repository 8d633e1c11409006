//! The gRPC face: `innsyn.citizen.v1.CitizenService`.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use innsyn_policy::{Outcome, Presence};
use innsyn_proto::convert::outcome_to_wire;
use innsyn_proto::wire::citizen::v1::citizen_service_server::CitizenService;
use innsyn_proto::wire::citizen::v1::{
    ListRegistersRequest, ListRegistersResponse, ListRegistrationsRequest,
    ListRegistrationsResponse, Registration, list_registrations_response as response,
};
use jiff::civil::Date;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::face::CitizenFace;
use super::fanout::Update;
use super::listing::Event;
use crate::catalog::Catalogue;

/// The service, over a face that the HTTP routes share.
pub(super) struct GrpcFace(pub(super) Arc<CitizenFace>);

#[tonic::async_trait]
impl CitizenService for GrpcFace {
    type ListRegistrationsStream = BoxStream<'static, Result<ListRegistrationsResponse, Status>>;

    async fn list_registrations(
        &self,
        request: Request<ListRegistrationsRequest>,
    ) -> Result<Response<Self::ListRegistrationsStream>, Status> {
        let arrived = Instant::now();
        let admitted = self.0.admit(request.metadata().as_ref(), arrived).await?;
        let request = request.into_inner();
        let listing = self.0.list(
            &admitted,
            &request.national_id,
            request.deadline_ms,
            arrived,
        )?;
        let face = Arc::clone(&self.0);
        let updates = listing.map(move |event| {
            let update = match event {
                Event::Registration(update) => response::Update::Registration(registration(
                    face.catalogue(),
                    &update,
                    request.omit_catalogue,
                )),
                Event::Summary(summary) => response::Update::Summary(summary),
            };
            Ok(ListRegistrationsResponse {
                update: Some(update),
            })
        });
        Ok(Response::new(updates.boxed()))
    }

    async fn list_registers(
        &self,
        request: Request<ListRegistersRequest>,
    ) -> Result<Response<ListRegistersResponse>, Status> {
        self.0
            .admit(request.metadata().as_ref(), Instant::now())
            .await?;
        let entries = self.0.catalogue().entries();
        Ok(Response::new(ListRegistersResponse {
            registers: entries.iter().map(|entry| entry.wire.clone()).collect(),
        }))
    }
}

fn registration(catalogue: &Catalogue, update: &Update, omit_catalogue: bool) -> Registration {
    let (outcome, reason) = outcome_to_wire(&update.outcome);
    let presence = presence(&update.outcome);
    let register = catalogue
        .entries()
        .get(update.register)
        .map(|entry| &entry.wire);
    Registration {
        register_id: register.map(|wire| wire.id.clone()).unwrap_or_default(),
        outcome: outcome.into(),
        reason: reason.into(),
        registered_since: presence.since.map(iso),
        last_changed: presence.last_changed.map(iso),
        use_log_leaf: update
            .use_log_leaf
            .map(|leaf| leaf.to_vec())
            .unwrap_or_default(),
        register: register.filter(|_| !omit_catalogue).cloned(),
    }
}

/// Since when, where the outcome says so.
pub(super) fn presence(outcome: &Outcome) -> Presence {
    match outcome {
        Outcome::Registered(presence) | Outcome::Deleted(presence) => *presence,
        _ => Presence::default(),
    }
}

/// A day as `YYYY-MM-DD`.
pub(super) fn iso(day: Date) -> String {
    day.to_string()
}
