//! The table of persons: who is registered now, under which number, included for what.
//!
//! The ids are read as the listing reads them and written back beside their numbers, into the
//! register's own database, so that rows can be joined to them; the agent keeps none.

use std::collections::BTreeMap;
use std::pin::pin;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::SinkExt as _;
use innsyn_policy::Purpose;
use tokio::sync::mpsc;
use tokio_postgres::Transaction;

use super::super::rows::People;
use super::schema::{INCOMING, PERSONS, own};
use super::{PURPOSES, bit_of};
use crate::engine::PersonSet;
use crate::sources::config::PostgresResearch;
use crate::sources::{PostgresSource, SourceError, failed};

/// What is sent at a time, in bytes.
const SEND_BYTES: usize = 64 * 1024;
/// Ids that are read and not yet sent.
const IDS_MAX: usize = 4_096;
const WRITING: &str = "writing the persons to the agent's own schema";

/// Makes the table what `people` and `included` say; what is so already is not written again.
pub(super) async fn write(
    keeper: &Transaction<'_>,
    research: &PostgresResearch,
    source: &PostgresSource,
    people: People<'_>,
    included: &BTreeMap<Purpose, PersonSet>,
) -> Result<(), SourceError> {
    let (persons, incoming) = (own(research, PERSONS), own(research, INCOMING));
    let writing = failed(WRITING);
    keeper
        .batch_execute(&format!(
            "CREATE TABLE IF NOT EXISTS {persons} \
             (key text PRIMARY KEY, number int4 NOT NULL, purposes int4 NOT NULL); \
             CREATE UNLOGGED TABLE IF NOT EXISTS {incoming} \
             (key text NOT NULL, number int4 NOT NULL, purposes int4 NOT NULL); \
             TRUNCATE {incoming}"
        ))
        .await
        .map_err(&writing)?;

    let (sender, ids) = mpsc::channel(IDS_MAX);
    let copying = copy(keeper, &incoming, ids, people, included);
    // Whichever fails ends the other: its end of the channel is gone.
    let (sent, copied) = tokio::join!(source.send_ids(sender), copying);
    sent.and(copied)?;

    keeper
        .batch_execute(&format!(
            "DELETE FROM {persons} p \
             WHERE NOT EXISTS (SELECT FROM {incoming} i WHERE i.key = p.key); \
             INSERT INTO {persons} AS p (key, number, purposes) \
             SELECT DISTINCT ON (key) key, number, purposes FROM {incoming} \
             ON CONFLICT (key) DO UPDATE \
             SET number = excluded.number, purposes = excluded.purposes \
             WHERE (p.number, p.purposes) <> (excluded.number, excluded.purposes); \
             TRUNCATE {incoming}; ANALYZE {persons}"
        ))
        .await
        .map_err(&writing)
}

/// Copies the persons whose `ids` come into the table `incoming`.
async fn copy(
    keeper: &Transaction<'_>,
    incoming: &str,
    mut ids: mpsc::Receiver<String>,
    people: People<'_>,
    included: &BTreeMap<Purpose, PersonSet>,
) -> Result<(), SourceError> {
    let writing = failed(WRITING);
    let copy = format!("COPY {incoming} (key, number, purposes) FROM STDIN");
    let sink = keeper.copy_in::<_, Bytes>(&copy).await.map_err(&writing)?;
    let mut sink = pin!(sink);
    let mut lines = BytesMut::with_capacity(SEND_BYTES);
    while let Some(id) = ids.recv().await {
        // Whoever is not taken by the listing, or is not registered now, is nobody.
        if let Some(number) = people.number_of(&id) {
            let purposes = purposes_of(number, included);
            let key = id.trim().to_lowercase();
            lines.put_slice(format!("{key}\t{number}\t{purposes}\n").as_bytes());
        }
        if lines.len() >= SEND_BYTES {
            sink.send(lines.split().freeze()).await.map_err(&writing)?;
        }
    }
    sink.send(lines.freeze()).await.map_err(&writing)?;
    sink.as_mut().finish().await.map_err(&writing)?;
    Ok(())
}

fn purposes_of(person: u32, included: &BTreeMap<Purpose, PersonSet>) -> i32 {
    let purposes = PURPOSES.iter().filter(|(purpose, _)| {
        included
            .get(purpose)
            .is_some_and(|included| included.contains(person))
    });
    purposes.map(|(purpose, _)| bit_of(*purpose)).sum()
}
