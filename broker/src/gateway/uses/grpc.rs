//! The gRPC face: `innsyn.citizen.v1.UseLogService`.

use std::sync::Arc;

use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::citizen::v1::use_log_service_server::UseLogService;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::{Asked, UsesFace};

/// The service, over a face that the HTTP route shares.
pub(super) struct GrpcUses(pub(super) Arc<UsesFace>);

#[tonic::async_trait]
impl UseLogService for GrpcUses {
    async fn list_uses(
        &self,
        request: Request<citizen::ListUsesRequest>,
    ) -> Result<Response<citizen::ListUsesResponse>, Status> {
        let arrived = Instant::now();
        let headers = request.metadata().clone().into_headers();
        let request = request.into_inner();
        let asked = async {
            let asked = Asked {
                national_id: &request.national_id,
                since: request.since.as_deref(),
                deadline_ms: request.deadline_ms,
                receipts: &request.receipts,
                with_proofs: request.with_proofs,
            };
            asked.read()
        };
        let (_, uses) = self.0.list(&headers, asked, arrived).await?;
        Ok(Response::new(uses))
    }
}
