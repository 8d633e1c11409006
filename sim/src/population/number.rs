//! Makes synthetic national ids, from the published rules and not from the parser in `policy`.

use super::{Day, Sex};

/// How many numbers of one birth date and sex are handed out. Each has at least this many whose
/// control digits exist; a test counts them.
pub(super) const RANKS: u8 = 180;

const WEIGHTS_K1: [u32; 9] = [3, 7, 6, 1, 8, 9, 4, 5, 2];
const WEIGHTS_K2: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];

/// The `rank`-th synthetic number (month + 80) of a birth date and sex; a D-number has 40 added
/// to its day. `None` if the date has no series or the rank is too high.
pub(super) fn nth(born: Day, sex: Sex, d_number: bool, rank: u8) -> Option<[u8; 11]> {
    let date = born.date();
    let year = u32::try_from(date.year()).ok()?;
    let day = u32::try_from(date.day()).ok()? + if d_number { 40 } else { 0 };
    let month = u32::try_from(date.month()).ok()? + 80;
    individuals(year, sex, born)?
        .filter_map(|individual| with_control_digits(day, month, year % 100, individual))
        .nth(usize::from(rank))
}

/// The individual numbers of a year and sex, in an order that differs from day to day.
fn individuals(year: u32, sex: Sex, born: Day) -> Option<impl Iterator<Item = u32>> {
    let (first, wrap) = match year {
        1900..=1939 => (0, 500),
        1940..=1999 => (0, 600),
        2000..=2039 => (500, 500),
        _ => return None,
    };
    let odd = u32::from(sex == Sex::Male);
    let count = wrap / 2;
    // 7 divides neither 250 nor 300, so every number comes up once.
    let start = born.number() * 37 % count;
    Some((0..count).map(move |k| {
        let individual = first + (start + k * 7) % count * 2 + odd;
        // The years 1940 to 1999 use 000–499 and 900–999.
        if first == 0 && individual >= 500 {
            individual + 400
        } else {
            individual
        }
    }))
}

/// The eleven digits, unless one of the control digits would be ten.
fn with_control_digits(day: u32, month: u32, year: u32, individual: u32) -> Option<[u8; 11]> {
    let nine = [
        day / 10,
        day % 10,
        month / 10,
        month % 10,
        year / 10,
        year % 10,
        individual / 100,
        individual / 10 % 10,
        individual % 10,
    ];
    let k1 = control_digit(nine.iter().zip(&WEIGHTS_K1))?;
    let ten = || nine.iter().chain([&k1]);
    let k2 = control_digit(ten().zip(&WEIGHTS_K2))?;
    let mut digits = [b'0'; 11];
    for (place, digit) in digits.iter_mut().zip(ten().chain([&k2])) {
        *place += u8::try_from(*digit).ok()?;
    }
    Some(digits)
}

fn control_digit<'a>(digits: impl Iterator<Item = (&'a u32, &'a u32)>) -> Option<u32> {
    let sum: u32 = digits.map(|(digit, weight)| digit * weight).sum();
    Some((11 - sum % 11) % 11).filter(|digit| *digit < 10)
}
