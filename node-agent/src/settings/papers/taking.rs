//! The running agent takes what clerks have said.

use innsyn_policy::{
    CONFIRM_WITHIN, DefinitionId, EnteredPaper, NationalId, Organisation, PaperEnd, Timestamp,
    paper_sequence,
};
use innsyn_proto::setting::paper::{Paper, PaperSaid, PaperUse, PaperWord, digest};
use innsyn_proto::setting::{ActedAs, Change, ChangeId};
use sha2::{Digest as _, Sha256};

use super::store::{self, Waiting};
use super::{PaperRefusal, Papers, PapersError, WAITING_MAX, told};
use crate::records::Records;
use crate::settings::kept::Writer;

/// Words that one look takes.
const WORDS_AT_ONCE_MAX: u32 = 16;

/// What the clerk is told.
const WAITS: &str = "entered; it is no setting before another clerk has confirmed it";
const WITHDRAWN: &str = "withdrawn; it never was a setting";
const STANDS: &str = "confirmed: it is in effect at this register, and the person sees it";
const SURPASSED: &str = "confirmed, kept and logged, but not in effect: the person has said something else since the \
     date on the paper, or on that day, and that stands";

/// Why a word was not taken now.
enum NotTaken {
    /// It never will be.
    Never(PaperRefusal),
    /// It is tried again.
    Later(PapersError),
}

impl<E: Into<PapersError>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        Self::Later(error.into())
    }
}

fn never<E: Into<PaperRefusal>>(error: E) -> NotTaken {
    NotTaken::Never(error.into())
}

impl Papers {
    /// Takes what clerks have said and nobody has taken; how many words that was.
    pub async fn take_words(&self) -> Result<usize, PapersError> {
        let words = store::waiting(self.records().pool(), WORDS_AT_ONCE_MAX).await?;
        for waiting in &words {
            let taken = if waiting.enters {
                self.enter(waiting).await
            } else {
                self.end(waiting).await
            };
            match taken {
                Ok(()) => {}
                Err(NotTaken::Never(why)) => {
                    let (pool, now) = (self.records().pool(), self.keeper.now());
                    store::end_word(pool, waiting.id, now, Err(&why.to_string())).await?;
                }
                Err(NotTaken::Later(error)) => return Err(error),
            }
        }
        Ok(words.len())
    }

    /// Puts a paper among those that wait.
    async fn enter(&self, waiting: &Waiting) -> Result<(), NotTaken> {
        let (records, now) = (self.records(), self.keeper.now());
        let note = self.open(&waiting.note, b"paper word", &waiting.id)?;
        let (paper, _) = Paper::read(&note, &self.clerks, self.keeper.register()).map_err(never)?;
        let definition = self.definition(&paper.definition).map_err(never)?;
        if !(1..=definition.text_version).contains(&paper.text_version) {
            return Err(never(PaperRefusal::TextVersion));
        }
        paper_sequence(paper.dated, definition.says_no(paper.active), now).map_err(never)?;
        let admitted = self.numbers.environment.admit_citizen(&paper.person);
        admitted.map_err(|_| never(PaperRefusal::NotAdmitted))?;
        let sealed = self.seal(note.as_bytes(), b"paper note", &waiting.paper);
        let mut transaction = records.write().await?;
        let not_lapsed = "SELECT count(*) FROM paper WHERE ended IS NULL AND entered_at > $1";
        let (waits,): (i64,) = sqlx::query_as(not_lapsed)
            .bind(now.minus(CONFIRM_WITHIN).as_micros())
            .fetch_one(&mut *transaction)
            .await?;
        if waits >= i64::from(WAITING_MAX) {
            return Err(never(PaperRefusal::TooMany));
        }
        sqlx::query(
            "INSERT INTO paper (id, person, definition, note, entered_at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(waiting.paper.as_slice())
        .bind(&records.key().code(&paper.person).0[..])
        .bind(&paper.definition.bytes()[..])
        .bind(sealed)
        .bind(now.as_micros())
        .execute(&mut *transaction)
        .await?;
        store::end_word(&mut *transaction, waiting.id, now, Ok(WAITS)).await?;
        transaction.commit().await?;
        tracing::info!("a paper was entered");
        Ok(())
    }

    /// Confirms or withdraws a paper that waits.
    async fn end(&self, waiting: &Waiting) -> Result<(), NotTaken> {
        let now = self.keeper.now();
        let said = self.open(&waiting.note, b"paper word", &waiting.id)?;
        let read = PaperWord::read(&said, &self.clerks, self.keeper.register());
        let (word, clerk) = read.map_err(never)?;
        let kept = store::paper(self.records().pool(), waiting.paper).await?;
        let kept = kept.ok_or(NotTaken::Never(PaperRefusal::NotThere))?;
        let note = self.open(&kept.note, b"paper note", &kept.id)?;
        if word.paper != digest(&note) {
            return Err(never(PaperRefusal::OtherPaper));
        }
        let read = Paper::read(&note, &self.clerks, self.keeper.register());
        let (paper, entered_by) = read.map_err(never)?;
        let entered = EnteredPaper {
            entered_by: entered_by.clone(),
            entered_at: kept.entered_at,
            ended: kept.ended,
        };
        // Said in time, as the clerk has signed it, though the agent may take it later.
        let said_at = word.at.min(now);
        match word.said {
            PaperSaid::Withdraw => {
                entered.may_withdraw(said_at).map_err(never)?;
                let end = (kept.id, PaperEnd::Withdrawn, now);
                self.ended(waiting, end, &said, None, WITHDRAWN).await
            }
            PaperSaid::Confirm => {
                entered.may_confirm(clerk, said_at).map_err(never)?;
                let told = PaperUse {
                    entered_by: entered.entered_by,
                    confirmed_by: clerk.clone(),
                    dated: paper.dated,
                    archive: paper.archive.clone(),
                    reason: paper.reason.clone(),
                    signed_digest: Sha256::new_with_prefix(&note)
                        .chain_update(&said)
                        .finalize()
                        .into(),
                };
                let stands = self.becomes_setting(&paper, &told, now).await?;
                let end = (kept.id, PaperEnd::Confirmed, now);
                let said_of_it = if stands { STANDS } else { SURPASSED };
                self.ended(waiting, end, &said, Some(&told), said_of_it)
                    .await
            }
        }
    }

    /// Makes a setting of a confirmed paper; whether it stands over what else the person has said.
    ///
    /// Done again after a crash, it changes nothing: its name is made of what was signed.
    async fn becomes_setting(
        &self,
        paper: &Paper,
        told: &PaperUse,
        now: Timestamp,
    ) -> Result<bool, NotTaken> {
        let definition = self.definition(&paper.definition).map_err(never)?;
        let says_no = definition.says_no(paper.active);
        let change = Change {
            id: ChangeId(told.question().0),
            definition: paper.definition,
            text_version: paper.text_version,
            person: paper.person,
            by: paper.person,
            organisation: self.itself()?,
            acted_as: ActedAs::Own,
            sequence: paper_sequence(paper.dated, says_no, now).map_err(never)?,
            active: paper.active,
            until: None,
        };
        self.keeper.take_change(&Writer::Clerk, &change).await?;
        self.stands(&paper.person, &paper.definition, &change.id)
            .await
    }

    async fn stands(
        &self,
        person: &NationalId,
        definition: &DefinitionId,
        change: &ChangeId,
    ) -> Result<bool, NotTaken> {
        let standing: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT change FROM setting WHERE person = $1 AND definition = $2")
                .bind(&self.records().key().code(person).0[..])
                .bind(&definition.bytes()[..])
                .fetch_optional(self.records().pool())
                .await?;
        Ok(standing.is_some_and(|(standing,)| standing == change.0))
    }

    /// Ends the paper and the word in one transaction.
    async fn ended(
        &self,
        waiting: &Waiting,
        end: (store::PaperId, PaperEnd, Timestamp),
        said: &str,
        told: Option<&PaperUse>,
        said_of_it: &str,
    ) -> Result<(), NotTaken> {
        let word = self.seal(said.as_bytes(), b"paper end", &waiting.paper);
        let change = told.map(|told| told.question().0);
        let sealed = told.map(|told| {
            let context = told::context(&told.question().0);
            let key = self.records().key();
            key.seal(&told.to_bytes(), &context, &mut *self.random())
        });
        let mut transaction = self.records().write().await?;
        let change = change.as_ref().map(<[u8; 16]>::as_slice);
        store::end_paper(&mut *transaction, end, &word, change, sealed.as_deref()).await?;
        store::end_word(&mut *transaction, waiting.id, end.2, Ok(said_of_it)).await?;
        transaction.commit().await?;
        tracing::info!(end = ?end.1, "a paper ended");
        Ok(())
    }

    fn records(&self) -> &Records {
        self.keeper.records()
    }

    fn open(&self, sealed: &[u8], what: &[u8], id: &[u8; 16]) -> Result<String, PapersError> {
        let key = self.records().key();
        let plain = key.unseal(sealed, &[what, id].concat());
        String::from_utf8(plain.map_err(|_| PapersError::Damaged)?)
            .map_err(|_| PapersError::Damaged)
    }

    fn seal(&self, plain: &[u8], what: &[u8], id: &[u8; 16]) -> Vec<u8> {
        let key = self.records().key();
        key.seal(plain, &[what, id].concat(), &mut *self.random())
    }

    /// The register as an organisation: its id, as far as there is room.
    fn itself(&self) -> Result<Organisation, PapersError> {
        let id = self.keeper.register().as_str();
        Organisation::parse(id.get(..16).unwrap_or(id)).map_err(|_| PapersError::Damaged)
    }
}
