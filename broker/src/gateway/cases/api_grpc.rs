//! The gRPC face: `innsyn.citizen.v1.CaseService`.

use std::sync::Arc;

use innsyn_proto::wire::citizen::v1 as wire;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use wire::case_service_server::CaseService;

use super::{CasesFace, Said, To};

/// The gRPC service of dialogs.
pub(in crate::gateway) const SERVICE: &str = "innsyn.citizen.v1.CaseService";

/// The service, over what the HTTP routes share.
pub(in crate::gateway) struct GrpcCases(pub(in crate::gateway) Arc<CasesFace>);

macro_rules! said {
    ($request:ident) => {
        Said {
            national_id: $request.national_id,
            register_id: $request.register_id,
            message_id: $request.message_id,
            text: $request.text,
            attachments: $request.attachments,
        }
    };
}

#[tonic::async_trait]
impl CaseService for GrpcCases {
    async fn open_case(
        &self,
        request: Request<wire::OpenCaseRequest>,
    ) -> Result<Response<wire::OpenCaseResponse>, Status> {
        let headers = request.metadata().as_ref();
        let admitted = self.0.admit(headers, Instant::now()).await?;
        let request = request.into_inner();
        let to = To::New(request.kind());
        let taken = self.0.say(&admitted, said!(request), to).await?;
        Ok(Response::new(wire::OpenCaseResponse {
            summary: Some(taken.summary),
            receipt: taken.receipt,
        }))
    }

    async fn add_message(
        &self,
        request: Request<wire::AddMessageRequest>,
    ) -> Result<Response<wire::AddMessageResponse>, Status> {
        let headers = request.metadata().as_ref();
        let admitted = self.0.admit(headers, Instant::now()).await?;
        let request = request.into_inner();
        let to = To::Message(request.case_id);
        let taken = self.0.say(&admitted, said!(request), to).await?;
        Ok(Response::new(wire::AddMessageResponse {
            summary: Some(taken.summary),
            receipt: taken.receipt,
        }))
    }

    async fn appeal_case(
        &self,
        request: Request<wire::AppealCaseRequest>,
    ) -> Result<Response<wire::AppealCaseResponse>, Status> {
        let headers = request.metadata().as_ref();
        let admitted = self.0.admit(headers, Instant::now()).await?;
        let request = request.into_inner();
        let to = To::Appeal(request.case_id);
        let taken = self.0.say(&admitted, said!(request), to).await?;
        Ok(Response::new(wire::AppealCaseResponse {
            summary: Some(taken.summary),
            receipt: taken.receipt,
        }))
    }

    async fn list_cases(
        &self,
        request: Request<wire::ListCasesRequest>,
    ) -> Result<Response<wire::ListCasesResponse>, Status> {
        let arrived = Instant::now();
        let admitted = self.0.admit(request.metadata().as_ref(), arrived).await?;
        let request = request.into_inner();
        let (id, deadline) = (&request.national_id, request.deadline_ms);
        let listed = self.0.list_cases(&admitted, id, deadline, arrived).await?;
        Ok(Response::new(listed))
    }

    async fn get_case(
        &self,
        request: Request<wire::GetCaseRequest>,
    ) -> Result<Response<wire::GetCaseResponse>, Status> {
        let headers = request.metadata().as_ref();
        let admitted = self.0.admit(headers, Instant::now()).await?;
        let wire::GetCaseRequest {
            national_id,
            register_id,
            case_id,
            step,
        } = request.into_inner();
        let case = self
            .0
            .get(&admitted, &national_id, &register_id, case_id, step)
            .await?;
        Ok(Response::new(wire::GetCaseResponse { case: Some(case) }))
    }
}
