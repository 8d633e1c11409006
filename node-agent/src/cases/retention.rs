//! What is removed, and when.
//!
//! A case that was answered long enough ago loses what was said in it, files and digests; who said
//! something when, what was decided and the register's receipts stay. A case that is open, or whose
//! answer has not left yet, loses nothing.

use std::time::Duration;

use innsyn_policy::{Act, Verdict};
use innsyn_proto::case_receipt::CaseId;

use super::{CaseError, Cases, codes, store};

/// How long it is noted which sealed items were dealt with, and what was refused: longer than any
/// gateway keeps one.
pub(super) const NOTED_FOR: Duration = Duration::from_hours(90 * 24);
/// How often what is old is looked for.
pub(super) const LOOK_EVERY: Duration = Duration::from_hours(1);
/// Cases that lose their content in one look.
const CASES_AT_ONCE_MAX: i64 = 100;

impl Cases {
    /// Removes what was kept long enough; of how many cases that was.
    pub async fn remove_old(&self) -> Result<usize, CaseError> {
        let now = self.clock.now();
        let [accepted, partly, refused] = Verdict::ALL.map(|it| codes::of_act(Act::Answer(it)));
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT s.case_id FROM case_steps s WHERE s.act IN ($1, $2, $3) AND s.at < $4 \
             AND s.number = (SELECT MAX(number) FROM case_steps l WHERE l.case_id = s.case_id) \
             AND EXISTS (SELECT 1 FROM case_steps w WHERE w.case_id = s.case_id \
             AND (w.words IS NOT NULL OR w.digest IS NOT NULL)) \
             AND NOT EXISTS (SELECT 1 FROM case_exchange e WHERE e.case_id = s.case_id \
             AND e.state = 'owed') LIMIT $5",
        )
        .bind(accepted)
        .bind(partly)
        .bind(refused)
        .bind(now.minus(self.content_kept).as_micros())
        .bind(CASES_AT_ONCE_MAX)
        .fetch_all(self.records.pool())
        .await?;
        let mut removed = 0;
        for (case,) in rows {
            let case = CaseId(store::sixteen(case)?);
            let mut records = self.records.write().await?;
            // It may have been appealed meanwhile.
            let kept = store::case(&mut *records, case).await?;
            if kept.is_none_or(|kept| kept.case.state().is_open()) {
                continue;
            }
            sqlx::query(
                "UPDATE case_steps SET words = NULL, digest = NULL, \
                 removed_at = CASE WHEN words IS NOT NULL THEN $2 ELSE removed_at END WHERE case_id = $1",
            )
            .bind(case.0.as_slice())
            .bind(now.as_micros())
            .execute(&mut *records)
            .await?;
            sqlx::query("DELETE FROM case_words WHERE case_id = $1 AND taken_at IS NOT NULL")
                .bind(case.0.as_slice())
                .execute(&mut *records)
                .await?;
            records.commit().await?;
            tracing::info!(case.id = %case, "what was said in a closed case is removed");
            removed += 1;
        }
        for statement in [
            "DELETE FROM case_items WHERE taken_at < $1",
            "DELETE FROM case_refusals WHERE refused_at < $1",
        ] {
            sqlx::query(statement)
                .bind(now.minus(NOTED_FOR).as_micros())
                .execute(self.records.pool())
                .await?;
        }
        Ok(removed)
    }
}
