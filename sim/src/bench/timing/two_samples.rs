//! Two-sample tests: could these two come from one distribution?
//!
//! Both make no assumption about its shape and take the large-sample approximation: Mann and
//! Whitney (Annals of Mathematical Statistics 18, 1947, pages 50–60) with the correction for
//! ties, which sees a shift; Kolmogorov and Smirnov (as in Press et al., *Numerical Recipes*,
//! 3rd edition, section 14.3.3), which sees any difference of shape.

use serde::Serialize;

/// The Mann–Whitney test.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct MannWhitney {
    /// How likely one of the first sample is to be larger than one of the second; ½ if alike.
    pub(super) first_is_larger: f64,
    /// In standard deviations from ½.
    pub(super) z: f64,
    /// How likely so large a difference is if both are alike.
    pub(super) p: f64,
}

/// The Kolmogorov–Smirnov test.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct KolmogorovSmirnov {
    /// The largest distance between the two distribution functions.
    pub(super) distance: f64,
    /// How likely so large a distance is if both are alike.
    pub(super) p: f64,
}

/// The value in the middle.
pub(super) fn median(sample: &[f64]) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a count of samples")]
const fn count(of: usize) -> f64 {
    of as f64
}

/// All values in order, each with whether it is of the first sample, in groups of equals.
fn ranked(first: &[f64], second: &[f64]) -> Vec<Vec<bool>> {
    let mut all: Vec<(f64, bool)> = first.iter().map(|value| (*value, true)).collect();
    all.extend(second.iter().map(|value| (*value, false)));
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq())
        .map(|group| group.iter().map(|(_, is_first)| *is_first).collect())
        .collect()
}

fn of_first(group: &[bool]) -> f64 {
    count(group.iter().filter(|is_first| **is_first).count())
}

impl MannWhitney {
    /// Compares two samples, neither of them empty.
    pub(super) fn of(first: &[f64], second: &[f64]) -> Self {
        let (n, m) = (count(first.len()), count(second.len()));
        let (mut ranked_before, mut rank_sum, mut ties) = (0.0, 0.0, 0.0);
        for group in ranked(first, second) {
            let equals = count(group.len());
            rank_sum += of_first(&group) * (ranked_before + f64::midpoint(equals, 1.0));
            ties += equals.powi(3) - equals;
            ranked_before += equals;
        }
        let u = rank_sum - n * (n + 1.0) / 2.0;
        let all = n + m;
        let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
        let z = (u - n * m / 2.0) / variance.sqrt();
        Self {
            first_is_larger: u / (n * m),
            z,
            p: complementary_error(z.abs() / std::f64::consts::SQRT_2),
        }
    }
}

impl KolmogorovSmirnov {
    /// Compares two samples, neither of them empty.
    pub(super) fn of(first: &[f64], second: &[f64]) -> Self {
        let (n, m) = (count(first.len()), count(second.len()));
        let (mut firsts, mut seconds, mut distance) = (0.0, 0.0, 0.0_f64);
        for group in ranked(first, second) {
            let of_first = of_first(&group);
            firsts += of_first;
            seconds += count(group.len()) - of_first;
            distance = distance.max((firsts / n - seconds / m).abs());
        }
        let root = (n * m / (n + m)).sqrt();
        let lambda = (root + 0.12 + 0.11 / root) * distance;
        // The series alternates and converges fast but for a tiny distance, where p is 1.
        let term = |j: i32| {
            let sign = if j % 2 == 1 { 2.0 } else { -2.0 };
            sign * (-2.0 * (f64::from(j) * lambda).powi(2)).exp()
        };
        let p = if lambda < 0.2 {
            1.0
        } else {
            (1..=100).map(term).sum::<f64>()
        };
        Self {
            distance,
            p: p.clamp(0.0, 1.0),
        }
    }
}

/// erfc for x ≥ 0, to 1.2e-7 of its value (*Numerical Recipes*, 2nd edition, section 6.2).
fn complementary_error(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.5 * x);
    let coefficients = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let polynomial = coefficients.iter().fold(0.0, |sum, c| sum * t + c);
    t * (-x * x + polynomial).exp()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-4, "{value}, not {expected}");
    }

    #[test]
    fn values_worked_out_by_hand_come_out() {
        // U = 0 of 25; its variance is 25 · 11 / 12.
        let test = MannWhitney::of(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]);
        near(test.first_is_larger, 0.0);
        near(test.z, -2.61116);
        near(test.p, 0.00902);
        // Ties: U = 4.5 of 9; alike, as seen from both sides.
        let test = MannWhitney::of(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]);
        near(test.z, 0.0);
        near(test.p, 1.0);
        near(
            complementary_error(1.959_964 / std::f64::consts::SQRT_2),
            0.05,
        );

        let (low, high): (Vec<f64>, Vec<f64>) = (0..100)
            .map(|i| (f64::from(i), f64::from(i) + 25.0))
            .unzip();
        let test = KolmogorovSmirnov::of(&low, &high);
        near(test.distance, 0.25);
        // λ = (7.07107 + 0.12 + 0.01556) · 0.25 = 1.80166; 2 exp(-2 λ²) = 0.00303.
        near(test.p, 0.00303);
    }

    #[test]
    fn alike_samples_pass_and_a_small_shift_does_not() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut sample = |shift: f64| -> Vec<f64> {
            let noise = |random: &mut ChaCha8Rng| (0..12).map(|_| random.random::<f64>()).sum();
            (0..3_000)
                .map(|_| {
                    shift + {
                        let it: f64 = noise(&mut random);
                        it
                    }
                })
                .collect()
        };
        // A standard deviation is 1.
        let (one, alike, shifted) = (sample(0.0), sample(0.0), sample(0.15));
        assert!(MannWhitney::of(&one, &alike).p > 0.01);
        assert!(KolmogorovSmirnov::of(&one, &alike).p > 0.01);
        assert!(MannWhitney::of(&shifted, &one).z > 4.0);
        assert!(MannWhitney::of(&one, &shifted).p < 1e-4);
        assert!(KolmogorovSmirnov::of(&one, &shifted).p < 1e-3);
    }
}
