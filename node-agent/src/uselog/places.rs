//! Where in the segments an entry stands.
//!
//! Frames have one entry or thousands, so an entry's place does not follow from its position. About
//! every 64 entries a mark says where a frame begins; from there a look-up goes on by the frames'
//! headers, in one read. Marks are 24 bytes: less than four megabytes for ten million entries.

/// A mark is made when so many entries have come since the last one.
const ENTRIES_BETWEEN: u64 = 64;

/// Where a frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The position of its first entry.
    pub(super) entry: u64,
    /// The number of its segment.
    pub(super) segment: u32,
    /// Its first byte there.
    pub(super) offset: u64,
}

/// Some of the log's frames, in their order.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Mark>);

/// The bytes that hold the header of every frame which begins before the next mark.
pub(super) const fn look_up_bytes(frame_overhead: u64, entry_bytes: u64) -> u64 {
    (ENTRIES_BETWEEN + 1) * (frame_overhead + entry_bytes)
}

impl Places {
    /// A frame begins at `mark`.
    pub(super) fn frame(&mut self, mark: Mark) {
        let is_due = self.0.last().is_none_or(|last| {
            mark.segment != last.segment || mark.entry >= last.entry + ENTRIES_BETWEEN
        });
        if is_due {
            self.0.push(mark);
        }
    }

    /// The last mark at or before the entry at `position`.
    pub(super) fn before(&self, position: u64) -> Option<Mark> {
        let after = self.0.partition_point(|mark| mark.entry <= position);
        self.0.get(after.checked_sub(1)?).copied()
    }
}
