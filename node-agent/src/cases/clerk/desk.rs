//! The records of cases as a clerk's command sees them, beside the running agent.

use super::*;

/// How often a word is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The cases, as a clerk's command sees them.
#[derive(Debug)]
pub struct Desk {
    records: Records,
    random: Mutex<StdRng>,
}

/// A case as a clerk sees it in a list: nothing of its person.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What it is called.
    pub id: CaseId,
    /// As it stands.
    pub case: innsyn_policy::Case,
    /// How many steps it has.
    pub steps: u32,
}

/// A step as a clerk sees it.
#[derive(Debug)]
pub struct ShownStep {
    /// What was done, by whom and when.
    pub step: Step,
    /// Which clerk did it.
    pub clerk: Option<String>,
    /// What was said.
    pub words: Option<Words>,
    /// Whether what was said is gone, because the case was closed long ago.
    pub removed: bool,
}

impl Desk {
    /// Opens the records in `folder`, which the agent has made.
    pub async fn open(folder: &Path, key: &Path, mut random: StdRng) -> Result<Self, ClerkError> {
        if !folder.join(RECORDS_FILE).exists() {
            return Err(ClerkError::NoRecords(folder.to_owned()));
        }
        Ok(Self {
            records: Records::open(folder, key, &[SCHEMA], &mut random).await?,
            random: Mutex::new(random),
        })
    }

    /// The cases, the oldest first; at most `limit`, the latest.
    pub async fn list(&self, limit: u32) -> Result<Vec<Shown>, ClerkError> {
        let cases = store::all_cases(self.records.pool(), limit).await?;
        Ok(cases.into_iter().map(shown).collect())
    }

    /// The one case whose name begins with `beginning`.
    pub async fn find(&self, beginning: &str) -> Result<Shown, ClerkError> {
        let is_name = !beginning.is_empty()
            && beginning.len() <= 32
            && beginning
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_name {
            return Err(ClerkError::NotThere(beginning.chars().take(40).collect()));
        }
        let rows = sqlx::query(
            "SELECT id FROM cases WHERE lower(substr(hex(id), 1, length($1))) = $1 LIMIT 2",
        )
        .bind(beginning)
        .fetch_all(self.records.pool())
        .await?;
        let [row] = rows.as_slice() else {
            return Err(if rows.is_empty() {
                ClerkError::NotThere(beginning.to_owned())
            } else {
                ClerkError::Ambiguous(beginning.to_owned())
            });
        };
        let id = CaseId(store::sixteen(row.try_get("id")?)?);
        let kept = store::case(self.records.pool(), id).await?;
        Ok(shown(kept.ok_or(CaseError::NoSuchCase)?))
    }

    /// Writes `word` down, if it can be taken as the case stands; what it is called.
    pub async fn say(&self, word: ClerkWord, now: Timestamp) -> Result<[u8; 16], ClerkError> {
        let kept = store::case(self.records.pool(), word.case).await?;
        let mut kept = kept.ok_or(CaseError::NoSuchCase)?;
        let act = match word.said {
            Said::Look => LOOK,
            Said::Act(act) => {
                let step = Step {
                    act,
                    by: innsyn_policy::Party::Clerk,
                    at: now.max(kept.case.last_at()),
                    has_words: word.words.as_ref().is_some_and(Words::has_text),
                };
                kept.case.take(step).map_err(CaseError::from)?;
                codes::of_act(act)
            }
        };
        let mut id = [0; 16];
        let (clerk, words) = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            random.fill_bytes(&mut id);
            let key = self.records.key();
            let clerk = key.seal(word.clerk.as_bytes(), b"clerk", &mut *random);
            let context = context(b"clerk words", word.case, 0);
            let words = word
                .words
                .map(|words| key.seal(&words.to_bytes(), &context, &mut *random));
            (clerk, words)
        };
        let mut records = self.records.write().await.map_err(CaseError::from)?;
        sqlx::query(
            "INSERT INTO case_words (id, case_id, act, said_at, clerk, words) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.as_slice())
        .bind(word.case.0.as_slice())
        .bind(act)
        .bind(now.as_micros())
        .bind(clerk)
        .bind(words)
        .execute(&mut *records)
        .await?;
        records.commit().await?;
        Ok(id)
    }

    /// What became of a word, after at most `patience`.
    pub async fn outcome(&self, id: [u8; 16], patience: Duration) -> Result<Outcome, ClerkError> {
        let ends = tokio::time::Instant::now() + patience;
        loop {
            let row = sqlx::query("SELECT taken_at, refused FROM case_words WHERE id = $1")
                .bind(id.as_slice())
                .fetch_one(self.records.pool())
                .await?;
            let taken: Option<i64> = row.try_get("taken_at")?;
            if taken.is_some() {
                return Ok(match row.try_get("refused")? {
                    Some(why) => Outcome::Refused(why),
                    None => Outcome::Taken,
                });
            }
            if tokio::time::Instant::now() >= ends {
                return Ok(Outcome::Waiting);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Takes back a look that nobody has taken, so that it is not logged as one that never was.
    pub async fn take_back(&self, id: [u8; 16]) -> Result<bool, ClerkError> {
        let gone = sqlx::query("DELETE FROM case_words WHERE id = $1 AND taken_at IS NULL")
            .bind(id.as_slice())
            .execute(self.records.pool())
            .await?;
        Ok(gone.rows_affected() == 1)
    }

    /// Whose case it is. To be called when the look has been taken.
    pub async fn person(&self, id: CaseId) -> Result<innsyn_policy::NationalId, ClerkError> {
        let kept = store::case(self.records.pool(), id).await?;
        let person = kept.and_then(|kept| self.records.key().person(kept.person));
        Ok(person.ok_or(CaseError::Damaged(id))?)
    }

    /// What a case that came by the exchange asks for, in words; `None` for another.
    pub async fn came_for(&self, id: CaseId) -> Result<Option<&'static str>, ClerkError> {
        Ok(exchanged::asked_for(self.records.pool(), id).await?)
    }

    /// The steps of a case. To be called when the look has been taken.
    pub async fn steps(&self, id: CaseId) -> Result<Vec<ShownStep>, ClerkError> {
        let key = self.records.key();
        let damaged = || CaseError::Damaged(id);
        let steps = store::steps(self.records.pool(), id, None).await?;
        let shown = steps.into_iter().map(|kept| {
            let open = |sealed: Vec<u8>, context: &[u8]| {
                key.unseal(&sealed, context).map_err(|_| damaged())
            };
            let clerk = kept
                .clerk
                .map(|sealed| open(sealed, b"clerk"))
                .transpose()?;
            let context = context(b"case words", id, kept.number);
            let words = kept
                .words
                .map(|sealed| open(sealed, &context))
                .transpose()?;
            Ok(ShownStep {
                step: kept.step,
                removed: kept.removed,
                clerk: clerk.map(|name| String::from_utf8_lossy(&name).into_owned()),
                words: match words {
                    Some(bytes) => Some(Words::of_bytes(&bytes).ok_or_else(damaged)?),
                    None => None,
                },
            })
        });
        shown.collect()
    }

    /// Lets the records go.
    pub async fn close(&self) {
        self.records.close().await;
    }
}

fn shown(kept: KeptCase) -> Shown {
    Shown {
        id: kept.id,
        case: kept.case,
        steps: kept.steps,
    }
}
