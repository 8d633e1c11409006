//! Insight in use is begun from the log of use: what the log has goes into the case at once, and
//! the case waits for the register's case handler, who knows what the register did beside Innsyn.

use futures::future::BoxFuture;
use innsyn_policy::{Act, CaseText, QuestionId, Request};
use innsyn_proto::case_receipt::CaseId;
use sha2::{Digest as _, Sha256};

use super::super::keeping::context;
use super::super::{Attachment, CaseError, Cases, Words, codes};

/// Who says it.
const AGENT: &str = "innsyn-agent";
const FILE: &str = "bruk.csv";
const WHOLE: &str = "\
Vedlagt er alt som registerets logg over bruk har om deg (bruk.csv). Registeret svarer selv om \
opplysningene dine er brukt på andre måter.\n\
Attached is all that the register's log of use has about you (bruk.csv). The register will answer \
itself whether your data were used in other ways.";
const NEWEST: &str = "\
Vedlagt er det nyeste som registerets logg over bruk har om deg (bruk.csv); det er mer enn det er \
plass til. Registeret svarer selv om resten, og om opplysningene dine er brukt på andre måter.\n\
Attached is the newest that the register's log of use has about you (bruk.csv); there is more than \
there is room for. The register will answer itself about the rest, and about other use.";

/// What a log has about somebody.
#[derive(Clone)]
pub struct UsesTable {
    /// As comma-separated text, with a row of names.
    pub csv: Vec<u8>,
    /// Whether it is all there is.
    pub is_whole: bool,
}

impl std::fmt::Debug for UsesTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UsesTable(***)")
    }
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowUsesError {
    /// It may not be shown to this caller.
    #[error("the log of use is not shown to this caller")]
    Refused,
    /// The log cannot be written or read now.
    #[error("the log of use cannot be shown now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Shows a person what the log of use has about them. A seam: the log is read by another part of
/// the agent.
pub trait ShowsUses: Send + Sync + 'static {
    /// What the log has about the subject of `request`, after the reading, called `id`, stands in
    /// it.
    fn uses<'a>(
        &'a self,
        id: QuestionId,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<UsesTable, ShowUsesError>>;
}

impl Cases {
    /// Has the register say in `case`, once, what the log of use has about the subject of `request`;
    /// `message` names the message that asked for it.
    pub(super) async fn tell_uses(
        &self,
        case: CaseId,
        message: [u8; 16],
        request: &Request,
    ) -> Result<(), CaseError> {
        let Some(shows) = &self.uses else {
            return Ok(());
        };
        let id = word_of(message);
        let said: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM case_words WHERE id = $1")
            .bind(id.as_slice())
            .fetch_optional(self.records.pool())
            .await?;
        if said.is_some() {
            return Ok(());
        }
        let table = match shows.uses(QuestionId(id), request).await {
            Ok(table) => table,
            Err(ShowUsesError::Refused) => return Ok(()),
            Err(error) => return Err(CaseError::Uses(error)),
        };
        let text = CaseText::parse(if table.is_whole { WHOLE } else { NEWEST })?;
        let file = Attachment {
            name: FILE.to_owned(),
            media_type: "text/csv; charset=utf-8".to_owned(),
            content: table.csv.into(),
        };
        let words = Words::new(Some(text), vec![file])?;
        let (clerk, words) = {
            let key = self.records.key();
            let mut random = self.random();
            let clerk = key.seal(AGENT.as_bytes(), b"clerk", &mut *random);
            let context = context(b"clerk words", case, 0);
            (clerk, key.seal(&words.to_bytes(), &context, &mut *random))
        };
        let mut records = self.records.write().await?;
        sqlx::query(
            "INSERT INTO case_words (id, case_id, act, said_at, clerk, words) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.as_slice())
        .bind(case.0.as_slice())
        .bind(codes::of_act(Act::Message))
        .bind(self.clock.now().as_micros())
        .bind(clerk)
        .bind(words)
        .execute(&mut *records)
        .await?;
        records.commit().await?;
        Ok(())
    }
}

/// What the register's word about a message is called: one for each.
fn word_of(message: [u8; 16]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(b"innsyn exchange uses\n");
    hash.update(message);
    super::first_half(hash.finalize().into())
}
