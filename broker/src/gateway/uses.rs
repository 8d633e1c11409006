//! Shows a person who has used their data, register by register, and checks what it shows.
//!
//! ```text
//!   http, grpc ─▶ token, right ─▶ every register's log ─▶ check ─▶ JSON, FHIR, CSV or gRPC
//!                                 (pages, with proofs)      └─ wrong: said so, and none of it told
//! ```
//!
//! What holds:
//!
//! - **Every register of the catalogue is accounted for**, with exactly one outcome.
//! - **Nothing is told that was not checked** ([`check`]): each entry is in the register's log, none
//!   is missing between them, and the log continues what this gateway and other witnesses have signed
//!   and what the person's own receipt is of.
//! - **Nothing is kept.** Receipts come from the person and go back to them.
//!
//! What the gateway cannot check is said where it is told: that an entry's words are true, and that a
//! number in a snapshot is the person's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use futures::StreamExt as _;
use http::HeaderMap;
use innsyn_policy::{NationalId, Outcome, QuestionId, RegisterId, Request};
use innsyn_proto::convert::encode_question;
use innsyn_proto::uselog::checked::{Held, check};
use innsyn_proto::uselog::proof;
use innsyn_proto::uselog::receipt::ReadingReceipt;
use innsyn_proto::uselog::told::tell;
use innsyn_proto::wire::citizen::v1 as citizen;
use innsyn_proto::wire::citizen::v1::use_log_service_server::UseLogServiceServer;
use innsyn_proto::wire::node::v1 as node;
use prost::Message as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::config::{DEADLINE_MS_MAX, DEADLINE_MS_MIN};
use super::everyone::Called;
use super::face::CitizenFace;
use super::refusal::Refusal;
use super::witness::Witness;

mod audit_event;
mod csv;
mod grpc;
pub(super) mod http_face;
pub(super) mod json;
mod pages;

use pages::read_pages;

/// The largest body of a request, in bytes: a receipt of each register, and some.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// How long registers are waited for, if the caller does not say.
const DEADLINE_MS: u32 = 5_000;
/// Receipts in one request.
const RECEIPTS_MAX: usize = 512;

/// The part of a citizen gateway that shows uses.
pub struct UsesFace {
    face: Arc<CitizenFace>,
    witness: Arc<Witness>,
    ids: Mutex<StdRng>,
}

impl std::fmt::Debug for UsesFace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsesFace").finish_non_exhaustive()
    }
}

/// What a caller asks.
struct Asked<'a> {
    national_id: &'a str,
    since: Option<&'a str>,
    deadline_ms: Option<u32>,
    receipts: &'a [String],
    with_proofs: bool,
}

/// The routes, gRPC and HTTP, of `face`. Heads are checked against those that `witness` keeps; `ids`
/// must be seeded from the system's randomness, except in tests.
pub fn routes(face: Arc<CitizenFace>, witness: Arc<Witness>, ids: StdRng) -> Router {
    let uses = Arc::new(UsesFace {
        face,
        witness,
        ids: Mutex::new(ids),
    });
    let service = UseLogServiceServer::new(grpc::GrpcUses(Arc::clone(&uses)))
        .max_decoding_message_size(BODY_BYTES_MAX);
    Router::new()
        .route("/v1/uses", post(http_face::list_uses))
        .with_state(uses)
        .route_service("/innsyn.citizen.v1.UseLogService/{*call}", service)
}

impl UsesFace {
    /// Reads every register's log about the person; `headers` carry the token of the call, which
    /// arrived at `arrived`.
    async fn list(
        &self,
        headers: &HeaderMap,
        asked: impl Future<Output = Result<AskedUses, Refusal>>,
        arrived: Instant,
    ) -> Result<(NationalId, citizen::ListUsesResponse), Refusal> {
        let admitted = self.face.admit(headers, arrived).await?;
        let asked = asked.await.map_err(|refusal| self.face.refused(refusal))?;
        let request = self.face.request_of(&admitted, &asked.national_id);
        let request = request.map_err(|refusal| self.face.refused(refusal))?;
        let subject = request.subject;
        let uses = self.ask(request, &asked, arrived).await;
        Ok((subject, uses.map_err(|refusal| self.face.refused(refusal))?))
    }

    async fn ask(
        &self,
        request: Request,
        asked: &AskedUses,
        arrived: Instant,
    ) -> Result<citizen::ListUsesResponse, Refusal> {
        let _place = self.face.place()?;
        let id = self.new_id();
        let deadline = arrived + Duration::from_millis(asked.deadline_ms.into());
        let question = encode_question(id, 0, &request, asked.deadline_ms);
        // What was encoded here is read here.
        let question = node::Question::decode(question).map_err(|_| Refusal::UsesRequest)?;
        let everyone = self.face.everyone();
        let held: Arc<[Held]> = everyone
            .entries()
            .iter()
            .map(|entry| Held {
                register: entry.register.id.clone(),
                kept: self.witness.kept_log(&entry.register.id),
                others: self.witness.seen_by_others(&entry.register.id),
                doubts: self.witness.doubts(&entry.register.id),
                receipt: asked.receipts.get(&entry.register.id).cloned(),
            })
            .collect();
        let witnesses = self.witness.known();
        let call = {
            let (held, since) = (Arc::clone(&held), asked.since_s);
            move |position: usize, channel| {
                let held = held.get(position).cloned();
                let question = question.clone();
                async move {
                    let held = held.ok_or_else(|| Status::internal("no such register"))?;
                    read_pages(channel, held.request(question, since)).await
                }
            }
        };
        let mut calls = everyone.call(deadline, call);
        let mut registers: Vec<citizen::RegisterUses> = everyone
            .entries()
            .iter()
            .map(|entry| citizen::RegisterUses {
                register_id: entry.wire.id.clone(),
                name: entry.wire.name.clone(),
                name_en: entry.wire.name_en.clone(),
                outcome: citizen::UsesOutcome::NoAnswer.into(),
                ..citizen::RegisterUses::default()
            })
            .collect();
        while let Some((position, called)) = calls.next().await {
            if let (Some(uses), Some(held)) = (registers.get_mut(position), held.get(position)) {
                if let (true, Called::Answered(pages), Ok(key)) =
                    (asked.with_proofs, &called, self.witness.key())
                {
                    uses.proof = Some(proof::of(id, &pages.pages, held, &key));
                }
                account(uses, called, held, id, &witnesses);
            }
        }
        let complete = registers.iter().all(|register| {
            matches!(
                register.outcome(),
                citizen::UsesOutcome::Verified
                    | citizen::UsesOutcome::Withheld
                    | citizen::UsesOutcome::CannotBeAsked
            )
        });
        Ok(citizen::ListUsesResponse {
            registers,
            complete,
        })
    }

    fn new_id(&self) -> QuestionId {
        let mut id = [0; 16];
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.fill_bytes(&mut id);
        QuestionId(id)
    }
}

/// Writes down what became of one register.
fn account(
    uses: &mut citizen::RegisterUses,
    called: Called<pages::Pages>,
    held: &Held,
    id: QuestionId,
    witnesses: &[innsyn_proto::head::WitnessKey],
) {
    use citizen::UsesOutcome as O;
    let outcome = match called {
        Called::Answered(pages) => match check(&pages.pages, held, id, witnesses) {
            Ok(checked) => {
                tell(uses, &pages.pages, &checked);
                O::Verified
            }
            Err(fault) => {
                // Nobody's entry is in it; an operator must look.
                tracing::error!(
                    node.id = %held.register,
                    error = &fault as &dyn std::error::Error,
                    "what a register shows of its log of use does not check"
                );
                uses.problem = format!("{}: {fault}", fault.mechanism());
                O::NotVerified
            }
        },
        Called::Refused(status) if status.code() == Code::PermissionDenied => {
            if status.message() == "withheld" {
                O::Withheld
            } else {
                O::Refused
            }
        }
        Called::Refused(_) => O::Refused,
        Called::Silent(Outcome::CannotBeAsked(_) | Outcome::NotConnected) => O::CannotBeAsked,
        Called::Silent(_) => O::NoAnswer,
    };
    uses.outcome = outcome.into();
}

/// What a caller asks, read.
struct AskedUses {
    national_id: String,
    since_s: i64,
    deadline_ms: u32,
    with_proofs: bool,
    receipts: BTreeMap<RegisterId, (ReadingReceipt, String)>,
}

impl Asked<'_> {
    fn read(&self) -> Result<AskedUses, Refusal> {
        let since = self.since.map(str::parse::<jiff::Timestamp>).transpose();
        let since = since.map_err(|_| Refusal::UsesRequest)?;
        if self.receipts.len() > RECEIPTS_MAX {
            return Err(Refusal::UsesRequest);
        }
        let mut receipts = BTreeMap::new();
        for note in self.receipts {
            // Whether the register signed it is seen when it shows its key.
            let receipt = ReadingReceipt::read_unchecked(note).map_err(|_| Refusal::UsesRequest)?;
            let register = receipt.register.clone();
            if receipts.insert(register, (receipt, note.clone())).is_some() {
                return Err(Refusal::UsesRequest);
            }
        }
        Ok(AskedUses {
            national_id: self.national_id.to_owned(),
            since_s: since.map_or(0, jiff::Timestamp::as_second),
            deadline_ms: match self.deadline_ms {
                None => DEADLINE_MS,
                Some(ms @ DEADLINE_MS_MIN..=DEADLINE_MS_MAX) => ms,
                Some(_) => return Err(Refusal::Deadline),
            },
            with_proofs: self.with_proofs,
            receipts,
        })
    }
}
