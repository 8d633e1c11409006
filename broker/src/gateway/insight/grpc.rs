//! The gRPC face of insight: `innsyn.citizen.v1.InsightService`.

use std::sync::Arc;

use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::citizen::v1::insight_service_server::InsightService;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::InsightFace;

/// The name of the service.
pub(in crate::gateway) const SERVICE: &str = "innsyn.citizen.v1.InsightService";

/// The service, over a face that the HTTP route shares.
pub(in crate::gateway) struct GrpcInsight(pub(in crate::gateway) Arc<InsightFace>);

#[tonic::async_trait]
impl InsightService for GrpcInsight {
    async fn get_insight(
        &self,
        request: Request<citizen::GetInsightRequest>,
    ) -> Result<Response<citizen::GetInsightResponse>, Status> {
        let arrived = Instant::now();
        let headers = request.metadata().as_ref();
        let admitted = self.0.face.admit(headers, arrived).await?;
        let asked = request.into_inner();
        let told = self
            .0
            .get(&admitted, &asked.national_id, asked.deadline_ms, arrived);
        Ok(Response::new(told.await?))
    }
}
