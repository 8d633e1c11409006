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
use crate::service::peer;

/// The largest message that a gateway may send, in bytes.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// The service over a keeper.
#[derive(Debug, Clone)]
pub struct Service(Arc<Keeper>);

impl Service {
    /// The service over `keeper`, ready for a tonic server.
    pub fn server(keeper: Arc<Keeper>) -> SettingsServiceServer<Self> {
        SettingsServiceServer::new(Self(keeper)).max_decoding_message_size(REQUEST_BYTES_MAX)
    }
}

#[tonic::async_trait]
impl SettingsService for Service {
    async fn heartbeat(
        &self,
        request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatResponse>, Status> {
        let gateway = peer(&request)?.gateway;
        let heard = self.0.heartbeat(&gateway, &request.into_inner().note)?;
        Ok(Response::new(heard))
    }

    async fn list_settings(
        &self,
        request: Request<ListSettingsRequest>,
    ) -> Result<Response<ListSettingsResponse>, Status> {
        let gateway = peer(&request)?.gateway;
        if !self.0.serves(&gateway) {
            return Err(Status::permission_denied(
                "this gateway may not ask for settings here; its section's `may_ask` says so",
            ));
        }
        let question = request.into_inner().question;
        let question = question.ok_or_else(|| Status::invalid_argument("no question"))?;
        Ok(Response::new(self.0.list(&question).await?))
    }
}
