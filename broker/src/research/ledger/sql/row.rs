//! A release as a row: what a database keeps of it, and back.

use std::collections::BTreeMap;

use innsyn_policy::{PermitId, RegisterId, Timestamp};
use innsyn_proto::query::QueryName;
use innsyn_proto::wire::research::v1 as wire;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::research::ledger::{Release, ReleaseKey};

/// Its number, the query's name, when it left (in microseconds), the query in words (nb, en), the
/// table as protobuf, and what later audits need of it.
pub(super) type Columns = (i64, Vec<u8>, i64, String, String, Vec<u8>, Vec<u8>);

/// What is in the database is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotRead {
    #[error("the query's name is not 32 bytes")]
    Query,
    #[error("a snapshot's name is not 32 bytes")]
    Snapshot,
    #[error("a register's id is none")]
    Register,
    #[error("no register contributed to it")]
    NoContributor,
    #[error("its table is not understood")]
    Table,
}

/// Names a set of contributors, each with its snapshot, so that an index can find it.
pub(super) fn digest(contributors: &BTreeMap<RegisterId, [u8; 32]>) -> Vec<u8> {
    let mut digest = Sha256::new();
    for (register, snapshot) in contributors {
        // No register's id has a zero byte.
        digest.update(register.as_str());
        digest.update([0]);
        digest.update(snapshot);
    }
    digest.finalize().to_vec()
}

/// The table, to be kept.
pub(super) fn released(release: &Release) -> Vec<u8> {
    release.table.encode_to_vec()
}

pub(super) fn register(text: &str) -> Result<RegisterId, NotRead> {
    RegisterId::parse(text).map_err(|_| NotRead::Register)
}

pub(super) fn contributor(text: &str, snapshot: &[u8]) -> Result<(RegisterId, [u8; 32]), NotRead> {
    let snapshot = snapshot.try_into().map_err(|_| NotRead::Snapshot)?;
    Ok((register(text)?, snapshot))
}

pub(super) fn read(
    columns: Columns,
    permit: &PermitId,
    contributors: BTreeMap<RegisterId, [u8; 32]>,
) -> Result<Release, NotRead> {
    let (_, query, at, words_nb, words_en, released, audit) = columns;
    let query: [u8; 32] = query.try_into().map_err(|_| NotRead::Query)?;
    if contributors.is_empty() {
        return Err(NotRead::NoContributor);
    }
    // A table is never empty: a reader that finds nothing has lost something.
    if released.is_empty() {
        return Err(NotRead::Table);
    }
    let table = wire::ReleasedTable::decode(&*released).map_err(|_| NotRead::Table)?;
    Ok(Release {
        key: ReleaseKey {
            permit: permit.clone(),
            query: QueryName::from_bytes(query),
            contributors,
        },
        at: Timestamp::from_micros(at),
        words_nb,
        words_en,
        table,
        audit,
    })
}
