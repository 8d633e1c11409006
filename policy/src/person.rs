//! National identity numbers (*fødselsnummer*, *D-nummer* and their relatives).

use std::fmt;

use jiff::civil::Date;

#[cfg(test)]
mod tests;

/// A Norwegian national identity number, known to be well formed.
///
/// Holding one means that the digits were checked; nothing downstream checks again.
/// It has no `Display` and no `Serialize` on purpose: a national id leaves this type only
/// through its methods named `expose`, which are easy to search for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NationalId([u8; 11]);

impl fmt::Debug for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NationalId(***)")
    }
}

/// How numbers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberRules {
    /// Accept the control digits that Skatteetaten hands out from 2032 (remainder 0 to 3 in the
    /// first check instead of 0 only).
    pub accept_2032: bool,
    /// Check the individual number against the century, so that the leap days of 1900 and 2000
    /// are told apart. Off by default: numbers from 2032 no longer follow the series.
    pub strict_series: bool,
}

impl Default for NumberRules {
    fn default() -> Self {
        Self {
            accept_2032: true,
            strict_series: false,
        }
    }
}

/// What the digits say about where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// A *fødselsnummer* from the National Population Register.
    Birth,
    /// A *D-nummer*: day + 40.
    DNumber,
    /// Synthetic, month + 80 (Skatteetaten's Tenor); also synthetic D-numbers.
    Synthetic,
    /// Month + 40: an organisation's own *H-nummer* or NAV's synthetic series; the digits
    /// cannot tell which.
    HNumberOrSynthetic,
    /// Synthetic, month + 65 (a mix of NAV's and Tenor's offsets).
    SyntheticMixed,
    /// *Felles hjelpenummer*: first digit 8 or 9, no date inside.
    SharedAuxiliary,
}

/// Why a string is not a national id. Never quotes the string: it may be a real one, mistyped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseNationalIdError {
    /// Not exactly eleven ASCII digits.
    #[error("a national id has 11 digits, 0 to 9, and nothing else")]
    NotElevenDigits,
    /// The first six digits are not a calendar day in any series.
    #[error("the first six digits are not a date")]
    NotADate,
    /// A control digit is wrong.
    #[error("the control digits do not match")]
    ControlDigits,
}

/// Why a well-formed number is refused here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmittedError {
    /// A synthetic number in production.
    #[error("synthetic national ids are refused in production")]
    SyntheticInProduction,
    /// A number that may be a real person's in a test system.
    #[error("only synthetic national ids are accepted in a test system")]
    RealInTest,
    /// H- and FH-numbers are no citizen's login identity.
    #[error("an auxiliary number is not a citizen's identity")]
    Auxiliary,
}

/// The one switch between numbers of real and of invented people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Refuses synthetic numbers.
    Production,
    /// Refuses everything but synthetic numbers.
    Test,
}

impl Environment {
    /// Whether `id` may identify a citizen here.
    pub fn admit_citizen(self, id: &NationalId) -> Result<(), NotAdmittedError> {
        use NumberKind as K;
        match (self, id.kind()) {
            (_, K::SharedAuxiliary) => Err(NotAdmittedError::Auxiliary),
            (Self::Production, K::Birth | K::DNumber) => Ok(()),
            (Self::Production, _) => Err(NotAdmittedError::SyntheticInProduction),
            (Self::Test, K::Birth | K::DNumber) => Err(NotAdmittedError::RealInTest),
            (Self::Test, _) => Ok(()),
        }
    }
}

/// Weights of the first check; the tenth is the first control digit's own.
const WEIGHTS_K1: [u32; 10] = [3, 7, 6, 1, 8, 9, 4, 5, 2, 1];
/// Weights of the second check; the eleventh is the second control digit's own.
const WEIGHTS_K2: [u32; 11] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1];

impl NationalId {
    /// Reads eleven ASCII digits and checks date and control digits.
    ///
    /// Source: Skatteetaten's description of the number and of its change in 2032.
    pub fn parse(text: &str, rules: NumberRules) -> Result<Self, ParseNationalIdError> {
        let digits: [u8; 11] = text
            .as_bytes()
            .try_into()
            .map_err(|_| ParseNationalIdError::NotElevenDigits)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(ParseNationalIdError::NotElevenDigits);
        }
        Self::check(digits, rules)
    }

    /// Reads a national id from the number that its eleven digits make, and checks it as
    /// [`NationalId::parse`] does.
    pub fn from_number(number: u64, rules: NumberRules) -> Result<Self, ParseNationalIdError> {
        let mut digits = [b'0'; 11];
        let mut left = number;
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(left % 10).unwrap_or_default();
            left /= 10;
        }
        if left > 0 {
            return Err(ParseNationalIdError::NotElevenDigits);
        }
        Self::check(digits, rules)
    }

    fn check(digits: [u8; 11], rules: NumberRules) -> Result<Self, ParseNationalIdError> {
        let remainder_k1 = weighted(&digits, &WEIGHTS_K1) % 11;
        let k1_matches = remainder_k1 == 0 || (rules.accept_2032 && remainder_k1 <= 3);
        if !k1_matches || !weighted(&digits, &WEIGHTS_K2).is_multiple_of(11) {
            return Err(ParseNationalIdError::ControlDigits);
        }
        let id = Self(digits);
        if id.kind_unchecked() != Some(NumberKind::SharedAuxiliary)
            && !id.has_calendar_day(rules.strict_series && remainder_k1 == 0)
        {
            return Err(ParseNationalIdError::NotADate);
        }
        Ok(id)
    }

    /// The digits, as ASCII. With its two sisters the only way out of this type.
    pub const fn expose(&self) -> &[u8; 11] {
        &self.0
    }

    /// The number that the digits make.
    pub fn expose_number(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    }

    /// The digits as text, for the few places that hand a number to another system.
    pub fn expose_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// What the digits say about where this number comes from.
    pub fn kind(&self) -> NumberKind {
        self.kind_unchecked().unwrap_or(NumberKind::Birth)
    }

    fn kind_unchecked(&self) -> Option<NumberKind> {
        let (day, month) = (self.two_digits(0), self.two_digits(2));
        if day >= 80 {
            return Some(NumberKind::SharedAuxiliary);
        }
        match month {
            1..=12 if day > 40 => Some(NumberKind::DNumber),
            1..=12 => Some(NumberKind::Birth),
            41..=52 => Some(NumberKind::HNumberOrSynthetic),
            66..=77 => Some(NumberKind::SyntheticMixed),
            81..=92 => Some(NumberKind::Synthetic),
            _ => None,
        }
    }

    /// Whether day, month and year make a calendar day. Without `strict` the century is open,
    /// so 29 February needs only a year divisible by four.
    fn has_calendar_day(&self, strict: bool) -> bool {
        let offset = match self.kind_unchecked() {
            Some(NumberKind::Birth | NumberKind::DNumber) => 0,
            Some(NumberKind::HNumberOrSynthetic) => 40,
            Some(NumberKind::SyntheticMixed) => 65,
            Some(NumberKind::Synthetic) => 80,
            Some(NumberKind::SharedAuxiliary) | None => return false,
        };
        let day = match self.two_digits(0) {
            day @ 41..=71 => day - 40,
            day => day,
        };
        let month = self.two_digits(2) - offset;
        let year_of_century = self.two_digits(4);
        // 2000 is a leap year, so this century accepts 29 February whenever YY % 4 = 0.
        let century = if strict { self.century() } else { Some(2000) };
        let Some(century) = century else { return false };
        let (Ok(day), Ok(month)) = (i8::try_from(day), i8::try_from(month)) else {
            return false;
        };
        i16::try_from(century + year_of_century)
            .is_ok_and(|year| Date::new(year, month, day).is_ok())
    }

    /// The century that the individual number stands for; `None` where no series has it.
    fn century(&self) -> Option<u32> {
        let year = self.two_digits(4);
        let individual = self.two_digits(6) * 10 + u32::from(self.0[8] - b'0');
        match individual {
            500..=749 if year >= 54 => Some(1800),
            0..=499 => Some(1900),
            900..=999 if year >= 40 => Some(1900),
            500..=999 if year <= 39 => Some(2000),
            _ => None,
        }
    }

    fn two_digits(&self, at: usize) -> u32 {
        let digit = |i: usize| self.0.get(i).map_or(0, |d| u32::from(d - b'0'));
        digit(at) * 10 + digit(at + 1)
    }
}

fn weighted(digits: &[u8; 11], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum()
}
