//! Reads and writes the tables of cases.

use std::collections::HashMap;

use innsyn_policy::{Case, CaseKind, Step, Timestamp};
use innsyn_proto::case_receipt::{CaseId, MessageId};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, SqliteExecutor};

use super::{CaseError, codes};
use crate::records::{PersonCode, RecordsError};

/// A case as its steps make it.
#[derive(Debug, Clone)]
pub(super) struct KeptCase {
    pub(super) id: CaseId,
    pub(super) person: PersonCode,
    /// Who opened it: the person, or somebody for them.
    pub(super) opener: PersonCode,
    pub(super) case: Case,
    pub(super) steps: u32,
}

/// A step that is to be written; what is sealed, sealed.
#[derive(Debug)]
pub(super) struct NewStep {
    pub(super) case: CaseId,
    pub(super) number: u32,
    pub(super) step: Step,
    pub(super) person: PersonCode,
    /// Who of the citizen's side.
    pub(super) actor: Option<PersonCode>,
    pub(super) message: Option<MessageId>,
    /// Who at the register.
    pub(super) clerk: Option<Vec<u8>>,
    pub(super) digest: Option<Vec<u8>>,
    pub(super) words: Option<Vec<u8>>,
    pub(super) receipt: Vec<u8>,
}

/// A step with all that is kept of it.
#[derive(Debug)]
pub(super) struct KeptStep {
    pub(super) number: u32,
    pub(super) step: Step,
    pub(super) clerk: Option<Vec<u8>>,
    pub(super) words: Option<Vec<u8>>,
    pub(super) receipt: Vec<u8>,
    /// Whether what was said is gone.
    pub(super) removed: bool,
}

/// The step that a message was.
#[derive(Debug)]
pub(super) struct KeptMessage {
    pub(super) case: CaseId,
    pub(super) number: u32,
    pub(super) digest: Option<Vec<u8>>,
    pub(super) receipt: Vec<u8>,
}

const CASE_COLUMNS: &str = "SELECT c.id, c.person, c.opener, c.kind, s.act, s.party, s.at, \
    (s.words IS NOT NULL OR s.removed_at IS NOT NULL) AS has_words FROM cases c JOIN case_steps s ON s.case_id = c.id ";

pub(super) async fn insert_case(
    connection: &mut SqliteConnection,
    id: CaseId,
    (person, opener): (PersonCode, PersonCode),
    case: &Case,
) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO cases (id, person, opener, kind, received_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.0.as_slice())
    .bind(person.0.as_slice())
    .bind(opener.0.as_slice())
    .bind(codes::of_kind(case.kind()))
    .bind(case.received_at().as_micros())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn insert_step(
    connection: &mut SqliteConnection,
    new: NewStep,
) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO case_steps (case_id, number, act, party, at, person, actor, message_id, \
         clerk, digest, words, receipt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(new.case.0.as_slice())
    .bind(i64::from(new.number))
    .bind(codes::of_act(new.step.act))
    .bind(codes::of_party(new.step.by))
    .bind(new.step.at.as_micros())
    .bind(new.person.0.as_slice())
    .bind(new.actor.map(|actor| actor.0.to_vec()))
    .bind(new.message.map(|message| message.0.to_vec()))
    .bind(new.clerk)
    .bind(new.digest)
    .bind(new.words)
    .bind(new.receipt)
    .execute(connection)
    .await?;
    Ok(())
}

/// The case called `id`, if there is one.
pub(super) async fn case(
    executor: impl SqliteExecutor<'_>,
    id: CaseId,
) -> Result<Option<KeptCase>, CaseError> {
    let text = const_format(" WHERE c.id = $1 ORDER BY s.number");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(id.0.as_slice())
        .fetch_all(executor)
        .await?;
    Ok(cases_of_rows(&rows)?.pop())
}

/// The person's cases, the latest first.
pub(super) async fn cases_of(
    executor: impl SqliteExecutor<'_>,
    person: PersonCode,
) -> Result<Vec<KeptCase>, CaseError> {
    let text = const_format(" WHERE c.person = $1 ORDER BY c.received_at DESC, c.id, s.number");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(person.0.as_slice())
        .fetch_all(executor)
        .await?;
    cases_of_rows(&rows)
}

/// Everybody's cases, the oldest first, at most `limit`.
pub(super) async fn all_cases(
    executor: impl SqliteExecutor<'_>,
    limit: u32,
) -> Result<Vec<KeptCase>, CaseError> {
    let text = const_format(
        " WHERE c.id IN (SELECT id FROM cases ORDER BY received_at DESC LIMIT $1) \
         ORDER BY c.received_at, c.id, s.number",
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(i64::from(limit))
        .fetch_all(executor)
        .await?;
    cases_of_rows(&rows)
}

/// The steps of a case, in order, with what is kept of them; all, or one.
pub(super) async fn steps(
    executor: impl SqliteExecutor<'_>,
    id: CaseId,
    only: Option<u32>,
) -> Result<Vec<KeptStep>, CaseError> {
    let rows = sqlx::query(
        "SELECT number, act, party, at, clerk, words, receipt, removed_at IS NOT NULL AS removed, \
         (words IS NOT NULL OR removed_at IS NOT NULL) AS has_words \
         FROM case_steps WHERE case_id = $1 AND ($2 IS NULL OR number = $2) ORDER BY number",
    )
    .bind(id.0.as_slice())
    .bind(only.map(i64::from))
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(KeptStep {
                number: number(row.try_get("number")?),
                step: step_of(row)?.ok_or(CaseError::Damaged(id))?,
                clerk: row.try_get("clerk")?,
                words: row.try_get("words")?,
                receipt: row.try_get("receipt")?,
                removed: row.try_get("removed")?,
            })
        })
        .collect()
}

/// The step that the person's message called so was, if it was any.
pub(super) async fn message(
    executor: impl SqliteExecutor<'_>,
    person: PersonCode,
    message: MessageId,
) -> Result<Option<KeptMessage>, CaseError> {
    let row = sqlx::query(
        "SELECT case_id, number, digest, receipt FROM case_steps \
         WHERE person = $1 AND message_id = $2",
    )
    .bind(person.0.as_slice())
    .bind(message.0.as_slice())
    .fetch_optional(executor)
    .await?;
    row.map(|row| {
        Ok(KeptMessage {
            case: CaseId(sixteen(row.try_get("case_id")?)?),
            number: number(row.try_get("number")?),
            digest: row.try_get("digest")?,
            receipt: row.try_get("receipt")?,
        })
    })
    .transpose()
}

/// Sixteen bytes of a row.
pub(super) fn sixteen(bytes: Vec<u8>) -> Result<[u8; 16], CaseError> {
    let malformed = || sqlx::Error::Decode("an id of another length than 16 bytes".into());
    Ok(bytes.try_into().map_err(|_| malformed())?)
}

fn const_format(rest: &str) -> String {
    format!("{CASE_COLUMNS}{rest}")
}

/// A number that was written as one.
fn number(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}

fn step_of(row: &SqliteRow) -> Result<Option<Step>, CaseError> {
    let (act, party) = (row.try_get("act")?, row.try_get("party")?);
    let (Some(act), Some(by)) = (codes::act(act), codes::party(party)) else {
        return Ok(None);
    };
    Ok(Some(Step {
        act,
        by,
        at: Timestamp::from_micros(row.try_get("at")?),
        has_words: row.try_get("has_words")?,
    }))
}

/// The cases that `rows` are the steps of, in the order of their first rows.
fn cases_of_rows(rows: &[SqliteRow]) -> Result<Vec<KeptCase>, CaseError> {
    struct Gathered {
        id: CaseId,
        persons: (PersonCode, PersonCode),
        kind: CaseKind,
        steps: Vec<Step>,
    }
    let mut cases: Vec<Gathered> = Vec::new();
    let mut places: HashMap<CaseId, usize> = HashMap::new();
    for row in rows {
        let id = CaseId(sixteen(row.try_get("id")?)?);
        let step = step_of(row)?.ok_or(CaseError::Damaged(id))?;
        if let Some(case) = places.get(&id).and_then(|place| cases.get_mut(*place)) {
            case.steps.push(step);
            continue;
        }
        places.insert(id, cases.len());
        let code = |column| -> Result<PersonCode, CaseError> {
            Ok(PersonCode(sixteen(row.try_get(column)?)?))
        };
        cases.push(Gathered {
            id,
            persons: (code("person")?, code("opener")?),
            kind: codes::kind(row.try_get("kind")?).ok_or(CaseError::Damaged(id))?,
            steps: vec![step],
        });
    }
    cases
        .into_iter()
        .map(|gathered| {
            let steps = number(i64::try_from(gathered.steps.len()).unwrap_or(i64::MAX));
            let case = Case::replay(gathered.kind, gathered.steps)
                .map_err(|_| CaseError::Damaged(gathered.id))?;
            Ok(KeptCase {
                id: gathered.id,
                person: gathered.persons.0,
                opener: gathered.persons.1,
                case,
                steps,
            })
        })
        .collect()
}
