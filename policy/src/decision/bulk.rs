//! The decision about a whole register at once, over sets of persons.

use crate::register::LegalBasis;
use crate::setting::{Covers, SettingKind, Use};

/// A set of persons of one register.
pub trait Persons: Clone {
    /// Nobody of the same register.
    #[must_use]
    fn nobody(&self) -> Self;
    /// Adds whoever is in `others`.
    fn add(&mut self, others: &Self);
    /// Takes out whoever is in `others`.
    fn take_out(&mut self, others: &Self);
    /// Takes out whoever is not in `others`.
    fn keep_only(&mut self, others: &Self);
}

/// Who has said the same thing, as it holds at the moment of the decision.
#[derive(Debug, Clone)]
pub struct Said<S> {
    /// Whether it is a consent, a reservation or a block.
    pub kind: SettingKind,
    /// What it covers.
    pub covers: Covers,
    /// Who has said it, and has not taken it back, by now.
    pub by: S,
}

/// What is known of everybody's settings: [`Settings`](crate::Settings), for all at once.
#[derive(Debug, Clone, Copy)]
pub enum SettingsOfAll<'a, S> {
    /// They were read.
    Known {
        /// What was said. Whoever is nowhere in it has said nothing.
        said: &'a [Said<S>],
        /// Those of whom something was recorded whose meaning is not defined.
        undefined: &'a S,
    },
    /// They could not be read.
    Unreadable,
    /// They were read, but too long ago to be relied on.
    Stale,
}

/// Those of `everybody` who may be counted in the statistics `of`: exactly those whom
/// [`may_be_counted`](crate::may_be_counted) lets through one by one.
pub fn counted_of_all<S: Persons>(
    of: &Use,
    basis: LegalBasis,
    everybody: &S,
    settings: &SettingsOfAll<'_, S>,
) -> S {
    let SettingsOfAll::Known { said, undefined } = settings else {
        return everybody.nobody();
    };
    if !of.purpose.is_secondary() {
        return everybody.nobody();
    }
    let mut counted = match basis {
        LegalBasis::Consent => {
            let mut consenting = everybody.nobody();
            let yes = |said: &&Said<S>| said.kind == SettingKind::Consent && said.covers.cover(of);
            for said in said.iter().filter(yes) {
                consenting.add(&said.by);
            }
            consenting.keep_only(everybody);
            consenting
        }
        LegalBasis::Mandatory
        | LegalBasis::MandatoryWithReservation
        | LegalBasis::Reservation
        | LegalBasis::Pseudonymous
        | LegalBasis::Deidentified => everybody.clone(),
    };
    let no = |said: &&Said<S>| said.kind != SettingKind::Consent && said.covers.touch(of);
    for said in said.iter().filter(no) {
        counted.take_out(&said.by);
    }
    counted.take_out(undefined);
    counted
}
