//! Which messages of the exchange the steps of cases were.

use innsyn_proto::case_receipt::CaseId;
use sqlx::SqliteExecutor;
use sqlx::sqlite::SqliteConnection;

use super::super::{CaseError, store};
use crate::exchange::{HerId, MessageId, MessageKind, RegisterMessage};
use crate::records::RecordsError;

/// Answers that are looked at at once.
const OWED_AT_ONCE_MAX: i64 = 16;

/// A message that came.
#[derive(Debug, Clone)]
pub(in super::super) struct Came {
    pub(super) party: HerId,
    pub(super) message: MessageId,
    pub(super) kind: MessageKind,
}

/// The step that a message was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) case: CaseId,
    pub(super) kind: MessageKind,
}

/// An answer that is to be given to the exchange.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) party: HerId,
    pub(super) id: MessageId,
    pub(super) case: CaseId,
    pub(super) step: u32,
    /// The citizen's message that it answers.
    pub(super) in_reply_to: MessageId,
}

impl Came {
    pub(super) fn of(message: &RegisterMessage) -> Self {
        Self {
            party: message.from,
            message: message.id.clone(),
            kind: message.kind,
        }
    }
}

/// Writes that a step was `message`.
pub(in super::super) async fn came(
    connection: &mut SqliteConnection,
    message: &Came,
    (case, step): (CaseId, u32),
) -> Result<(), RecordsError> {
    sqlx::query(
        "INSERT INTO case_exchange (party, message, case_id, step, process, state) \
         VALUES ($1, $2, $3, $4, $5, 'came')",
    )
    .bind(column(message.party))
    .bind(message.message.key())
    .bind(case.0.as_slice())
    .bind(i64::from(step))
    .bind(message.kind.process())
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes that a step of the register's is owed to the exchange, under the id `answer`; `false`
/// where nothing of the case came from there.
pub(in super::super) async fn owe(
    connection: &mut SqliteConnection,
    (case, step): (CaseId, u32),
    answer: &MessageId,
) -> Result<bool, RecordsError> {
    let owed = sqlx::query(
        "INSERT INTO case_exchange (party, message, case_id, step, process, state) \
         SELECT party, $3, case_id, $2, process, 'owed' FROM case_exchange \
         WHERE case_id = $1 AND state = 'came' ORDER BY step DESC LIMIT 1",
    )
    .bind(case.0.as_slice())
    .bind(i64::from(step))
    .bind(answer.key())
    .execute(connection)
    .await?;
    Ok(owed.rows_affected() == 1)
}

/// The step that the message `id`, of or to `party`, was.
pub(super) async fn find(
    executor: impl SqliteExecutor<'_>,
    party: HerId,
    id: &MessageId,
) -> Result<Option<Known>, CaseError> {
    let row: Option<(Vec<u8>, String)> = sqlx::query_as(
        "SELECT case_id, process FROM case_exchange WHERE party = $1 AND message = $2",
    )
    .bind(column(party))
    .bind(id.key())
    .fetch_optional(executor)
    .await?;
    row.map(|(case, process)| {
        let case = CaseId(store::sixteen(case)?);
        let kind = MessageKind::of_process(&process).ok_or(CaseError::Damaged(case))?;
        Ok(Known { case, kind })
    })
    .transpose()
}

/// By which message a case was opened, if it came by the exchange.
pub(super) async fn kind_of(
    executor: impl SqliteExecutor<'_>,
    case: CaseId,
) -> Result<Option<MessageKind>, CaseError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT process FROM case_exchange WHERE case_id = $1 AND step = 1 AND state = 'came'",
    )
    .bind(case.0.as_slice())
    .fetch_optional(executor)
    .await?;
    Ok(row.and_then(|(process,)| MessageKind::of_process(&process)))
}

/// What is owed, in the order of each case's steps.
pub(super) async fn owed(executor: impl SqliteExecutor<'_>) -> Result<Vec<Owed>, CaseError> {
    let rows: Vec<(i64, String, Vec<u8>, i64, String)> = sqlx::query_as(
        "SELECT o.party, o.message, o.case_id, o.step, \
         (SELECT c.message FROM case_exchange c WHERE c.case_id = o.case_id AND c.state = 'came' \
          AND c.party = o.party AND c.step < o.step ORDER BY c.step DESC LIMIT 1) \
         FROM case_exchange o WHERE o.state = 'owed' ORDER BY o.case_id, o.step LIMIT $1",
    )
    .bind(OWED_AT_ONCE_MAX)
    .fetch_all(executor)
    .await?;
    let read = |(party, message, case, step, asked): (i64, String, Vec<u8>, i64, String)| {
        let case = CaseId(store::sixteen(case)?);
        let read = || {
            Some(Owed {
                party: HerId::parse(&party.to_string()).ok()?,
                id: MessageId::parse(&message).ok()?,
                case,
                step: u32::try_from(step).ok()?,
                in_reply_to: MessageId::parse(&asked).ok()?,
            })
        };
        read().ok_or(CaseError::Damaged(case))
    };
    rows.into_iter().map(read).collect()
}

/// An answer is the exchange's own from now on, or (`lost`) never will be.
pub(super) async fn given(
    connection: &mut SqliteConnection,
    owed: &Owed,
    lost: bool,
) -> Result<(), RecordsError> {
    sqlx::query(
        "UPDATE case_exchange SET state = $3 WHERE party = $1 AND message = $2 AND state = 'owed'",
    )
    .bind(column(owed.party))
    .bind(owed.id.key())
    .bind(if lost { "lost" } else { "given" })
    .execute(connection)
    .await?;
    Ok(())
}

fn column(her: HerId) -> i64 {
    i64::try_from(her.number()).unwrap_or(i64::MAX)
}
