//! What is counted of each view when it is looked at, and what its content is called.

use tokio_postgres::{Client, Row};

use super::super::error::ViewFault;
use super::super::rows::People;
use super::super::stored::ViewReport;
use super::super::view::{DatabaseView, PERSON};
use super::schema::{Made, PERSONS, own};
use crate::engine::postgres::quoted;
use crate::sources::config::PostgresResearch;
use crate::sources::{SourceError, failed};

/// Different codes that look like ids and are looked at, at most; more are taken for ids.
const SUSPECTS_MAX: i64 = 10_000;
const LOOKING: &str = "looking at the rows of a view";

/// What there is in `made`, and what tells its content from another.
pub(super) async fn look(
    keeper: &Client,
    made: &Made,
    people: People<'_>,
) -> Result<(ViewReport, Vec<u8>), ViewFault> {
    refuse_ids(keeper, made, people).await?;
    let person = quoted(PERSON);
    let looked = format!(
        "SELECT (SELECT count(*) FROM {}), count(*), count(DISTINCT t.{person}), {} FROM ({}) t",
        made.relation,
        hashes("t::text"),
        made.rows
    );
    let row = keeper
        .query_one(&looked, &[])
        .await
        .map_err(failed(LOOKING))?;
    let count = |at| -> Result<u64, SourceError> {
        let count: i64 = row.try_get(at).map_err(failed(LOOKING))?;
        Ok(u64::try_from(count).unwrap_or_default())
    };
    let (rows, known) = (count(0)?, count(1)?);
    if rows > 0 && known == 0 {
        return Err(ViewFault::AboutNobody { rows });
    }
    let report = ViewReport {
        rows,
        rows_of_nobody: rows.saturating_sub(known),
        persons: count(2)?,
    };
    let content = format!("{known} {}", hashed(&row, 3)?);
    Ok((report, content.into_bytes()))
}

/// What tells the persons and their numbers from others.
pub(super) async fn persons(
    keeper: &Client,
    research: &PostgresResearch,
) -> Result<Vec<u8>, SourceError> {
    let looked = format!(
        "SELECT {} FROM {}",
        hashes("number || ' ' || key"),
        own(research, PERSONS)
    );
    let row = keeper.query_one(&looked, &[]).await;
    let row = row.map_err(failed("looking at the persons"))?;
    Ok(hashed(&row, 0)?.into_bytes())
}

/// The tables that the views of the agent's own schema come from, each with where its rows are.
///
/// A table that is emptied by `TRUNCATE`, or loaded anew, looks empty to a moment before that; its
/// rows are then elsewhere, which is how it is noticed.
pub(super) async fn storage(
    keeper: &Client,
    research: &PostgresResearch,
) -> Result<Storage, SourceError> {
    let looking = failed("looking for the tables of the views");
    let rows = keeper
        .query(STORAGE, &[&research.schema])
        .await
        .map_err(&looking)?;
    let mut storage = Storage::default();
    for row in rows {
        storage.tables.push(row.try_get(0).map_err(&looking)?);
        storage.places.push(row.try_get(1).map_err(&looking)?);
    }
    Ok(storage)
}

/// Tables, and where the rows of each are; nowhere if it is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) tables: Vec<u32>,
    pub(super) places: Vec<Option<u32>>,
}

const STORAGE: &str = "
WITH RECURSIVE under (oid) AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind = 'v'
    UNION
    SELECT next.oid FROM under u, LATERAL (
        SELECT d.refobjid AS oid FROM pg_rewrite w
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        WHERE w.ev_class = u.oid AND d.refclassid = 'pg_class'::regclass
        UNION ALL
        SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = u.oid) next)
SELECT u.oid, pg_relation_filenode(u.oid) FROM under u JOIN pg_class c ON c.oid = u.oid
WHERE c.relkind IN ('r', 'm') ORDER BY 1";

/// What a view is, beside its rows.
pub(super) fn described(view: &DatabaseView) -> Vec<u8> {
    use prost::Message as _;
    let mut described = view.description.encode_to_vec();
    let names = [&view.schema, &view.table, &view.id_column];
    for name in names.into_iter().chain(&view.columns) {
        described.push(0);
        described.extend_from_slice(name.as_bytes());
    }
    described
}

/// Sums of two hashes of `text` over all rows, which do not depend on the order of rows.
fn hashes(text: &str) -> String {
    let hash = |seed| format!("coalesce(sum(hashtextextended({text}, {seed})::numeric), 0)::text");
    format!("{}, {}", hash(0), hash(1))
}

fn hashed(row: &Row, at: usize) -> Result<String, SourceError> {
    let hash = |at| row.try_get(at).map_err(failed(LOOKING));
    let (one, other): (&str, &str) = (hash(at)?, hash(at + 1)?);
    Ok(format!("{one} {other}"))
}

/// Fails if a code is itself a national id or pseudonym, which are never published.
async fn refuse_ids(keeper: &Client, made: &Made, people: People<'_>) -> Result<(), ViewFault> {
    for column in &made.codes {
        let code = quoted(column);
        let suspects = format!(
            "SELECT DISTINCT {code} FROM ({}) t \
             WHERE {code} ~ '^([0-9]{{11}}|[0-9a-fA-F]{{32}})$' LIMIT {SUSPECTS_MAX}",
            made.rows
        );
        let rows = keeper
            .query(&suspects, &[])
            .await
            .map_err(failed(LOOKING))?;
        let are_too_many = rows.len() as u64 >= SUSPECTS_MAX.unsigned_abs();
        let is_an_id = |row: &Row| match row.try_get(0) {
            Ok(code) => people.is_an_id(code),
            Err(_) => true,
        };
        if are_too_many || rows.iter().any(is_an_id) {
            return Err(ViewFault::HoldsIds {
                column: column.clone(),
            });
        }
    }
    Ok(())
}
