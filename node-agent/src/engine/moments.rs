//! Sums that do not depend on the order of addition.
//!
//! A value is clipped, taken relative to the catalogue's centre and rounded once to a whole
//! number of a unit, a power of two that is at least 2⁴⁵ times smaller than the largest such
//! difference. These whole numbers and their squares are added exactly, so that every order of
//! rows, files and ranges of persons gives the same bits. Whole numbers about a whole centre are
//! not rounded at all; other values by at most 2⁻⁴⁶ of the largest difference.

use innsyn_proto::wire::research::v1::Number;

/// Bits of the largest difference; squares of 2³⁵ of them still fit an `i128`.
const BITS: i64 = 46;
/// Exponents whose powers of two, and their inverses, are ordinary numbers.
const EXPONENT_MAX: i64 = 900;

/// How values of one variable become whole numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    clip_from: f64,
    clip_to: f64,
    centre: f64,
    /// Units in one.
    units: f64,
}

impl Scale {
    /// None if `number` is not published with bounds that can be worked with.
    pub(super) fn of(number: &Number) -> Option<Self> {
        let (clip_from, clip_to) = (number.clip_from?, number.clip_to?);
        let centre = number.centre;
        let largest = (clip_from - centre).abs().max((clip_to - centre).abs());
        let is_sound = clip_from.is_finite()
            && clip_to.is_finite()
            && centre.is_finite()
            && largest.is_finite();
        if !is_sound || clip_from > clip_to {
            return None;
        }
        let exponent = if largest == 0.0 { 0 } else { exponent(largest) };
        (exponent.abs() <= EXPONENT_MAX).then(|| Self {
            clip_from,
            clip_to,
            centre,
            units: power_of_two(BITS - 1 - exponent),
        })
    }

    /// Of whole months, from none to `most`.
    pub(super) fn of_months(most: i32) -> Self {
        Self {
            clip_from: 0.0,
            clip_to: most.max(0).into(),
            centre: 0.0,
            units: 1.0,
        }
    }

    /// `value`, clipped, in units from the centre. It is not missing.
    pub(super) fn units_of(&self, value: f64) -> i64 {
        let difference = value.clamp(self.clip_from, self.clip_to) - self.centre;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 2⁴⁶ by the choice of units"
        )]
        let units = (difference * self.units).round() as i64;
        units
    }
}

/// Sums of one variable.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) values: u64,
    pub(super) sum: i128,
    pub(super) squares: i128,
}

impl Sums {
    /// Of one value.
    pub(super) fn of(units: i64) -> Self {
        Self {
            values: 1,
            sum: units.into(),
            squares: i128::from(units) * i128::from(units),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.values += other.values;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// The sum and the sum of squares, in the variable's own unit.
    #[expect(
        clippy::cast_precision_loss,
        reason = "rounded once, to the nearest number"
    )]
    pub(super) fn in_scale(&self, scale: &Scale) -> (f64, f64) {
        (
            self.sum as f64 / scale.units,
            self.squares as f64 / scale.units / scale.units,
        )
    }
}

/// `e` where 2ᵉ ≤ `number` < 2ᵉ⁺¹, of a number that is above nought and not subnormal; of a
/// subnormal one -1023.
fn exponent(number: f64) -> i64 {
    let bits = (number.to_bits() >> 52) & 0x7ff;
    i64::try_from(bits).unwrap_or_default() - 1_023
}

/// 2 to the `exponent`, which is within ±1022.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(u64::try_from(exponent + 1_023).unwrap_or_default() << 52)
}
