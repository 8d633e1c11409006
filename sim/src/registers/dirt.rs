//! Dirty rows, as every real register has some. Each file gets the same few, so that what an
//! agent counts can be compared with what was written.

use super::Status;
use super::table::PersonRow;

/// Rows without an id in each file.
pub(super) const MISSING: u64 = 2;

/// Three ids made from a good one that nobody has: too short, too long, and with a last digit
/// that is always wrong. All are digits, so that they fit into an integer column too.
pub(super) fn malformed(good: &str) -> [String; 3] {
    let mut wrong_digit = good.to_owned();
    let last = wrong_digit.pop().and_then(|digit| digit.to_digit(10));
    let other = (last.unwrap_or(0) + 1) % 10;
    wrong_digit.push_str(&other.to_string());
    ["12345".to_owned(), format!("9{good}"), wrong_digit]
}

/// The same for a file of pseudonyms: too short, too long, and not hexadecimal.
pub(super) fn malformed_pseudonyms(good: &str) -> [String; 3] {
    ["0a1b".to_owned(), format!("00{good}"), "z".repeat(32)]
}

/// A second row about the person of `row` that says less than the first: deleted, registered
/// later, changed earlier. Whoever merges the two by the rule (registered beats deleted, the
/// earliest registration, the latest change) gets the first row back.
pub(super) fn echo<'a>(row: &PersonRow<'a>) -> PersonRow<'a> {
    PersonRow {
        id: row.id,
        status: Status::Deleted,
        since: row.since.and_then(|since| since.tomorrow().ok()),
        last_changed: row
            .last_changed
            .and_then(|changed| changed.yesterday().ok()),
    }
}
