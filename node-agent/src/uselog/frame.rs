//! One commit in a segment file: its entries, the root after them, and checksums.
//!
//! ```text
//!    0  magic, "IULF"                20 + 128·n  root over the log after this frame, 32 bytes
//!    4  n, entries in the frame      52 + 128·n  CRC-32 of all before
//!    8  entries in the log before    56 + 128·n
//!   16  CRC-32 of the 16 bytes before
//!   20  n entries of 128 bytes                   (integers little-endian)
//! ```
//!
//! # What a crash may leave, and what it may not
//!
//! A frame is written by one write and acknowledged after one sync, and the next is not begun
//! before. So only the last frame of the last file can be unfinished, and it was never
//! acknowledged. Disks write whole sectors: each sector of an unfinished frame holds what was
//! written, or zeros, or lies beyond the end of the file. A frame is therefore **torn**, and may
//! be cut, if and only if it is the last and
//!
//! - the file ends inside it, or
//! - it does not check and at least one sector of it is all zeros.
//!
//! Whatever else does not check was acknowledged once or was never ours: a flipped byte, a frame
//! that has others after it, a full frame with wrong content. That is **broken**; nobody repairs
//! it, and the agent does not start. The header has a checksum of its own, so that a changed
//! count cannot make whole frames look like the inside of an unfinished one.
//!
//! Damage that has exactly the shape of a crash cannot be told from one here. It is told by what
//! else is written only after the sync: the file of hashes and the signed heads. If either knows
//! of more entries than the segments hold, something acknowledged is gone, and that is not
//! repaired either (see `audit`).

use innsyn_proto::head::LogHash;

use super::entry::ENTRY_BYTES;
use super::sim_disk::SECTOR_BYTES;

/// The most entries in one frame, which is also how many one commit takes.
pub const FRAME_ENTRIES_MAX: usize = 4096;

const MAGIC: [u8; 4] = *b"IULF";
const HEADER_BYTES: usize = 20;
const TRAILER_BYTES: usize = 36;
const FRAME_BYTES_MAX: usize = HEADER_BYTES + FRAME_ENTRIES_MAX * ENTRY_BYTES + TRAILER_BYTES;

/// How much is read at a place to find the frame of an entry that stands soon after it.
pub(super) const LOOK_UP_BYTES: u64 =
    super::places::look_up_bytes((HEADER_BYTES + TRAILER_BYTES) as u64, ENTRY_BYTES as u64);

/// A frame that checks in itself.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Entries in the log before it.
    pub(super) size_before: u64,
    /// Its entries.
    pub(super) entries: &'a [[u8; ENTRY_BYTES]],
    /// The root that it states.
    pub(super) root: LogHash,
    /// Its length in bytes.
    pub(super) len: usize,
}

/// What stands at a place of a segment.
#[derive(Debug)]
pub(super) enum Read<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// The end of the file.
    End,
    /// An unfinished frame, if nothing comes after it.
    Torn,
    /// A header that does not check.
    BrokenHeader,
    /// A complete frame that does not check; its entries as they stand.
    BrokenFrame(&'a [[u8; ENTRY_BYTES]]),
}

/// Begins a frame in `buffer`, whose entries are to be appended to it.
pub(super) fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(HEADER_BYTES, 0);
}

/// Finishes the frame that was begun in `buffer`.
pub(super) fn finish(buffer: &mut Vec<u8>, size_before: u64, root: &LogHash) {
    let count = buffer.len().saturating_sub(HEADER_BYTES) / ENTRY_BYTES;
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    header.extend_from_slice(&size_before.to_le_bytes());
    header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
    buffer.splice(..HEADER_BYTES, header);
    buffer.extend_from_slice(root);
    buffer.extend_from_slice(&crc32fast::hash(buffer).to_le_bytes());
}

/// Reads what stands at `at` in `segment`.
pub(super) fn read(segment: &[u8], at: usize) -> Read<'_> {
    let Some(tail) = segment.get(at..) else {
        return Read::End;
    };
    if tail.is_empty() {
        return Read::End;
    }
    let Some(header) = tail.first_chunk::<HEADER_BYTES>() else {
        return Read::Torn;
    };
    let Some((count, size_before)) = read_header(header) else {
        let torn = tail.len() <= FRAME_BYTES_MAX
            && has_zero_sector(tail, at, HEADER_BYTES)
            && !has_header_after(tail);
        return if torn { Read::Torn } else { Read::BrokenHeader };
    };
    let len = HEADER_BYTES + count * ENTRY_BYTES + TRAILER_BYTES;
    let Some(frame) = tail.get(..len) else {
        return Read::Torn;
    };
    match read_body(frame, size_before) {
        Ok(frame) => Read::Frame(frame),
        Err(_) if tail.len() == len && has_zero_sector(tail, at, len) => Read::Torn,
        Err(entries) => Read::BrokenFrame(entries),
    }
}

/// How many entries the frame at `at` has, and how many come before it, if its header checks.
pub(super) fn read_header_at(bytes: &[u8], at: usize) -> Option<(usize, u64)> {
    read_header(bytes.get(at..)?.first_chunk()?)
}

/// Where in its frame the entry with this number within it stands.
pub(super) const fn entry_offset(within: usize) -> usize {
    HEADER_BYTES + within * ENTRY_BYTES
}

/// The length of a frame of so many entries.
pub(super) const fn len(entries: usize) -> usize {
    HEADER_BYTES + entries * ENTRY_BYTES + TRAILER_BYTES
}

/// The count and the size before, if the header checks.
fn read_header(header: &[u8; HEADER_BYTES]) -> Option<(usize, u64)> {
    let (checked, crc) = header.split_last_chunk::<4>()?;
    let (magic, rest) = checked.split_first_chunk::<4>()?;
    let (count, size) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let checks = *magic == MAGIC
        && crc32fast::hash(checked) == u32::from_le_bytes(*crc)
        && (1..=FRAME_ENTRIES_MAX).contains(&count);
    checks.then_some((count, u64::from_le_bytes(*size.first_chunk()?)))
}

/// The frame, or its entries if it does not check.
fn read_body(frame: &[u8], size_before: u64) -> Result<Frame<'_>, &[[u8; ENTRY_BYTES]]> {
    let (checked, crc) = frame.split_last_chunk::<4>().ok_or(&[] as &[_])?;
    let (rest, root) = checked.split_last_chunk::<32>().ok_or(&[] as &[_])?;
    let entries = rest.get(HEADER_BYTES..).unwrap_or_default().as_chunks().0;
    if crc32fast::hash(checked) != u32::from_le_bytes(*crc) {
        return Err(entries);
    }
    Ok(Frame {
        size_before,
        entries,
        root: *root,
        len: frame.len(),
    })
}

/// Whether a sector that the first `len` bytes of `tail` touch holds zeros only, as far as it
/// lies in `tail`; `tail` begins at `at` in its file.
fn has_zero_sector(tail: &[u8], at: usize, len: usize) -> bool {
    let mut begin = 0;
    while begin < len.min(tail.len()) {
        let end = begin + SECTOR_BYTES - (at + begin) % SECTOR_BYTES;
        let part = tail.get(begin..end.min(tail.len())).unwrap_or_default();
        if part.iter().all(|byte| *byte == 0) {
            return true;
        }
        begin = end;
    }
    false
}

/// Whether a frame begins somewhere inside `tail`: then its beginning is not the last frame's.
fn has_header_after(tail: &[u8]) -> bool {
    tail.windows(HEADER_BYTES)
        .skip(1)
        .filter_map(|window| window.first_chunk::<HEADER_BYTES>())
        .any(|header| header.starts_with(&MAGIC) && read_header(header).is_some())
}
