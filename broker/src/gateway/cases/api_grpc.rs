//! The gRPC face: `innsyn.citizen.v1.CaseService`.

use std::sync::Arc;

use innsyn_proto::wire::citizen::v1 as wire;
use innsyn_proto::wire::types::v1::CaseSummary;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use wire::case_service_server::CaseService;

use super::{CasesFace, Delivered, Said, To};

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
        let said = self.0.say(&admitted, said!(request), to).await?;
        let (delivery, summary, receipt) = told(said);
        Ok(Response::new(wire::OpenCaseResponse {
            summary,
            receipt,
            delivery: delivery.into(),
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
        let said = self.0.say(&admitted, said!(request), to).await?;
        let (delivery, summary, receipt) = told(said);
        Ok(Response::new(wire::AddMessageResponse {
            summary,
            receipt,
            delivery: delivery.into(),
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
        let said = self.0.say(&admitted, said!(request), to).await?;
        let (delivery, summary, receipt) = told(said);
        Ok(Response::new(wire::AppealCaseResponse {
            summary,
            receipt,
            delivery: delivery.into(),
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

    async fn find_message(
        &self,
        request: Request<wire::FindMessageRequest>,
    ) -> Result<Response<wire::FindMessageResponse>, Status> {
        let headers = request.metadata().as_ref();
        let admitted = self.0.admit(headers, Instant::now()).await?;
        let request = request.into_inner();
        let (id, register) = (&request.national_id, &request.register_id);
        let message = request.message_id;
        let found = self.0.find(&admitted, id, register, message).await?;
        let (delivery, summary, receipt) = told(found);
        Ok(Response::new(wire::FindMessageResponse {
            delivery: delivery.into(),
            summary,
            receipt,
        }))
    }
}

fn told(delivered: Delivered) -> (wire::CaseDelivery, Option<CaseSummary>, String) {
    match delivered {
        Delivered::Waits => (wire::CaseDelivery::Waiting, None, String::new()),
        Delivered::Taken(taken) => {
            let received = wire::CaseDelivery::Received;
            (received, Some(taken.summary), taken.receipt)
        }
    }
}
