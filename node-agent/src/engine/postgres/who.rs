//! Who is counted, and in which cell each is: from the numbers of persons that come with each cell.

use super::super::cells::CELLS_MAX;
use super::super::error::EngineError;
use super::super::partial::Key;
use super::super::persons::PersonSet;
use super::super::placed::Placed;
use super::answer::unexpected;

/// The persons of all cells.
#[derive(Debug)]
pub(super) struct Who {
    counted: PersonSet,
    /// By number, what the cells are called; the number is given when the cell comes.
    cells: Vec<Vec<Key>>,
    /// Person, period, and number of the cell.
    rows: Vec<(u32, i32, u16)>,
    memory_bytes: usize,
}

impl Who {
    pub(super) fn nobody(persons: u32, memory_bytes: usize) -> Self {
        Self {
            counted: PersonSet::nobody(persons),
            cells: Vec::new(),
            rows: Vec::new(),
            memory_bytes,
        }
    }

    /// The persons that `bits` of `words` stand for are in `cell`, which is of `period`.
    pub(super) fn are_in(
        &mut self,
        cell: Vec<Key>,
        period: i32,
        words: &[i32],
        bits: &[i64],
    ) -> Result<(), EngineError> {
        let number = u16::try_from(self.cells.len());
        let number = number.map_err(|_| EngineError::TooManyCells(CELLS_MAX))?;
        self.cells.push(cell);
        for (word, bits) in words.iter().zip(bits) {
            let first = u32::try_from(*word).ok();
            let first = first.and_then(|word| word.checked_mul(u32::BITS));
            let first = first.ok_or_else(unexpected)?;
            for at in (0..u32::BITS).filter(|at| bits >> at & 1 == 1) {
                let person = first.saturating_add(at);
                if !self.counted.insert(person) {
                    return Err(unexpected());
                }
                self.rows.push((person, period, number));
            }
        }
        if self
            .rows
            .len()
            .saturating_mul(2 * size_of::<(u32, i32, u16)>())
            > self.memory_bytes
        {
            return Err(EngineError::Memory {
                limit_bytes: self.memory_bytes,
            });
        }
        Ok(())
    }

    /// Who is counted, and where each of their rows is; `has_periods` says whether a person may
    /// have several.
    pub(super) fn finish(mut self, has_periods: bool) -> Result<(PersonSet, Placed), EngineError> {
        let mut order: Vec<_> = self.cells.into_iter().zip(0_u16..).collect();
        order.sort();
        let mut sorted = vec![0_u16; order.len()];
        for ((_, number), at) in order.iter().zip(0_u16..) {
            if let Some(place) = sorted.get_mut(usize::from(*number)) {
                *place = at;
            }
        }
        self.rows.sort_unstable();
        let is_once = |one: &(u32, i32, u16), next: &(u32, i32, u16)| {
            (one.0, one.1) < (next.0, next.1) && (has_periods || one.0 != next.0)
        };
        if !self.rows.is_sorted_by(is_once) {
            return Err(unexpected());
        }
        let place = |number: u16| sorted.get(usize::from(number)).copied();
        let rows = self.rows.iter().map(|(.., number)| place(*number));
        let each = self.rows.chunk_by(|one, next| one.0 == next.0);
        let each = each.map(|rows| u16::try_from(rows.len()).unwrap_or(u16::MAX));
        let placed = Placed {
            rows: rows.collect::<Option<_>>().ok_or_else(unexpected)?,
            rows_each: if has_periods {
                each.collect()
            } else {
                Vec::new()
            },
            cells: order.into_iter().map(|(cell, _)| cell).collect(),
        };
        Ok((self.counted, placed))
    }
}
