//! Reading a file of many small pages by few calls.
//!
//! Pages are asked for one by one, column by column in turns. Where all of them are wanted, what
//! follows in the same column is read along with each.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};

/// What is read at a time where all is wanted, in bytes: a column of numbers of a row group.
const AHEAD_BYTES: u64 = 256 * 1024;

/// A file that is read ahead.
pub(super) struct ReadAhead {
    file: File,
    /// Where the columns' chunks end, rising.
    ends: Vec<u64>,
    /// For how many columns something is held.
    columns: usize,
    /// What has been read last: where it begins, and the bytes.
    read: Mutex<VecDeque<(u64, Bytes)>>,
}

impl ReadAhead {
    /// `file`, whose footer is `metadata`, of which all pages of so many `columns` are wanted.
    pub(super) fn of(file: File, metadata: &ParquetMetaData, columns: usize) -> Self {
        let row_groups = metadata.row_groups().iter();
        let chunks = row_groups.flat_map(RowGroupMetaData::columns);
        let ends = chunks.map(|chunk| {
            let (start, length) = chunk.byte_range();
            start.saturating_add(length)
        });
        let mut ends: Vec<_> = ends.collect();
        ends.sort_unstable();
        Self {
            file,
            ends,
            columns,
            read: Mutex::default(),
        }
    }

    /// `file`, of which few pages are wanted.
    pub(super) fn not_ahead(file: File) -> Self {
        Self {
            file,
            ends: Vec::new(),
            columns: 0,
            read: Mutex::default(),
        }
    }

    fn read(&self, start: u64, length: u64) -> Result<Bytes> {
        let mut bytes = vec![0; usize::try_from(length)?];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }

    /// How much is read where `length` bytes are asked for.
    fn with_ahead(&self, start: u64, length: u64) -> u64 {
        let next = self.ends.partition_point(|end| *end <= start);
        let left = self.ends.get(next).map_or(0, |end| end - start);
        left.min(AHEAD_BYTES).max(length)
    }
}

impl Length for ReadAhead {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for ReadAhead {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if self.columns == 0 {
            return self.read(start, length as u64);
        }
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let held = read.iter().find_map(|(begin, bytes)| {
            let from = usize::try_from(start.checked_sub(*begin)?).ok()?;
            let held = from..from.checked_add(length)?;
            (held.end <= bytes.len()).then(|| bytes.slice(held))
        });
        if let Some(bytes) = held {
            return Ok(bytes);
        }
        let ahead = self.read(start, self.with_ahead(start, length as u64))?;
        if read.len() >= self.columns {
            read.pop_front();
        }
        let bytes = ahead.slice(..length);
        read.push_back((start, ahead));
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Chunks of 300,000 and 10 bytes.
    fn file() -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..300_010_u32).map(|at| at.to_le_bytes()[0]).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    #[test]
    fn bytes_are_those_of_the_file_in_whatever_order() {
        let (file, all) = file();
        let file = ReadAhead {
            file,
            ends: vec![300_000, 300_010],
            columns: 2,
            read: Mutex::default(),
        };
        for (start, length) in [
            (0, 10),
            (10, 20),
            (300_000, 10),
            (262_140, 10),
            (290_000, 10_000),
        ] {
            let bytes = file.get_bytes(start, length).unwrap();
            let start = usize::try_from(start).unwrap();
            assert_eq!(bytes, all[start..start + length]);
        }
        assert!(file.get_bytes(300_005, 6).is_err());
    }

    #[test]
    fn no_more_is_read_than_the_chunk_has_or_is_held_at_once() {
        let (file, _) = file();
        let file = ReadAhead {
            file,
            ends: vec![300_000, 300_010],
            columns: 2,
            read: Mutex::default(),
        };
        assert_eq!(file.with_ahead(0, 10), AHEAD_BYTES);
        assert_eq!(file.with_ahead(0, 290_000), 290_000);
        assert_eq!(file.with_ahead(299_990, 5), 10);
        assert_eq!(file.with_ahead(300_000, 5), 10);
        for start in 0..10 {
            file.get_bytes(start * 30_000, 30_000).unwrap();
            assert!(file.read.lock().unwrap().len() <= 2);
        }
    }
}
