//! Count, sum and sum of squares about a public centre: all that a mean and a variance need.

use std::ops::AddAssign;

/// How many values there are, S = Σ(x − c) and Q = Σ(x − c)², x clipped to the catalogue's bounds
/// and c the catalogue's centre, the same at every register. A centre near the mean keeps the
/// variance exact to about 1e-12.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// Values, one for each person who has one.
    pub n: u64,
    /// Σ(x − c).
    pub s: f64,
    /// Σ(x − c)².
    pub q: f64,
}

impl AddAssign for Moments {
    fn add_assign(&mut self, other: Self) {
        self.n += other.n;
        self.s += other.s;
        self.q += other.q;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of persons are far below 2^52"
)]
impl Moments {
    /// Σx.
    pub fn sum(&self, centre: f64) -> f64 {
        self.n as f64 * centre + self.s
    }

    /// The mean, c + S/n; none without values.
    pub fn mean(&self, centre: f64) -> Option<f64> {
        (self.n > 0).then(|| centre + self.s / self.n as f64)
    }

    /// The variance with n − 1 degrees of freedom, (Q − S²/n)/(n − 1); none below two values.
    pub fn variance(&self) -> Option<f64> {
        let n = self.n as f64;
        (self.n > 1).then(|| ((self.q - self.s * self.s / n) / (n - 1.0)).max(0.0))
    }

    /// Whether these can be the moments of at most `persons` values.
    pub(super) fn is_of(&self, persons: u64) -> bool {
        self.n <= persons && self.s.is_finite() && self.q.is_finite() && self.q >= 0.0
    }
}
