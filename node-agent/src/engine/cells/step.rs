//! One step on the way to a cell: from the place of what has been matched so far and the value along
//! one dimension to the next place.
//!
//! Every row takes every step, and values are small numbers (of words, bands and periods), so a
//! place's next ones stand in a list by value. Other values are looked up.

use std::collections::HashMap;

/// Values below it stand in lists.
const LISTED: u32 = 1 << 10;
/// No place.
const NONE: u32 = u32::MAX;

/// The places that a step leads to.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// By place, the next ones by value.
    listed: Vec<Vec<u32>>,
    others: HashMap<(u32, u32), u32, ahash::RandomState>,
    places: u32,
    /// What the lists take.
    bytes: usize,
}

impl Step {
    /// The place that `value` leads to from `place`; a new one if nobody was there yet.
    pub(super) fn next(&mut self, place: u32, value: u32) -> u32 {
        let at = (place as usize, value as usize);
        let listed = self.listed.get(at.0).and_then(|values| values.get(at.1));
        match listed {
            Some(next) if *next != NONE => *next,
            _ => self.other(place, value),
        }
    }

    /// The memory that it takes beside what each cell is counted for, about, in bytes.
    pub(super) const fn memory_bytes(&self) -> usize {
        self.bytes
    }

    fn other(&mut self, place: u32, value: u32) -> u32 {
        if value >= LISTED {
            let places = &mut self.places;
            return *self.others.entry((place, value)).or_insert_with(|| {
                *places += 1;
                *places - 1
            });
        }
        let (place, value) = (place as usize, value as usize);
        if self.listed.len() <= place {
            self.listed.resize(place + 1, Vec::new());
        }
        let next = self.places;
        if let Some(values) = self.listed.get_mut(place) {
            if values.len() <= value {
                self.bytes += (value + 1 - values.len()) * size_of::<u32>();
                values.resize(value + 1, NONE);
            }
            if let Some(unknown) = values.get_mut(value) {
                *unknown = next;
            }
        }
        self.places += 1;
        next
    }
}
