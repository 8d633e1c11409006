//! A message that came becomes a case, or a step of one.

use futures::future::BoxFuture;
use innsyn_policy::{
    Assurance, Caller, Organisation, Purpose, QuestionId, Representation, Request, StepError,
};
use innsyn_proto::case_receipt::{CaseId, MessageId};
use sha2::{Digest as _, Sha256};

use super::super::keeping::{Asked, Saying, To};
use super::super::{CaseError, Cases, WordsError, store};
use super::kept::{self, Came, Known};
use super::{first_half, kind_of, words};
use crate::exchange::{Inbox, MessageKind, NotReceived, Received, RegisterMessage};

impl Inbox for Cases {
    fn receive<'a>(
        &'a self,
        message: &'a RegisterMessage,
    ) -> BoxFuture<'a, Result<Received, NotReceived>> {
        Box::pin(async move {
            let case = self.take_exchanged(message).await.map_err(not_received)?;
            Ok(Received {
                receipt: case.to_string(),
            })
        })
    }
}

impl Cases {
    async fn take_exchanged(&self, message: &RegisterMessage) -> Result<CaseId, CaseError> {
        let this = Came::of(message);
        let (name, request) = (name_of(&this), request_of(message)?);
        let known = kept::find(self.records.pool(), this.party, &this.message).await?;
        let case = match known {
            Some(Known { case, .. }) => case,
            None => self.hear_exchanged(message, &this, name, &request).await?,
        };
        if message.kind == MessageKind::Uses {
            // Also where the case is known: the agent may have fallen between the two.
            self.tell_uses(case, name, &request).await?;
        }
        Ok(case)
    }

    async fn hear_exchanged(
        &self,
        message: &RegisterMessage,
        came: &Came,
        name: [u8; 16],
        request: &Request,
    ) -> Result<CaseId, CaseError> {
        let asked = Asked {
            id: QuestionId(name),
            request: request.clone(),
        };
        let to = self.follows(message).await?;
        let words = words::of(message)?;
        let saying = Saying {
            to: to.unwrap_or(To::New(kind_of(message.kind))),
            message: MessageId(name),
            words: &words,
            // The law's clock runs from when the register has it.
            at: None,
            came: Some(came),
        };
        Ok(self.hear(&asked, &saying).await?.case)
    }

    /// The case that `message` is a step of, if it follows one.
    async fn follows(&self, message: &RegisterMessage) -> Result<Option<To>, CaseError> {
        let person = self.records.key().code(&message.person);
        let before = [&message.conversation.parent, &message.conversation.first];
        for id in before.into_iter().flatten() {
            let known = kept::find(self.records.pool(), message.from, id).await?;
            let Some(known) = known.filter(|known| known.kind == message.kind) else {
                continue;
            };
            let kept = store::case(self.records.pool(), known.case).await?;
            let Some(kept) = kept.filter(|kept| kept.person == person) else {
                continue;
            };
            return Ok(Some(if kept.case.state().is_open() {
                To::Message(known.case)
            } else {
                To::Appeal(known.case)
            }));
        }
        Ok(None)
    }
}

/// Who asks about whom, as the exchange tells it.
fn request_of(message: &RegisterMessage) -> Result<Request, CaseError> {
    let organisation = Organisation::parse(&format!("her:{}", message.from));
    Ok(Request {
        subject: message.person,
        caller: Caller {
            person: message.person,
            organisation: organisation.map_err(|_| WordsError::Malformed)?,
            assurance: Assurance::High,
        },
        representation: Representation::Own,
        purpose: Purpose::OwnInsight,
    })
}

/// What a message is called among the person's: it is the same however often it comes.
fn name_of(came: &Came) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(b"innsyn exchange message\n");
    hash.update(came.party.number().to_be_bytes());
    hash.update(came.message.key());
    first_half(hash.finalize().into())
}

/// What the exchange is told. What is refused is said to the sender, in words that are the same for
/// everybody; a fault of ours holds the queue, and one with a single message gives it back.
fn not_received(error: CaseError) -> NotReceived {
    use CaseError as E;
    let refused = |why: &str| NotReceived::Refused(why.to_owned());
    match error {
        E::Words(_) => refused(
            "vedleggene kan ikke tas imot: høyst 4 filer, til sammen høyst 262144 byte, og lang \
             tekst regnes som en fil (attachments: at most 4 files of 262144 bytes together; a \
             long text counts as one)",
        ),
        E::NotConducted(_) => refused(
            "registeret tar ikke imot denne henvendelsen for denne personen (the register does \
             not take this request for this person)",
        ),
        E::Step(StepError::AppealedBefore) => refused(
            "saken er klaget på før; veien videre er klage til Datatilsynet (the case was \
             appealed before; the way on is a complaint to Datatilsynet)",
        ),
        E::TooMany | E::Step(StepError::TooManyMessages) => refused(
            "det er ikke plass til flere saker, eller flere meldinger i saken (there is no room \
             for more cases, or for more messages in this one)",
        ),
        E::MessageIdUsed => refused(
            "meldingens id er brukt for en annen melding (the message's id was used for another)",
        ),
        E::Text(_) | E::Step(_) | E::NoSuchCase | E::OverCap => refused(
            "meldingen kan ikke tas imot slik saken står (the message cannot be taken as the case \
             stands)",
        ),
        error @ E::Damaged(_) => NotReceived::Later(error.into()),
        error @ (E::Log(_) | E::Records(_) | E::Receipt(_) | E::Uses(_)) => {
            NotReceived::Ours(error.into())
        }
    }
}
