//! Everybody whom a count counted, and how many persons every two counts have in common.
//!
//! A gateway that knows that much of all counts of a permit knows of how few persons a sum or a
//! difference of some of them is. Persons who have left the register since have numbers of their
//! own here, after those of the snapshot: they still are what two earlier counts share.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use tokio_util::sync::CancellationToken;

use super::overlap::OverlapError;
use super::roll::GONE;
use crate::subjects::{Mark, Marks};

/// About what a person who has left takes, in bytes.
const DEPARTED_BYTES: usize = 32;

/// The wholes of counts, in one numbering.
pub(super) struct Wholes {
    persons: Vec<RoaringBitmap>,
    /// What more of them may take.
    bytes_left: usize,
}

impl Wholes {
    /// None yet; they may take so many bytes.
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self {
            persons: Vec::new(),
            bytes_left: bytes_max,
        }
    }

    /// Adds everybody of a count.
    pub(super) fn add(&mut self, persons: RoaringBitmap) -> Result<(), OverlapError> {
        let left = self.bytes_left.checked_sub(persons.serialized_size());
        self.bytes_left = left.ok_or(OverlapError::TooLarge)?;
        self.persons.push(persons);
        Ok(())
    }

    /// How many persons every two have in common: row by row, to the diagonal.
    pub(super) fn in_common(&self, stop: &CancellationToken) -> Result<Vec<u64>, OverlapError> {
        let mut in_common = Vec::new();
        for (at, one) in self.persons.iter().enumerate() {
            for other in self.persons.iter().take(at + 1) {
                if stop.is_cancelled() {
                    return Err(OverlapError::Cancelled);
                }
                in_common.push(one.intersection_len(other));
            }
        }
        Ok(in_common)
    }
}

/// The persons of earlier rolls who are not in the snapshot, by their marks.
#[derive(Default)]
pub(super) struct Departed {
    numbers: HashMap<Mark, u32, ahash::RandomState>,
}

impl Departed {
    /// Gives those of `earlier` who are [`GONE`] a number each, the same in every roll, after those
    /// of the snapshot's `persons`.
    pub(super) fn number(
        &mut self,
        numbers: &mut [u32],
        earlier: &Marks,
        persons: usize,
        bytes_max: usize,
    ) -> Result<(), OverlapError> {
        let gone = numbers.iter_mut().zip(&earlier.persons);
        for (number, mark) in gone.filter(|(number, _)| **number == GONE) {
            let next = persons + self.numbers.len();
            let next = u32::try_from(next).map_err(|_| OverlapError::TooLarge)?;
            *number = *self.numbers.entry(*mark).or_insert(next);
            if self.numbers.len() > bytes_max / DEPARTED_BYTES {
                return Err(OverlapError::TooLarge);
            }
        }
        Ok(())
    }
}
