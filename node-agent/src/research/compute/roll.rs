//! Who had which number: what lets a count be compared with one over another snapshot.
//!
//! A kept count names persons by their numbers, and another snapshot may have other numbers for
//! them. Beside the counts stands, once for each order of persons, its *roll*: everybody's mark
//! (`subjects`), 8 bytes a person, in the order of the numbers. Marks outlive the process; they are
//! made with a key that stands nowhere near them, so that the folder alone names nobody.
//!
//! ```text
//!   file = "innsyn roll 1\n\0\0" ‖ mark of nobody ‖ marks     called by its SHA-256 in hexadecimal
//! ```

use std::io::Read as _;
use std::path::Path;
use std::{fs, io};

use aws_lc_rs::digest::{Context, SHA256, digest};
use tokio_util::sync::CancellationToken;

use super::overlap::OverlapError;
use super::record;
use crate::subjects::{Mark, Marks};

/// The name of the folder in the folder of research.
pub(super) const FOLDER: &str = "rolls";
const HEAD: &[u8; 16] = b"innsyn roll 1\n\0\0";
/// No number: the person is not in the later snapshot.
pub(super) const GONE: u32 = u32::MAX;
/// Persons that are put in order at a time.
const PERSONS_AT_A_TIME: usize = 1 << 20;

/// How much of a roll is read at a time: whole marks.
const PIECE_BYTES: usize = 1 << 20;

/// The SHA-256 of a roll.
pub(super) type RollName = [u8; 32];

/// Writes the roll of `marks` unless it is there; returns its name when it survives a crash.
pub(super) fn write(folder: &Path, marks: &Marks) -> io::Result<RollName> {
    let mut bytes = Vec::with_capacity(HEAD.len() + size_of::<Mark>() * (marks.persons.len() + 1));
    bytes.extend_from_slice(HEAD);
    for mark in std::iter::once(&marks.nobody).chain(&marks.persons) {
        bytes.extend_from_slice(&mark.to_le_bytes());
    }
    let name = sha256(&bytes);
    if !folder.join(hex::encode(name)).try_exists()? {
        record::write_whole(folder, &hex::encode(name), &bytes)?;
    }
    Ok(name)
}

/// Reads the roll called `name`.
pub(super) fn read(folder: &Path, name: &RollName) -> Result<Marks, OverlapError> {
    let bytes = match fs::read(folder.join(hex::encode(name))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OverlapError::NoRoll),
        read => read?,
    };
    let marks = bytes.strip_prefix(HEAD).filter(|_| sha256(&bytes) == *name);
    let (marks, _) = marks.ok_or(OverlapError::NoRoll)?.as_chunks();
    let mut marks = marks.iter().map(|mark| Mark::from_le_bytes(*mark));
    Ok(Marks {
        nobody: marks.next().ok_or(OverlapError::NoRoll)?,
        persons: marks.collect(),
    })
}

/// The number of the person with `mark` in the roll called `name`, whose marks are of the same
/// people only if `nobody` is theirs too. Reads it in pieces.
pub(super) fn find(
    folder: &Path,
    name: &RollName,
    nobody: Mark,
    mark: Mark,
) -> Result<Option<u32>, OverlapError> {
    let mut file = match fs::File::open(folder.join(hex::encode(name))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OverlapError::NoRoll),
        opened => opened?,
    };
    let mut hash = Context::new(&SHA256);
    let mut head = [0; HEAD.len() + size_of::<Mark>()];
    file.read_exact(&mut head)?;
    hash.update(&head);
    let same_people = head.starts_with(HEAD) && head.ends_with(&nobody.to_le_bytes());
    let (mut piece, mut found, mut number) = (vec![0; PIECE_BYTES], None, 0);
    loop {
        let read = read_full(&mut file, &mut piece)?;
        let bytes = piece.get(..read).unwrap_or_default();
        hash.update(bytes);
        let (marks, _) = bytes.as_chunks::<{ size_of::<Mark>() }>();
        let at = marks
            .iter()
            .position(|other| Mark::from_le_bytes(*other) == mark);
        if let Some(at) = at {
            found.get_or_insert(number + at);
        }
        number += marks.len();
        if read < PIECE_BYTES {
            break;
        }
    }
    if hash.finish().as_ref() != name {
        return Err(OverlapError::NoRoll);
    }
    if !same_people {
        return Err(OverlapError::OtherMarks);
    }
    Ok(found.and_then(|number| u32::try_from(number).ok()))
}

/// Fills `piece` unless the file ends; returns how much was read.
fn read_full(file: &mut fs::File, piece: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = piece.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}

/// What each person of `earlier` is called in `later`, [`GONE`] if they are not in it.
pub(super) fn carried_over(
    earlier: &Marks,
    later: &Marks,
    stop: &CancellationToken,
) -> Result<Vec<u32>, OverlapError> {
    if earlier.nobody != later.nobody {
        return Err(OverlapError::OtherMarks);
    }
    let mut numbers = vec![GONE; earlier.persons.len()];
    let most = earlier.persons.len().max(later.persons.len());
    // Marks are uniform, so that each slice has about as many.
    let slices = (most / PERSONS_AT_A_TIME + 1).next_power_of_two();
    let bits = slices.ilog2();
    for slice in 0..slices as u64 {
        if stop.is_cancelled() {
            return Err(OverlapError::Cancelled);
        }
        let in_order = |marks: &Marks| {
            let numbered = marks.persons.iter().copied().zip(0_u32..);
            let mut part: Vec<_> = numbered
                .filter(|(mark, _)| mark & ((1 << bits) - 1) == slice)
                .collect();
            part.sort_unstable();
            part
        };
        let later = in_order(later);
        let mut rest = later.iter().peekable();
        for (mark, number) in in_order(earlier) {
            while rest.next_if(|(next, _)| *next < mark).is_some() {}
            if let (Some((_, now)), Some(place)) = (
                rest.peek().filter(|(next, _)| *next == mark),
                numbers.get_mut(number as usize),
            ) {
                *place = *now;
            }
        }
    }
    Ok(numbers)
}

/// The memory that carrying so many persons over takes, about, in bytes.
pub(super) const fn memory_bytes(earlier: usize, later: usize) -> usize {
    let marks = (earlier + later) * size_of::<Mark>() + earlier * size_of::<u32>();
    let persons = earlier + later;
    let at_a_time = if persons < 2 * PERSONS_AT_A_TIME {
        persons
    } else {
        2 * PERSONS_AT_A_TIME
    };
    // A vector may have room for twice as many.
    marks + 2 * at_a_time * size_of::<(Mark, u32)>()
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
