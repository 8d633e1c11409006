//! Messages that waited for this agent, sealed, in a relay's mailbox.
//!
//! ```text
//!   item ─▶ dealt with before? ─▶ open ─▶ whose signature? ─▶ says something? ─▶ Cases::hear ─▶ noted
//!             └─ forget            └───────┴─ not ours: thrown away    └─ no: noted
//! ```
//!
//! What holds:
//!
//! - **Only a configured gateway's signature counts**, over an item for this register.
//! - **Once**: a message is known by its own name, whichever way it came and however often.
//! - **As of when it was sent**: whether it may be said, and the law's clock.
//! - **No more than a gateway may ask** by calls: what is over its cap is refused, and logged.
//! - **The relay forgets an item only when it is dealt with**, durably; the gateway that sealed it is
//!   told so, and of an item that nobody could open it is not.
//! - **What is refused is told to whoever asks for it**: the refusal is kept for
//!   [`NOTED_FOR`](super::retention::NOTED_FOR).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use innsyn_policy::{NumberRules, Timestamp};
use innsyn_proto::case_receipt::MessageId;
use innsyn_proto::convert::question_from_wire;
use innsyn_proto::dialog::{DialogCall, DialogItem};
use innsyn_proto::head::HeadKey;
use innsyn_proto::identity::GatewayName;
use innsyn_proto::sealing::OpeningKey;
use innsyn_proto::wire::node::v1 as wire;
use tokio::time::Instant;

use super::keeping::{Asked, Saying, Taken, To};
use super::service::{case_id, kind_of, refusal_of};
use super::{CaseError, Cases, Words, WordsError, store};
use crate::service::{AskedInTime, Caps};

/// Names that a gateway asks about at once.
const ASKED_MAX: usize = 64;

/// Takes what waited.
pub struct SealedCases {
    cases: Arc<Cases>,
    opening: OpeningKey,
    gateways: BTreeMap<GatewayName, Served>,
    rules: NumberRules,
}

/// A gateway whose messages are taken.
struct Served {
    key: HeadKey,
    /// What it has sent; as much as it may ask by calls.
    asked: Mutex<AskedInTime>,
}

impl fmt::Debug for SealedCases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedCases")
            .field("register", &self.cases.register.id)
            .finish_non_exhaustive()
    }
}

/// What became of a message that a citizen asks for.
pub(super) enum Found {
    /// It is a step.
    Taken(Taken),
    /// It was refused, when it came sealed.
    Refused(wire::CaseRefusal),
    /// It has not come.
    NotHere,
}

/// What an item says.
struct Said {
    asked: Asked,
    to: To,
    message: MessageId,
    words: Words,
    at: Timestamp,
}

impl SealedCases {
    /// Takes what waits for `cases`, of `gateways` with the keys that sign it and what each may send;
    /// national ids are read by `rules`.
    pub fn new(
        cases: Arc<Cases>,
        gateways: impl IntoIterator<Item = (GatewayName, HeadKey, Caps)>,
        rules: NumberRules,
    ) -> Self {
        let now = Instant::now();
        let served = |(name, key, caps)| {
            let asked = Mutex::new(AskedInTime::new(caps, now));
            (name, Served { key, asked })
        };
        let gateways = gateways.into_iter().map(served).collect();
        Self {
            opening: OpeningKey::from_seed(&cases.records.key().mailbox_seed()),
            cases,
            gateways,
            rules,
        }
    }

    /// Whether messages of `gateway` are taken.
    pub fn serves(&self, gateway: &GatewayName) -> bool {
        self.gateways.contains_key(gateway)
    }

    /// Takes `items`, each with its name; gives the names of those that the relay may forget. Those
    /// that are not named wait there.
    pub async fn take(
        &self,
        items: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Vec<Vec<u8>>, CaseError> {
        let mut forget = Vec::new();
        for (name, sealed) in items {
            if self.is_taken(&name).await? {
                forget.push(name);
                continue;
            }
            let Some(item) = self.open(&sealed) else {
                tracing::warn!("a message in the mailbox is of no gateway of this agent's");
                forget.push(name);
                continue;
            };
            match self.take_item(&item, &name).await {
                Ok(()) => forget.push(name),
                Err(CaseError::Damaged(case)) => {
                    tracing::error!(case.id = %case, "a message waits: its case is damaged");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(forget)
    }

    /// Those of `names` that are dealt with.
    pub async fn taken(&self, names: &[Bytes]) -> Result<Vec<Bytes>, CaseError> {
        let mut taken = Vec::new();
        for name in names.iter().take(ASKED_MAX) {
            if self.is_taken(name).await? {
                taken.push(name.clone());
            }
        }
        Ok(taken)
    }

    async fn is_taken(&self, name: &[u8]) -> Result<bool, CaseError> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM case_items WHERE name = $1")
            .bind(name)
            .fetch_optional(self.cases.records.pool())
            .await?;
        Ok(row.is_some())
    }

    fn open(&self, sealed: &[u8]) -> Option<DialogItem> {
        let register = &self.cases.register.id;
        let note = self.opening.open(register, sealed).ok()?;
        let gateway = DialogItem::gateway_unchecked(&note)?;
        let served = self.gateways.get(&gateway)?;
        DialogItem::read(&note, (&gateway, &served.key), register).ok()
    }

    /// Counts a message of `gateway`; whether it is within what that may send.
    fn admits(&self, gateway: &GatewayName) -> bool {
        self.gateways.get(gateway).is_some_and(|served| {
            let mut asked = served.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.admit(Instant::now())
        })
    }

    async fn take_item(&self, item: &DialogItem, name: &[u8]) -> Result<(), CaseError> {
        let cases = &self.cases;
        let Some(call) = &item.content else {
            return cases.note_item(name, None).await;
        };
        let said = match self.read(call, item.at) {
            Ok(said) => said,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a message that came sealed is not as it should be"
                );
                return cases.note_item(name, None).await;
            }
        };
        let person = cases.records.key().code(&said.asked.request.subject);
        let known = store::message(cases.records.pool(), person, said.message).await?;
        if known.is_some() {
            return cases.note_item(name, None).await;
        }
        let saying = Saying {
            to: said.to,
            message: said.message,
            words: &said.words,
            at: Some(said.at),
            came: None,
        };
        let heard = if self.admits(&item.gateway) {
            cases.hear(&said.asked, &saying).await
        } else {
            cases.over_cap(&said.asked).await
        };
        match heard {
            Ok(_) => cases.note_item(name, None).await,
            Err(error) if error.is_of_now() => Err(error),
            Err(error) => {
                tracing::info!(
                    error = &error as &dyn std::error::Error,
                    "a message that came sealed is refused"
                );
                let refused = (person, said.message, refusal_of(&error));
                cases.note_item(name, Some(refused)).await
            }
        }
    }

    fn read(&self, call: &DialogCall, at: Timestamp) -> Result<Said, CaseError> {
        let (who, words, to) = match call {
            DialogCall::Open(call) => (&call.who, &call.words, kind_of(call.kind()).map(To::New)),
            DialogCall::Message(call) => {
                let to = case_id(&call.case_id).map(To::Message);
                (&call.who, &call.words, to)
            }
            DialogCall::Appeal(call) => {
                let to = case_id(&call.case_id).map(To::Appeal);
                (&call.who, &call.words, to)
            }
        };
        let who = who.as_ref().ok_or(WordsError::Malformed)?;
        let read = question_from_wire(who, self.rules).map_err(|_| WordsError::Malformed)?;
        let (message, words) = Words::from_wire(words.clone().ok_or(WordsError::Malformed)?)?;
        Ok(Said {
            asked: Asked {
                id: read.id,
                request: read.request,
            },
            to: to?,
            message,
            words,
            at,
        })
    }
}

impl Cases {
    /// What became of the person's message called `message`.
    pub(super) async fn find(&self, asked: &Asked, message: MessageId) -> Result<Found, CaseError> {
        let found = self.try_find(asked, message).await;
        self.refusal_logged(asked, found).await
    }

    async fn try_find(&self, asked: &Asked, message: MessageId) -> Result<Found, CaseError> {
        let person = self.may_read(asked)?;
        let known = store::message(self.records.pool(), person, message).await?;
        let found = if let Some(known) = known {
            Found::Taken(self.taken_of(&known).await?)
        } else {
            let refused: Option<(i64,)> = sqlx::query_as(
                "SELECT refusal FROM case_refusals WHERE person = $1 AND message_id = $2",
            )
            .bind(person.0.as_slice())
            .bind(message.0.as_slice())
            .fetch_optional(self.records.pool())
            .await?;
            let refusal = refused.and_then(|(code,)| i32::try_from(code).ok());
            let refusal = refusal.and_then(|code| wire::CaseRefusal::try_from(code).ok());
            refusal.map_or(Found::NotHere, Found::Refused)
        };
        self.logged(asked, innsyn_policy::UseDecision::Answered)
            .await?;
        Ok(found)
    }

    /// Notes that an item is dealt with, and that its message was refused, if it was.
    async fn note_item(
        &self,
        name: &[u8],
        refused: Option<(crate::records::PersonCode, MessageId, wire::CaseRefusal)>,
    ) -> Result<(), CaseError> {
        let now = self.clock.now().as_micros();
        let mut records = self.records.write().await?;
        sqlx::query(
            "INSERT INTO case_items (name, taken_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(name)
        .bind(now)
        .execute(&mut *records)
        .await?;
        if let Some((person, message, refusal)) = refused {
            sqlx::query(
                "INSERT INTO case_refusals (person, message_id, refusal, refused_at) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            )
            .bind(person.0.as_slice())
            .bind(message.0.as_slice())
            .bind(i64::from(i32::from(refusal)))
            .bind(now)
            .execute(&mut *records)
            .await?;
        }
        records.commit().await?;
        Ok(())
    }
}
