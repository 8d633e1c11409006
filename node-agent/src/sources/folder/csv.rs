//! Reading a CSV file row by row.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};

use super::{Column, unreadable};
use crate::sources::error::SourceError;

/// The most bytes that one row may take. A quote that is never closed would otherwise read the
/// rest of the file as one row.
const ROW_BYTES_MAX: u64 = 1 << 20;
/// This many digits in a row are no part of a column's name.
const DIGITS_IN_A_NAME_MAX: usize = 5;

/// Calls `row` for each row of the file at `path`.
pub(super) fn read<const N: usize>(
    path: &Path,
    delimiter: u8,
    wanted: &[Column<'_>; N],
    mut row: impl FnMut([Option<&str>; N]) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    let file = File::open(path).map_err(unreadable(path))?;
    let unfinished = Rc::new(Cell::new(0));
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(Metered {
            inner: file,
            unfinished: Rc::clone(&unfinished),
        });
    let header = reader.byte_headers().map_err(|e| failed(path, e))?;
    let places = places(path, header, wanted)?;
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|e| failed(path, e))?
    {
        unfinished.set(0);
        // What is not UTF-8 becomes an empty string: given, and not readable as anything.
        let field = |place: &Option<usize>| Some(record.get((*place)?).map_or("", text));
        row(places.each_ref().map(field))?;
    }
    Ok(())
}

fn text(field: &[u8]) -> &str {
    std::str::from_utf8(field).unwrap_or("\u{fffd}")
}

/// Where each wanted column stands.
fn places<const N: usize>(
    path: &Path,
    header: &ByteRecord,
    wanted: &[Column<'_>; N],
) -> Result<[Option<usize>; N], SourceError> {
    let names: Vec<&str> = header.iter().map(|name| text(name).trim()).collect();
    let mut places = [None; N];
    for (place, column) in places.iter_mut().zip(wanted) {
        let Some(column) = column.name else { continue };
        *place = names.iter().position(|name| *name == column);
        if place.is_none() {
            // Without its header line, the first row of a file is about somebody.
            if names.iter().any(|name| looks_like_data(name)) {
                return Err(SourceError::NoHeader {
                    path: path.to_owned(),
                });
            }
            return Err(SourceError::NoColumn {
                place: format!("`{}`", path.display()),
                column: column.to_owned(),
                present: names.iter().map(|name| format!("`{name}`")).collect(),
            });
        }
    }
    Ok(places)
}

fn looks_like_data(name: &str) -> bool {
    let mut runs = name.split(|c: char| !c.is_ascii_digit());
    runs.any(|digits| digits.len() > DIGITS_IN_A_NAME_MAX)
}

fn failed(path: &Path, error: csv::Error) -> SourceError {
    let message = match error.position() {
        Some(at) => format!("line {}", at.line()),
        None => String::new(),
    };
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unreadable(path)(error),
        _ => SourceError::Format {
            path: path.to_owned(),
            format: "CSV",
            message,
        },
    }
}

/// Counts the bytes that were read since the last row ended.
struct Metered<R> {
    inner: R,
    unfinished: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let unfinished = self.unfinished.get();
        if unfinished > ROW_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a row is longer than 1 MiB; is a quotation mark not closed?",
            ));
        }
        let bytes = self.inner.read(buffer)?;
        self.unfinished.set(unfinished + bytes as u64);
        Ok(bytes)
    }
}
