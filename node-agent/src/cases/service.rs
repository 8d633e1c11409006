//! The gRPC service of cases.
//!
//! A gateway makes each call to every register, with content to one of them. Requests and answers
//! are of sizes that were agreed on ([`Padded`]); refusals are answers like others; and a call that
//! has content for one register only is answered [`ANSWER_AFTER`] after it came, at every register.
//! An agent whose disk takes longer than that answers later, and shows it.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use innsyn_policy::{CaseKind, NumberRules, StepError};
use innsyn_proto::case_receipt::{CaseId, MessageId};
use innsyn_proto::convert::{case_kind_from_wire, question_from_wire};
use innsyn_proto::identity::GatewayName;
use innsyn_proto::padding::Padded;
use innsyn_proto::wire::node::v1 as wire;
use innsyn_proto::wire::types::v1 as types;
use tokio::time::{Instant, sleep_until};
use tonic::{Request, Response, Status};
use wire::CaseRefusal;
use wire::cases_service_server::{CasesService, CasesServiceServer};

use super::keeping::{Asked, Taken, To};
use super::sealed::Found;
use super::{CaseError, Cases, Words, WordsError, noticing};
use crate::presence::Peer;
use crate::service::{AskedInTime, Caps};

/// When a call is answered, after it came.
const ANSWER_AFTER: Duration = Duration::from_millis(250);
/// The largest message that a gateway may send, in bytes.
const REQUEST_BYTES_MAX: usize = 512 * 1024;
/// The bounds of the size of an answer, in bytes.
const REPLY_BYTES_MIN: usize = 1024;
const REPLY_BYTES_MAX: usize = 512 * 1024;

/// The service of cases.
pub struct CasesFace {
    cases: Arc<Cases>,
    /// What each gateway has asked.
    gateways: HashMap<GatewayName, Mutex<AskedInTime>>,
    /// Gateways that are pinned, asked, and may not ask of cases.
    turned_away: Mutex<HashSet<GatewayName>>,
    rules: NumberRules,
    beat: Duration,
}

impl std::fmt::Debug for CasesFace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CasesFace").finish_non_exhaustive()
    }
}

impl CasesFace {
    /// The service over `cases`, ready for a tonic server. It serves the gateways that `caps` name;
    /// national ids are read by `rules`, and notices go out at every `beat`.
    pub fn server(
        cases: Arc<Cases>,
        caps: impl IntoIterator<Item = (GatewayName, Caps)>,
        rules: NumberRules,
        beat: Duration,
    ) -> CasesServiceServer<Self> {
        CasesServiceServer::new(Self::new(cases, caps, rules, beat))
            .max_decoding_message_size(REQUEST_BYTES_MAX)
    }

    pub(super) fn new(
        cases: Arc<Cases>,
        caps: impl IntoIterator<Item = (GatewayName, Caps)>,
        rules: NumberRules,
        beat: Duration,
    ) -> Self {
        let now = Instant::now();
        let gateway = |(name, caps)| (name, Mutex::new(AskedInTime::new(caps, now)));
        Self {
            cases,
            gateways: caps.into_iter().map(gateway).collect(),
            turned_away: Mutex::default(),
            rules,
            beat,
        }
    }

    /// The gateway at the other end; an error where it may not ask of cases.
    fn gateway<'a, T>(&self, request: &'a Request<T>) -> Result<&'a GatewayName, Status> {
        let Some(Peer { gateway, .. }) = request.extensions().get() else {
            return Err(Status::unauthenticated(
                "the connection did not come through the tunnel",
            ));
        };
        if self.gateways.contains_key(gateway) {
            return Ok(gateway);
        }
        let mut told = self
            .turned_away
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if told.insert(gateway.clone()) {
            tracing::warn!(
                gateway.name = %gateway,
                "gateway is not served: its section lacks `may_ask = [\"cases\"]`"
            );
        }
        Err(Status::permission_denied(
            "the register does not serve this gateway",
        ))
    }

    /// Reads who asks, and counts it.
    fn asked(
        &self,
        gateway: &GatewayName,
        who: &wire::Question,
    ) -> Result<(Asked, bool), CaseError> {
        let read = question_from_wire(who, self.rules).map_err(|_| WordsError::Malformed)?;
        let is_within_caps = self.gateways.get(gateway).is_some_and(|asked| {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.admit(Instant::now())
        });
        let asked = Asked {
            id: read.id,
            request: read.request,
        };
        Ok((asked, is_within_caps))
    }

    /// What the service does with a call that may have content: `work` if it has, nothing if not,
    /// and in both cases an answer of the size that the call asks for, at one time after it came.
    async fn answer<Q: Asks, R, W>(
        &self,
        request: Request<Q>,
        work: impl FnOnce(Arc<Cases>, Asked, Q) -> W,
    ) -> Result<Response<R>, Status>
    where
        R: Answer + 'static,
        W: Future<Output = Result<R, CaseError>> + Send + 'static,
    {
        let answer_at = Instant::now() + ANSWER_AFTER;
        let gateway = self.gateway(&request)?.clone();
        let mut request = request.into_inner();
        let bytes = usize::try_from(request.reply_bytes()).unwrap_or(usize::MAX);
        if !(REPLY_BYTES_MIN..=REPLY_BYTES_MAX).contains(&bytes) {
            return Err(Status::invalid_argument(format!(
                "`reply_bytes` is {REPLY_BYTES_MIN} to {REPLY_BYTES_MAX}"
            )));
        }
        let answered = match request.who().map(|who| self.asked(&gateway, &who)) {
            None => Ok(R::default()),
            Some(Err(error)) => Err(error),
            Some(Ok((asked, true))) => {
                // In a task of its own: if the connection is lost now, what has begun is finished.
                let work = tokio::spawn(work(Arc::clone(&self.cases), asked, request));
                work.await
                    .map_err(|_| Status::internal("the agent failed on this call"))?
            }
            Some(Ok((asked, false))) => self.cases.over_cap(&asked).await,
        };
        let mut answer = answered.unwrap_or_else(|error| R::refused(refusal_of(&error)));
        if !answer.pad_to(bytes) {
            answer = R::too_long(answer.encoded_len().saturating_add(2));
            if !answer.pad_to(bytes) {
                return Err(Status::internal("an empty answer is too long"));
            }
        }
        sleep_until(answer_at).await;
        Ok(Response::new(answer))
    }
}

/// A call that may have content.
trait Asks {
    /// Who asks about whom, taken out of it; `None` where it has no content.
    fn who(&mut self) -> Option<wire::Question>;
    fn reply_bytes(&self) -> u32;
}

macro_rules! asks {
    ($($message:ident),+ $(,)?) => {$(
        impl Asks for wire::$message {
            fn who(&mut self) -> Option<wire::Question> {
                self.who.take()
            }

            fn reply_bytes(&self) -> u32 {
                self.reply_bytes
            }
        }
    )+};
}

asks! {
    OpenCaseRequest,
    AddMessageRequest,
    AppealCaseRequest,
    ListCasesRequest,
    GetCaseRequest,
    FindMessageRequest,
}

/// An answer that can be a refusal.
trait Answer: Padded {
    fn refused(why: CaseRefusal) -> Self;
    /// What stands for an answer that would be `bytes` long.
    fn too_long(bytes: usize) -> Self;
}

macro_rules! answers {
    ($($message:ident: $too_long:expr),+ $(,)?) => {$(
        impl Answer for wire::$message {
            fn refused(why: CaseRefusal) -> Self {
                Self { refusal: why.into(), ..Self::default() }
            }

            fn too_long(bytes: usize) -> Self {
                $too_long(u32::try_from(bytes).unwrap_or(u32::MAX))
            }
        }
    )+};
}

answers! {
    // A receipt and a summary are never longer than what a gateway must give room for.
    OpenCaseResponse: |_| Self::refused(CaseRefusal::Malformed),
    AddMessageResponse: |_| Self::refused(CaseRefusal::Malformed),
    AppealCaseResponse: |_| Self::refused(CaseRefusal::Malformed),
    FindMessageResponse: |_| Self::refused(CaseRefusal::Malformed),
    ListCasesResponse: |bytes_needed| Self { bytes_needed, ..Self::default() },
    GetCaseResponse: |bytes_needed| Self { bytes_needed, ..Self::default() },
}

pub(super) fn refusal_of(error: &CaseError) -> CaseRefusal {
    use CaseRefusal as R;
    match error {
        CaseError::NotConducted(_) => R::Denied,
        CaseError::OverCap => R::OverCap,
        CaseError::NoSuchCase => R::NoSuchCase,
        CaseError::MessageIdUsed => R::MessageIdUsed,
        CaseError::TooMany | CaseError::Step(StepError::TooManyMessages) => R::TooMany,
        CaseError::Step(StepError::Answered) => R::Answered,
        CaseError::Step(StepError::NotAnswered) => R::NotAnswered,
        CaseError::Step(StepError::AppealedBefore) => R::AppealedBefore,
        CaseError::Step(_) | CaseError::Text(_) | CaseError::Words(_) => R::Malformed,
        CaseError::Log(error) => {
            tracing::error!(%error, "a case is not answered: the log of use cannot be written");
            R::LogUnavailable
        }
        CaseError::Records(_)
        | CaseError::Damaged(_)
        | CaseError::Receipt(_)
        | CaseError::Uses(_) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "a case is not answered: the records cannot be used"
            );
            R::RecordsUnavailable
        }
    }
}

pub(super) fn case_id(bytes: &[u8]) -> Result<CaseId, CaseError> {
    let bytes = bytes.try_into().map_err(|_| WordsError::Malformed)?;
    Ok(CaseId(bytes))
}

pub(super) fn kind_of(kind: types::CaseKind) -> Result<CaseKind, CaseError> {
    Ok(case_kind_from_wire(kind).ok_or(WordsError::Malformed)?)
}

/// Says `words` to what `to` tells.
async fn say(
    cases: &Cases,
    asked: &Asked,
    to: Result<To, CaseError>,
    words: Option<wire::CaseWords>,
) -> Result<Taken, CaseError> {
    let (message, words) = Words::from_wire(words.ok_or(WordsError::Malformed)?)?;
    cases.say(asked, to?, message, &words).await
}

type Notices = Pin<Box<dyn Stream<Item = Result<wire::NoticesResponse, Status>> + Send>>;

#[tonic::async_trait]
impl CasesService for CasesFace {
    async fn open_case(
        &self,
        request: Request<wire::OpenCaseRequest>,
    ) -> Result<Response<wire::OpenCaseResponse>, Status> {
        self.answer(request, |cases, asked, request| async move {
            let to = kind_of(request.kind()).map(To::New);
            let taken = say(&cases, &asked, to, request.words).await?;
            Ok(wire::OpenCaseResponse {
                case_id: taken.case.0.to_vec().into(),
                receipt: taken.receipt,
                summary: Some(taken.summary),
                ..wire::OpenCaseResponse::default()
            })
        })
        .await
    }

    async fn add_message(
        &self,
        request: Request<wire::AddMessageRequest>,
    ) -> Result<Response<wire::AddMessageResponse>, Status> {
        self.answer(request, |cases, asked, request| async move {
            let to = case_id(&request.case_id).map(To::Message);
            let taken = say(&cases, &asked, to, request.words).await?;
            Ok(wire::AddMessageResponse {
                receipt: taken.receipt,
                summary: Some(taken.summary),
                ..wire::AddMessageResponse::default()
            })
        })
        .await
    }

    async fn appeal_case(
        &self,
        request: Request<wire::AppealCaseRequest>,
    ) -> Result<Response<wire::AppealCaseResponse>, Status> {
        self.answer(request, |cases, asked, request| async move {
            let to = case_id(&request.case_id).map(To::Appeal);
            let taken = say(&cases, &asked, to, request.words).await?;
            Ok(wire::AppealCaseResponse {
                receipt: taken.receipt,
                summary: Some(taken.summary),
                ..wire::AppealCaseResponse::default()
            })
        })
        .await
    }

    async fn list_cases(
        &self,
        request: Request<wire::ListCasesRequest>,
    ) -> Result<Response<wire::ListCasesResponse>, Status> {
        self.gateway(&request)?;
        if request.get_ref().who.is_none() {
            return Err(Status::invalid_argument("`who` is absent"));
        }
        self.answer(request, |cases, asked, _| async move {
            Ok(wire::ListCasesResponse {
                cases: cases.list(&asked).await?,
                ..wire::ListCasesResponse::default()
            })
        })
        .await
    }

    async fn get_case(
        &self,
        request: Request<wire::GetCaseRequest>,
    ) -> Result<Response<wire::GetCaseResponse>, Status> {
        self.answer(request, |cases, asked, request| async move {
            let only = (request.step > 0).then_some(request.step);
            let case = case_id(&request.case_id)?;
            Ok(wire::GetCaseResponse {
                case: Some(cases.get(&asked, case, only).await?),
                ..wire::GetCaseResponse::default()
            })
        })
        .await
    }

    async fn find_message(
        &self,
        request: Request<wire::FindMessageRequest>,
    ) -> Result<Response<wire::FindMessageResponse>, Status> {
        self.answer(request, |cases, asked, request| async move {
            let id = request.message_id.as_ref().try_into();
            let id = id.map_err(|_| WordsError::MessageId)?;
            let answer = wire::FindMessageResponse::default();
            Ok(match cases.find(&asked, MessageId(id)).await? {
                Found::NotHere => answer,
                Found::Refused(refusal) => wire::FindMessageResponse {
                    refusal: refusal.into(),
                    ..answer
                },
                Found::Taken(taken) => wire::FindMessageResponse {
                    found: true,
                    receipt: taken.receipt,
                    summary: Some(taken.summary),
                    ..answer
                },
            })
        })
        .await
    }

    type NoticesStream = Notices;

    async fn notices(
        &self,
        request: Request<tonic::Streaming<wire::NoticesRequest>>,
    ) -> Result<Response<Notices>, Status> {
        let gateway = self.gateway(&request)?.clone();
        let cases = Arc::clone(&self.cases);
        let messages = noticing::send(cases, gateway, self.beat, request.into_inner());
        Ok(Response::new(Box::pin(messages)))
    }
}
