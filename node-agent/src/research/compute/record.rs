//! The record beside an entry in the log of use: all that the entry of a query commits to.
//!
//! An entry has 128 bytes and holds a commitment; what it commits to stands in a file of its own,
//! named for it: `<folder>/<commitment in hexadecimal>`. The file is written and synced before
//! the entry, so that every entry has its file; a file without an entry is left where the power
//! failed in between, and stands for a query that nobody had an answer to. Files hold no national
//! id: persons are numbers of a snapshot, as a compressed bitmap in the portable Roaring format.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use innsyn_proto::wire::research::v1::Query;
use prost::Message as _;
use roaring::RoaringBitmap;

use super::roll::sha256;
use crate::uselog::counted::{CountedFor, CountedPersons};

/// The name of the folder in the folder of research.
pub const FOLDER: &str = "counted";
/// The outcome of a query that was answered; of others it is the label of the ground.
pub(super) const ANSWERED: &str = "answered";
/// What begins the bytes that are hashed to a secret which binds more.
const BOUND: &[u8] = b"innsyn counted 2\n";
/// The end of the name of a file that is not finished.
const UNFINISHED: &str = ".new";

/// What became of one query.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct QueryRecord {
    /// The query's name, 32 bytes; none if it could not be checked.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub query_name: Option<Vec<u8>>,
    /// The query in normal form; none if it could not be checked.
    #[prost(message, optional, tag = "2")]
    pub query: Option<Query>,
    /// The data permit's issuer and number; empty if it could not be verified.
    #[prost(string, tag = "3")]
    pub permit: String,
    /// The digest of the data permit, 32 bytes; none if it could not be verified.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub permit_digest: Option<Vec<u8>>,
    /// The snapshot, 32 bytes; none if nothing was published.
    #[prost(bytes = "vec", optional, tag = "5")]
    pub snapshot: Option<Vec<u8>>,
    /// `answered`, or on what ground it was not.
    #[prost(string, tag = "6")]
    pub outcome: String,
    /// The secret of the salts, 32 bytes.
    #[prost(bytes = "vec", tag = "7")]
    pub secret: Vec<u8>,
    /// The persons counted: numbers of the snapshot.
    #[prost(bytes = "vec", tag = "8")]
    pub counted: Vec<u8>,
    /// The roll by which these are somebody, 32 bytes; none if nobody was counted, and in records
    /// from before it was kept.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub roll: Option<Vec<u8>>,
    /// The data permit's project, in words; empty if it could not be verified, and in records from
    /// before it was kept.
    #[prost(string, tag = "10")]
    pub project: String,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadRecordError {
    /// The file is not there, or cannot be read.
    #[error("the record cannot be read")]
    Io(#[from] io::Error),
    /// The file does not hold a record.
    #[error("the record is damaged; restore it from your backup")]
    Damaged,
    /// The record is another than the entry commits to.
    #[error("the record is not what the entry commits to; restore it from your backup")]
    Other,
}

impl QueryRecord {
    /// The record of a query that counted `persons`, hidden by `secret`.
    pub(super) fn counting(persons: &RoaringBitmap, secret: [u8; 32]) -> io::Result<Self> {
        let mut counted = Vec::with_capacity(persons.serialized_size());
        persons.serialize_into(&mut counted)?;
        Ok(Self {
            secret: secret.to_vec(),
            counted,
            ..Self::default()
        })
    }

    /// Reads the record that an entry commits to, and checks that it is that one.
    pub fn read(folder: &Path, commitment: &[u8; 32]) -> Result<Self, ReadRecordError> {
        let bytes = fs::read(folder.join(hex::encode(commitment)))?;
        let record = Self::decode(bytes.as_slice()).map_err(|_| ReadRecordError::Damaged)?;
        if record.commitment()? == *commitment {
            Ok(record)
        } else {
            Err(ReadRecordError::Other)
        }
    }

    /// All records in `folder`, without checking what commits to them; those that are damaged are
    /// counted only.
    pub(super) fn all(folder: &Path) -> io::Result<(Vec<Self>, usize)> {
        let (mut records, mut damaged) = (Vec::new(), 0);
        for entry in folder.read_dir()? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(UNFINISHED) {
                continue;
            }
            match Self::decode(fs::read(&path)?.as_slice()) {
                Ok(record) => records.push(record),
                Err(_) => damaged += 1,
            }
        }
        Ok((records, damaged))
    }

    /// What the query was, as the commitment binds it.
    pub fn counted_for(&self) -> CountedFor {
        let bytes = |field: &Option<Vec<u8>>| {
            let field = field.as_deref().and_then(|bytes| bytes.try_into().ok());
            field.unwrap_or_default()
        };
        CountedFor {
            query: bytes(&self.query_name),
            permit: bytes(&self.permit_digest),
            snapshot: bytes(&self.snapshot),
        }
    }

    /// Whom the query counted.
    pub fn persons(&self) -> Result<CountedPersons, ReadRecordError> {
        let persons = RoaringBitmap::deserialize_from(self.counted.as_slice())
            .map_err(|_| ReadRecordError::Damaged)?;
        let secret: [u8; 32] = self
            .secret
            .as_slice()
            .try_into()
            .map_err(|_| ReadRecordError::Damaged)?;
        Ok(CountedPersons::new(persons, self.bound(secret)))
    }

    /// The secret of the salts, made of `secret` and of what else is told of the query, so that
    /// the commitment binds that too. Records from before this was kept have the secret as it is.
    fn bound(&self, secret: [u8; 32]) -> [u8; 32] {
        match &self.roll {
            None => secret,
            Some(roll) => sha256(&[BOUND, &secret, roll, self.project.as_bytes()].concat()),
        }
    }

    /// What the entry of this record holds.
    pub fn commitment(&self) -> Result<[u8; 32], ReadRecordError> {
        Ok(self.persons()?.commitment(&self.counted_for()))
    }

    /// Writes the record to `folder`; returns the commitment when the file survives a crash.
    pub(super) fn write(&self, folder: &Path) -> Result<[u8; 32], ReadRecordError> {
        let commitment = self.commitment()?;
        write_whole(folder, &hex::encode(commitment), &self.encode_to_vec())?;
        Ok(commitment)
    }
}

impl fmt::Debug for QueryRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryRecord")
            .field("permit", &self.permit)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// Makes the folder of records if it is not there, for the agent alone.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes the file called `name` whole or not at all, so that it survives a crash.
pub(super) fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let written = write_synced(&unfinished, bytes)
        .and_then(|()| fs::rename(&unfinished, folder.join(name)))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // Of no use to anybody; where it cannot be removed, it is passed over.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
