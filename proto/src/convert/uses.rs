//! What an agent shows of its log, read so that it can be checked.

use bytes::Bytes;
use innsyn_policy::Timestamp;

use crate::head::{HeadError, HeadKey, LogHash, SignedHead};
use crate::uselog::counted::{CountedFor, Membership, SALT_BYTES};
use crate::uselog::reading::{CountedEntry, ShownEntry, Told};
use crate::wire::node::v1 as wire;

/// Hashes in one path: two for each level of the largest tree, or the slots of a leaf.
const PATH_HASHES_MAX: usize = 128;

/// Why a page is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadUsesError {
    /// Something has another length than it should, or is absent.
    #[error("`{0}` is absent or has another length than it should")]
    Malformed(&'static str),
    /// The head or the witnessed head is not good.
    #[error("the head is not good: {0}")]
    Head(#[from] HeadError),
}

/// The head that a reading is shown under, with what it is said to continue.
#[derive(Debug, Clone)]
pub struct UsesHead {
    /// The log's key, as the agent tells it.
    pub log_key: HeadKey,
    /// The head, signed with that key.
    pub head: SignedHead,
    /// Proofs from the sizes that were asked about, in their order.
    pub known: Vec<Vec<LogHash>>,
    /// The note that witnesses signed, and the proof from it; its signatures are not checked.
    pub witnessed: Option<(Vec<u8>, Vec<LogHash>)>,
}

impl UsesHead {
    /// The proof from the size that was asked about in this place; empty where there is none.
    pub fn proof(&self, place: usize) -> &[LogHash] {
        self.known.get(place).map_or(&[], Vec::as_slice)
    }
}

/// Writes a path of hashes.
pub fn path_to_wire(path: &[LogHash]) -> wire::HashPath {
    let hashes = path.iter().map(|hash| Bytes::copy_from_slice(hash));
    wire::HashPath {
        hashes: hashes.collect(),
    }
}

/// Reads a path of hashes; an absent one is empty.
pub fn path_from_wire(path: Option<&wire::HashPath>) -> Result<Vec<LogHash>, ReadUsesError> {
    let hashes = path.map_or(&[][..], |path| path.hashes.as_slice());
    if hashes.len() > PATH_HASHES_MAX {
        return Err(ReadUsesError::Malformed("hashes"));
    }
    hashes.iter().map(|hash| exact(hash, "hashes")).collect()
}

/// Writes that a person was counted.
pub fn membership_to_wire(membership: &Membership) -> wire::Membership {
    wire::Membership {
        person: membership.person,
        persons: membership.persons,
        place: membership.place,
        salt: Bytes::copy_from_slice(&membership.salt),
        slots: Some(path_to_wire(&membership.slots)),
        beside: Some(path_to_wire(&membership.beside)),
    }
}

/// Reads the head of a page.
pub fn uses_head_from_wire(page: &wire::ListUsesResponse) -> Result<UsesHead, ReadUsesError> {
    let log_key = HeadKey::parse(&page.log_key)?;
    let head = SignedHead::read(&page.checkpoint, &log_key)?;
    let known = page.known_consistency.iter();
    let witnessed = page.witnessed.as_ref().map(|note| {
        let proof = path_from_wire(page.witnessed_consistency.as_ref())?;
        Ok::<_, ReadUsesError>((note.to_vec(), proof))
    });
    Ok(UsesHead {
        log_key,
        head,
        known: known
            .map(|path| path_from_wire(Some(path)))
            .collect::<Result<_, _>>()?,
        witnessed: witnessed.transpose()?,
    })
}

/// Reads an entry as it is shown.
pub fn shown_from_wire(shown: &wire::ShownUse) -> Result<ShownEntry, ReadUsesError> {
    let told = match &shown.told {
        None => return Err(ReadUsesError::Malformed("told")),
        Some(wire::shown_use::Told::Entry(entry)) => Told::Entry(Box::new(exact(entry, "entry")?)),
        Some(wire::shown_use::Told::HeldBack(held_back)) => Told::HeldBack {
            leaf: exact(&held_back.leaf, "leaf")?,
            until: Timestamp::from_seconds(held_back.until),
        },
    };
    Ok(ShownEntry {
        position: shown.position,
        number: shown.number,
        told,
        inclusion: path_from_wire(shown.inclusion.as_ref())?,
    })
}

/// Reads the entry of a query, opened for one person.
pub fn counted_from_wire(counted: &wire::CountedUse) -> Result<CountedEntry, ReadUsesError> {
    let membership = counted.membership.as_ref();
    let membership = membership.ok_or(ReadUsesError::Malformed("membership"))?;
    Ok(CountedEntry {
        position: counted.position,
        bytes: Box::new(exact(&counted.entry, "entry")?),
        inclusion: path_from_wire(counted.inclusion.as_ref())?,
        what: CountedFor {
            query: exact(&counted.query_name, "query_name")?,
            permit: exact(&counted.permit_digest, "permit_digest")?,
            snapshot: exact(&counted.snapshot, "snapshot")?,
        },
        root: exact(&counted.persons_root, "persons_root")?,
        membership: Membership {
            person: membership.person,
            persons: membership.persons,
            place: membership.place,
            salt: exact::<SALT_BYTES>(&membership.salt, "salt")?,
            slots: path_from_wire(membership.slots.as_ref())?,
            beside: path_from_wire(membership.beside.as_ref())?,
        },
    })
}

fn exact<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], ReadUsesError> {
    bytes.try_into().map_err(|_| ReadUsesError::Malformed(what))
}
