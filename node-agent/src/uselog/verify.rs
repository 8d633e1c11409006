//! Verifies a log without changing a byte of it.

use innsyn_proto::head::{HeadKey, LogHash, SignedHead, WitnessKey};
use tlog_tiles::stored_hash_count;

use super::audit::{
    self, AuditError, BadHash, COUNTERSIGNED, Check, HASH_BYTES, HASHES, HEAD, Witness, fault,
    stored_head,
};
use super::disk::Disk;
use super::entry::Entry;

/// What a head from elsewhere is called in a [`Fault`](super::Fault).
const GIVEN: &str = "given head";

/// What a log that holds looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many entries it has.
    pub entries: u64,
    /// In how many commits they were written.
    pub commits: u64,
    /// The root over them.
    pub root: LogHash,
    /// Bytes of a commit that was never acknowledged, after the last whole one. The agent cuts
    /// them when it starts.
    pub unfinished_bytes: u64,
    /// The first entry whose hashes are not stored yet; the agent adds them when it starts.
    pub hashes_missing_from: Option<u64>,
    /// The heads that the log was held against: where from, and of how many entries.
    pub heads: Vec<(&'static str, u64)>,
}

/// Recomputes the log on `disk` and holds it against its hashes, its heads and `given`, a head
/// from elsewhere: the one that a gateway countersigned and kept shows that a log is an older
/// copy. Stops at the first thing that is wrong.
///
/// `log` is the log's public key and `countersigners` those of the gateways that may have
/// countersigned. The log may be in use; what is written meanwhile is left out.
pub fn verify(
    disk: &impl Disk,
    log: &HeadKey,
    countersigners: &[WitnessKey],
    given: Option<&[u8]>,
) -> Result<Report, AuditError> {
    verify_each(disk, log, countersigners, given, &mut |_, _| {})
}

/// The same, and `each` sees every entry with its number as it is read: before it is known that
/// the log holds.
pub fn verify_each(
    disk: &impl Disk,
    log: &HeadKey,
    countersigners: &[WitnessKey],
    given: Option<&[u8]>,
    each: &mut dyn FnMut(u64, &Entry),
) -> Result<Report, AuditError> {
    // The heads first, so that a log in use has at least their entries.
    let countersigned = countersigned_head(disk, log, countersigners)?;
    let own = stored_head(disk, HEAD, log)?;
    let given = given
        .map(|note| SignedHead::read(note, log))
        .transpose()
        .map_err(|error| fault(GIVEN, 0, None, Check::Head(error)))?
        .map(|head| Witness { file: GIVEN, head });

    let own_size = own.as_ref().map_or(0, |witness| witness.head.size());
    let countersigned_size = countersigned.as_ref().map_or(0, |w| w.head.size());
    if countersigned_size > own_size {
        return Err(fault(HEAD, 0, Some(own_size), Check::HeadOlder));
    }
    let witnesses: Vec<Witness> = own.into_iter().chain(countersigned).chain(given).collect();
    let audit = audit::audit(disk, &witnesses, each)?;
    if let Some(bad) = audit.bad_hash {
        check_hashes(bad, own_size)?;
    }
    Ok(Report {
        entries: audit.tree.size(),
        commits: audit.frames,
        root: audit.tree.root(),
        unfinished_bytes: audit.torn_bytes,
        hashes_missing_from: audit.bad_hash.map(|bad| bad.entry),
        heads: witnesses
            .iter()
            .map(|witness| (witness.file, witness.head.size()))
            .collect(),
    })
}

/// The countersigned head, with every signature on it checked.
fn countersigned_head(
    disk: &impl Disk,
    log: &HeadKey,
    countersigners: &[WitnessKey],
) -> Result<Option<Witness>, AuditError> {
    let Some(note) = audit::read_if_there(disk, COUNTERSIGNED)? else {
        return Ok(None);
    };
    let read = SignedHead::read_countersigned(&note, log, countersigners)
        .map_err(|error| fault(COUNTERSIGNED, 0, None, Check::Head(error)))?;
    if read.by.is_empty() || read.unknown > 0 {
        return Err(fault(COUNTERSIGNED, 0, None, Check::Countersignature));
    }
    Ok(Some(Witness {
        file: COUNTERSIGNED,
        head: read.head,
    }))
}

/// Hashes are made safe before a head is signed; after the last head a crash may lose some, but
/// never change one.
fn check_hashes(bad: BadHash, head: u64) -> Result<(), AuditError> {
    let check = if bad.wrong {
        Check::Hash
    } else if bad.index < stored_hash_count(head) {
        Check::HashesShort { head }
    } else {
        return Ok(());
    };
    let offset = bad.index * HASH_BYTES as u64;
    Err(fault(HASHES, offset, Some(bad.entry), check))
}
