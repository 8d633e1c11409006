//! What a citizen does with cases: decided, logged, written, receipted.

use innsyn_policy::{
    Act, Case, CaseKind, Conduct, Party, PersonUse, QuestionId, Request, Step, Timestamp,
    UseDecision, UseRecord, may_conduct,
};
use innsyn_proto::case_receipt::{CaseId, CaseReceipt, MessageId};
use innsyn_proto::convert::{case_act_to_wire, case_party_to_wire, case_summary_to_wire};
use innsyn_proto::head::LogHash;
use innsyn_proto::wire::types::v1 as types;
use rand::Rng as _;

use super::exchanged::{self, Came};
use super::store::{self, KeptCase, KeptMessage, KeptStep, NewStep};
use super::{CASES_OF_PERSON_MAX, CaseError, Cases, OPEN_CASES_OF_PERSON_MAX, Words, words};
use crate::records::PersonCode;

/// Who asks about whom, in which call.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) id: QuestionId,
    pub(super) request: Request,
}

/// What a message is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// A case that it opens.
    New(CaseKind),
    /// A case that there is.
    Message(CaseId),
    /// An answered case, which it appeals.
    Appeal(CaseId),
}

/// What a citizen says, whichever way it came.
#[derive(Debug)]
pub(super) struct Saying<'a> {
    pub(super) to: To,
    pub(super) message: MessageId,
    pub(super) words: &'a Words,
    /// When it was said; `None` for now. What is ahead of our clock is said now.
    pub(super) at: Option<Timestamp>,
    /// The message of the exchange that it was, if it was one.
    pub(super) came: Option<&'a Came>,
}

/// A step that stands, and the case after it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) case: CaseId,
    pub(super) receipt: String,
    pub(super) summary: types::CaseSummary,
}

impl Cases {
    /// Takes what a citizen says. When this returns `Ok`, it stands.
    pub(super) async fn say(
        &self,
        asked: &Asked,
        to: To,
        message: MessageId,
        words: &Words,
    ) -> Result<Taken, CaseError> {
        let saying = Saying {
            to,
            message,
            words,
            at: None,
            came: None,
        };
        self.hear(asked, &saying).await
    }

    /// Takes what a citizen says, whichever way it came.
    pub(super) async fn hear(
        &self,
        asked: &Asked,
        saying: &Saying<'_>,
    ) -> Result<Taken, CaseError> {
        let taken = self.try_hear(asked, saying).await;
        self.refusal_logged(asked, taken).await
    }

    /// The person's cases, the latest first.
    pub(super) async fn list(&self, asked: &Asked) -> Result<Vec<types::CaseSummary>, CaseError> {
        let told = async {
            self.may(asked, Conduct::Read, self.clock.now())?;
            let person = self.records.key().code(&asked.request.subject);
            let cases = store::cases_of(self.records.pool(), person).await?;
            self.logged(asked, UseDecision::Answered).await?;
            let now = self.clock.now();
            Ok(cases.iter().map(|case| summary(case, now)).collect())
        };
        let told = told.await;
        self.refusal_logged(asked, told).await
    }

    /// One case with what was said in it; of `only` one step, with its files.
    pub(super) async fn get(
        &self,
        asked: &Asked,
        id: CaseId,
        only: Option<u32>,
    ) -> Result<types::Case, CaseError> {
        let told = async {
            self.may(asked, Conduct::Read, self.clock.now())?;
            let kept = self.case_of(asked, id).await?;
            let steps = store::steps(self.records.pool(), id, only).await?;
            let steps = steps
                .iter()
                .map(|step| self.step_to_wire(id, step, only.is_some()))
                .collect::<Result<_, _>>()?;
            self.logged(asked, UseDecision::Answered).await?;
            Ok(types::Case {
                summary: Some(summary(&kept, self.clock.now())),
                steps,
            })
        };
        let told = told.await;
        self.refusal_logged(asked, told).await
    }

    /// Notes that the gateway is over its cap.
    pub(super) async fn over_cap<T>(&self, asked: &Asked) -> Result<T, CaseError> {
        self.refusal_logged(asked, Err(CaseError::OverCap)).await
    }

    async fn try_hear(&self, asked: &Asked, saying: &Saying<'_>) -> Result<Taken, CaseError> {
        let Saying {
            to, message, words, ..
        } = *saying;
        let now = self.clock.now();
        let said_at = saying.at.map_or(now, |at| at.min(now));
        let key = self.records.key();
        let request = &asked.request;
        let (person, actor) = (key.code(&request.subject), key.code(&request.caller.person));
        self.may(asked, Conduct::Read, said_at)?;
        let act = match to {
            To::New(_) => Act::Open,
            To::Message(_) => Act::Message,
            To::Appeal(_) => Act::Appeal,
        };
        // One that writes at a time, from here to the commit.
        let mut records = self.records.write().await?;
        let (kind, kept) = match to {
            To::New(kind) => (kind, None),
            To::Message(id) | To::Appeal(id) => {
                let kept = store::case(&mut *records, id).await?;
                let kept = kept.filter(|kept| kept.person == person);
                let kept = kept.ok_or(CaseError::NoSuchCase)?;
                (kept.case.kind(), Some(kept))
            }
        };
        let by = self.may(asked, Conduct::Act(kind), said_at)?;
        let digest = words.digest(message);
        if let Some(earlier) = store::message(&mut *records, person, message).await? {
            let kept = store::case(&mut *records, earlier.case).await?;
            let kept = kept.ok_or(CaseError::Damaged(earlier.case))?;
            let same_case = match to {
                To::New(kind) => earlier.number == 1 && kept.case.kind() == kind,
                To::Message(id) | To::Appeal(id) => earlier.number > 1 && earlier.case == id,
            };
            drop(records);
            return self.again(asked, &earlier, &kept, same_case, digest).await;
        }
        if kept.is_none() {
            let cases = store::cases_of(&mut *records, person).await?;
            let open = cases.iter().filter(|it| it.case.state().is_open()).count();
            if cases.len() >= CASES_OF_PERSON_MAX || open >= OPEN_CASES_OF_PERSON_MAX {
                return Err(CaseError::TooMany);
            }
        }
        let step = Step {
            act,
            by,
            // Clocks are set back; what follows a step is not before it.
            at: kept
                .as_ref()
                .map_or(said_at, |kept| said_at.max(kept.case.last_at())),
            has_words: words.has_text(),
        };
        let kept = if let Some(mut kept) = kept {
            kept.case.take(step)?;
            kept.steps += 1;
            kept
        } else {
            let id = CaseId(self.sixteen_bytes());
            let case = Case::open(kind, step)?;
            store::insert_case(&mut records, id, (person, actor), &case).await?;
            KeptCase {
                id,
                person,
                opener: actor,
                case,
                steps: 1,
            }
        };
        // The log first: a step without an entry there cannot be, an entry without a step can.
        let leaf = self.logged(asked, UseDecision::Answered).await?;
        let receipt = self.sign(&kept, step, digest, leaf)?;
        let new = NewStep {
            case: kept.id,
            number: kept.steps,
            step,
            person,
            actor: Some(actor),
            message: Some(message),
            clerk: None,
            digest: Some(self.seal(&digest, b"case digest", kept.id, kept.steps)),
            words: Some(self.seal(&words.to_bytes(), b"case words", kept.id, kept.steps)),
            receipt: self.seal(receipt.as_bytes(), b"case receipt", kept.id, kept.steps),
        };
        store::insert_step(&mut records, new).await?;
        if let Some(came) = saying.came {
            exchanged::came(&mut records, came, (kept.id, kept.steps)).await?;
        }
        records.commit().await?;
        tracing::info!(case.id = %kept.id, act = act.name(), "case step taken");
        Ok(Taken {
            case: kept.id,
            receipt,
            summary: summary(&kept, now),
        })
    }

    /// The receipt that a message had, sent again.
    async fn again(
        &self,
        asked: &Asked,
        earlier: &KeptMessage,
        kept: &KeptCase,
        same_case: bool,
        digest: [u8; 32],
    ) -> Result<Taken, CaseError> {
        let open = |sealed: &[u8], what| self.unseal(sealed, what, kept.id, earlier.number);
        let said = earlier.digest.as_deref();
        let said = said
            .map(|sealed| open(sealed, b"case digest"))
            .transpose()?;
        if !same_case || said.as_deref() != Some(digest.as_slice()) {
            return Err(CaseError::MessageIdUsed);
        }
        let taken = self.receipted(earlier, kept)?;
        self.logged(asked, UseDecision::Answered).await?;
        Ok(taken)
    }

    /// The step that a message was, with the receipt that it had.
    fn receipted(&self, earlier: &KeptMessage, kept: &KeptCase) -> Result<Taken, CaseError> {
        let receipt = self.unseal(&earlier.receipt, b"case receipt", kept.id, earlier.number)?;
        Ok(Taken {
            case: kept.id,
            receipt: String::from_utf8(receipt).map_err(|_| CaseError::Damaged(kept.id))?,
            summary: summary(kept, self.clock.now()),
        })
    }

    /// The step that a message was, and its case as it stands.
    pub(super) async fn taken_of(&self, message: &KeptMessage) -> Result<Taken, CaseError> {
        let kept = store::case(self.records.pool(), message.case).await?;
        let kept = kept.ok_or(CaseError::Damaged(message.case))?;
        self.receipted(message, &kept)
    }

    /// The code of the subject, if the caller may read their cases now.
    pub(super) fn may_read(&self, asked: &Asked) -> Result<PersonCode, CaseError> {
        self.may(asked, Conduct::Read, self.clock.now())?;
        Ok(self.records.key().code(&asked.request.subject))
    }

    async fn case_of(&self, asked: &Asked, id: CaseId) -> Result<KeptCase, CaseError> {
        let person = self.records.key().code(&asked.request.subject);
        let kept = store::case(self.records.pool(), id).await?;
        kept.filter(|kept| kept.person == person)
            .ok_or(CaseError::NoSuchCase)
    }

    /// Whether this may be done, as things stood at `at`.
    fn may(&self, asked: &Asked, conduct: Conduct, at: Timestamp) -> Result<Party, CaseError> {
        Ok(may_conduct(&asked.request, &self.register, conduct, at)?)
    }

    /// Writes the use into the log, durably.
    pub(super) async fn logged(
        &self,
        asked: &Asked,
        decision: UseDecision,
    ) -> Result<LogHash, CaseError> {
        let at = self.clock.now();
        let record =
            UseRecord::of_person(PersonUse::Dialog, asked.id, &asked.request, decision, at);
        self.logged_record(record).await
    }

    pub(super) async fn logged_record(&self, record: UseRecord) -> Result<LogHash, CaseError> {
        let leaves = self.log.append(vec![record]).await?;
        leaves
            .first()
            .copied()
            .ok_or_else(|| crate::uselog::LogUnavailableError::Closed.into())
    }

    /// `told`, after a refusal has been written into the log, durably.
    pub(super) async fn refusal_logged<T>(
        &self,
        asked: &Asked,
        told: Result<T, CaseError>,
    ) -> Result<T, CaseError> {
        let decision = match &told {
            Ok(_) | Err(CaseError::Log(_)) => return told,
            Err(CaseError::NotConducted(not)) => (*not).into(),
            Err(CaseError::OverCap) => UseDecision::OverCap,
            Err(CaseError::Records(_) | CaseError::Damaged(_) | CaseError::Receipt(_)) => {
                UseDecision::SourceUnavailable
            }
            Err(_) => UseDecision::Answered,
        };
        self.logged(asked, decision).await?;
        told
    }

    pub(super) fn sign(
        &self,
        kept: &KeptCase,
        step: Step,
        content: [u8; 32],
        use_log_leaf: LogHash,
    ) -> Result<String, CaseError> {
        let receipt = CaseReceipt {
            register: self.register.id.clone(),
            case: kept.id,
            step: kept.steps,
            act: step.act,
            kind: kept.case.kind(),
            state: kept.case.state(),
            due: kept.case.deadline().due(),
            content,
            use_log_leaf,
            at: Timestamp::from_seconds(step.at.as_seconds()),
        };
        Ok(self.log.sign_case(&receipt)?)
    }

    pub(super) fn sixteen_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random().fill_bytes(&mut bytes);
        bytes
    }

    pub(super) fn seal(&self, plain: &[u8], what: &[u8], case: CaseId, step: u32) -> Vec<u8> {
        let context = context(what, case, step);
        let key = self.records.key();
        key.seal(plain, &context, &mut *self.random())
    }

    fn unseal(
        &self,
        sealed: &[u8],
        what: &[u8],
        case: CaseId,
        step: u32,
    ) -> Result<Vec<u8>, CaseError> {
        let key = self.records.key();
        key.unseal(sealed, &context(what, case, step))
            .map_err(|_| CaseError::Damaged(case))
    }

    /// What is said in a step.
    pub(super) fn words_of_step(
        &self,
        id: CaseId,
        kept: &KeptStep,
    ) -> Result<Option<Words>, CaseError> {
        let Some(sealed) = &kept.words else {
            return Ok(None);
        };
        let bytes = self.unseal(sealed, b"case words", id, kept.number)?;
        Ok(Some(Words::of_bytes(&bytes).ok_or(CaseError::Damaged(id))?))
    }

    fn step_to_wire(
        &self,
        id: CaseId,
        kept: &KeptStep,
        with_files: bool,
    ) -> Result<types::CaseStep, CaseError> {
        let damaged = || CaseError::Damaged(id);
        let said = self.words_of_step(id, kept)?;
        let receipt = self.unseal(&kept.receipt, b"case receipt", id, kept.number)?;
        let files = said.as_ref().map_or(&[][..], Words::attachments);
        let attachments = files.iter().map(|file| {
            let bytes = u32::try_from(file.content.len()).unwrap_or(u32::MAX);
            let told = words::to_wire(file);
            types::CaseAttachment {
                bytes,
                content: if with_files { told.content } else { Vec::new() },
                ..told
            }
        });
        Ok(types::CaseStep {
            act: case_act_to_wire(kept.step.act).into(),
            by: case_party_to_wire(kept.step.by).into(),
            at_ms: kept.step.at.as_micros().div_euclid(1_000),
            text: said.as_ref().map_or("", Words::text).to_owned(),
            attachments: attachments.collect(),
            receipt: String::from_utf8(receipt).map_err(|_| damaged())?,
            content_removed: kept.removed,
        })
    }
}

/// What is sealed is bound to its place.
pub(super) fn context(what: &[u8], case: CaseId, step: u32) -> Vec<u8> {
    [what, case.0.as_slice(), step.to_be_bytes().as_slice()].concat()
}

pub(super) fn summary(kept: &KeptCase, now: Timestamp) -> types::CaseSummary {
    case_summary_to_wire(kept.id, &kept.case, kept.steps, now)
}
