//! A caller's dialogs with registers.

use innsyn_proto::wire::citizen::v1::case_service_client::CaseServiceClient;
use innsyn_proto::wire::citizen::v1::{
    AddMessageRequest, AppealCaseRequest, GetCaseRequest, ListCasesRequest, ListCasesResponse,
    OpenCaseRequest,
};
use innsyn_proto::wire::types::v1::{Case, CaseKind, CaseSummary};
use tonic::Status;
use tonic::transport::Channel;

use super::{Caller, Question};

/// What a person says to a register.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// The register's id.
    pub register: &'a str,
    /// Names the message; said again under the same name, it is taken once.
    pub id: [u8; 16],
    /// 1 to 4,000 bytes.
    pub text: &'a str,
}

impl std::fmt::Debug for Letter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter(***)")
    }
}

/// That the register has what was said.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// How the case stands with it.
    pub summary: CaseSummary,
    /// What the register signed.
    pub receipt: String,
}

impl Caller {
    /// Opens a case at one register.
    ///
    /// # Errors
    ///
    /// The gateway's status, whose `google.rpc.ErrorInfo` has a stable reason.
    pub async fn open_case(
        &self,
        question: &Question,
        kind: CaseKind,
        letter: Letter<'_>,
    ) -> Result<Delivered, Status> {
        let request = question.with(OpenCaseRequest {
            national_id: question.national_id.clone(),
            register_id: letter.register.to_owned(),
            kind: kind.into(),
            message_id: letter.id.to_vec(),
            text: letter.text.to_owned(),
            attachments: Vec::new(),
        });
        let opened = self.dialogs().open_case(request).await?.into_inner();
        Ok(delivered(opened.summary, opened.receipt))
    }

    /// Adds a message to an open case.
    ///
    /// # Errors
    ///
    /// As for [`Caller::open_case`].
    pub async fn add_message(
        &self,
        question: &Question,
        case: &[u8],
        letter: Letter<'_>,
    ) -> Result<Delivered, Status> {
        let request = question.with(AddMessageRequest {
            national_id: question.national_id.clone(),
            register_id: letter.register.to_owned(),
            case_id: case.to_vec(),
            message_id: letter.id.to_vec(),
            text: letter.text.to_owned(),
            attachments: Vec::new(),
        });
        let added = self.dialogs().add_message(request).await?.into_inner();
        Ok(delivered(added.summary, added.receipt))
    }

    /// Appeals an answered case, once.
    ///
    /// # Errors
    ///
    /// As for [`Caller::open_case`].
    pub async fn appeal_case(
        &self,
        question: &Question,
        case: &[u8],
        letter: Letter<'_>,
    ) -> Result<Delivered, Status> {
        let request = question.with(AppealCaseRequest {
            national_id: question.national_id.clone(),
            register_id: letter.register.to_owned(),
            case_id: case.to_vec(),
            message_id: letter.id.to_vec(),
            text: letter.text.to_owned(),
            attachments: Vec::new(),
        });
        let appealed = self.dialogs().appeal_case(request).await?.into_inner();
        Ok(delivered(appealed.summary, appealed.receipt))
    }

    /// The person's cases at every register.
    ///
    /// # Errors
    ///
    /// As for [`Caller::open_case`].
    pub async fn cases(&self, question: &Question) -> Result<ListCasesResponse, Status> {
        let request = question.with(ListCasesRequest {
            national_id: question.national_id.clone(),
            deadline_ms: question.deadline_ms,
        });
        Ok(self.dialogs().list_cases(request).await?.into_inner())
    }

    /// One case with all that was said in it, files without their content.
    ///
    /// # Errors
    ///
    /// As for [`Caller::open_case`].
    pub async fn case(
        &self,
        question: &Question,
        register: &str,
        case: &[u8],
    ) -> Result<Case, Status> {
        let request = question.with(GetCaseRequest {
            national_id: question.national_id.clone(),
            register_id: register.to_owned(),
            case_id: case.to_vec(),
            step: 0,
        });
        let got = self.dialogs().get_case(request).await?.into_inner();
        Ok(got.case.unwrap_or_default())
    }

    fn dialogs(&self) -> CaseServiceClient<Channel> {
        CaseServiceClient::new(self.channel.clone())
    }
}

fn delivered(summary: Option<CaseSummary>, receipt: String) -> Delivered {
    Delivered {
        summary: summary.unwrap_or_default(),
        receipt,
    }
}
