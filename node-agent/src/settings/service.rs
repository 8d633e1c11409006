//! The gRPC service of settings, for citizen gateways.

use std::sync::Arc;

use innsyn_proto::wire::node::v1::settings_service_server::{
    SettingsService, SettingsServiceServer,
};
use innsyn_proto::wire::node::v1::{
    HeartbeatRequest, HeartbeatResponse, ListSettingsRequest, ListSettingsResponse,
};
use tonic::{Request, Response, Status};

use super::keeper::Keeper;
use crate::cases::SealedCases;
use crate::service::peer;

/// The largest message that a gateway may send, in bytes.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// The service over a keeper.
#[derive(Debug, Clone)]
pub struct Service {
    keeper: Arc<Keeper>,
    dialogs: Arc<SealedCases>,
}

impl Service {
    /// The service over `keeper`, and what takes sealed messages of dialogs, ready for a tonic
    /// server.
    pub fn server(keeper: Arc<Keeper>, dialogs: Arc<SealedCases>) -> SettingsServiceServer<Self> {
        SettingsServiceServer::new(Self { keeper, dialogs })
            .max_decoding_message_size(REQUEST_BYTES_MAX)
    }
}

#[tonic::async_trait]
impl SettingsService for Service {
    async fn heartbeat(
        &self,
        request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatResponse>, Status> {
        let gateway = peer(&request)?.gateway;
        let request = request.into_inner();
        let heard = self.keeper.heartbeat(&gateway, &request.note)?;
        if !self.dialogs.serves(&gateway) {
            return Ok(Response::new(heard));
        }
        let taken = self.dialogs.taken(&request.dialogs).await;
        let dialogs = taken.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "it cannot be told which messages came"
            );
            Status::unavailable("the agent's records cannot be read")
        })?;
        Ok(Response::new(HeartbeatResponse {
            dialogs,
            takes_dialogs: true,
            ..heard
        }))
    }

    async fn list_settings(
        &self,
        request: Request<ListSettingsRequest>,
    ) -> Result<Response<ListSettingsResponse>, Status> {
        let gateway = peer(&request)?.gateway;
        if !self.keeper.serves(&gateway) {
            return Err(Status::permission_denied(
                "this gateway may not ask for settings here; its section's `may_ask` says so",
            ));
        }
        let question = request.into_inner().question;
        let question = question.ok_or_else(|| Status::invalid_argument("no question"))?;
        Ok(Response::new(self.keeper.list(&question).await?))
    }
}
