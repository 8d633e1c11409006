//! Makes an entry of a use: the person becomes a tag.
//!
//! A tag is the eleven digits and a constant, one for subjects and another for callers, encrypted
//! as one block of AES-256 (FIPS 197) under the register's tag key. Different constants hide one's
//! own access, which would otherwise show as two equal tags. Who has the key can tell whose a tag
//! is, as with any keyed name for one of so few ids; the key is therefore kept outside the log.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};
use bytes::BufMut as _;
use innsyn_policy::{NationalId, UseRecord, UseSubject};

pub use innsyn_proto::uselog::{ChainPlace, ENTRY_BYTES, Entry, EntrySubject, ReadEntryError, Tag};

use crate::subjects::MarkKey;

/// After the subject's and the caller's digits, so that their tags differ.
const SUBJECT_PAD: [u8; 5] = *b"subj1";
const CALLER_PAD: [u8; 5] = *b"call1";

/// Makes tags of national ids.
#[derive(Clone)]
pub struct Tagger(Aes256);

impl std::fmt::Debug for Tagger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tagger(***)")
    }
}

impl Tagger {
    /// Makes tags under `key`, which never leaves the register.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(&Array::from(*key)))
    }

    /// The entry of `record`; `place` gives the place of an entry about the person with a tag.
    pub(super) fn entry(
        &self,
        record: &UseRecord,
        salt: [u8; 16],
        place: impl FnOnce(Tag) -> ChainPlace,
    ) -> Entry {
        Entry {
            at: record.at,
            question: record.question,
            subject: match &record.subject {
                UseSubject::Person(id, done) => {
                    let tag = self.subject(id);
                    EntrySubject::Person(tag, *done, Some(place(tag)))
                }
                UseSubject::Counted(commitment) => EntrySubject::Counted(*commitment),
            },
            caller: self.caller(&record.caller),
            organisation: record.organisation,
            purpose: record.purpose,
            decision: record.decision,
            salt,
        }
    }

    /// The tag of a person whose data were used.
    pub fn subject(&self, id: &NationalId) -> Tag {
        self.tag(id, SUBJECT_PAD)
    }

    /// The tag of a person who asked.
    pub fn caller(&self, id: &NationalId) -> Tag {
        self.tag(id, CALLER_PAD)
    }

    /// A key for research's marks, made of this one so that it stands nowhere else. No tag begins
    /// like it: a tag is made of digits.
    pub(super) fn mark_key(&self) -> MarkKey {
        let mut key = [0; 32];
        for (half, label) in key
            .chunks_mut(16)
            .zip([b"research marks/1", b"research marks/2"])
        {
            let mut block = Array::from(*label);
            self.0.encrypt_block(&mut block);
            half.copy_from_slice(&block);
        }
        MarkKey::new(&key)
    }

    fn tag(&self, id: &NationalId, pad: [u8; 5]) -> Tag {
        let mut block = [0; 16];
        let mut rest = block.as_mut_slice();
        rest.put_slice(id.expose());
        rest.put_slice(&pad);
        let mut block = Array::from(block);
        self.0.encrypt_block(&mut block);
        block.into()
    }
}
