//! May this be done? The one place that decides.

use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::caller::{Areas, Assurance, Caller, Representation, Validity};
use crate::outcome::WithheldReason;
use crate::person::NationalId;
use crate::purpose::Purpose;
use crate::register::{LegalBasis, Register};
use crate::setting::{Identifiability, Setting, SettingKind, Settings, Use};
use crate::time::Timestamp;

mod bulk;
#[cfg(test)]
mod tests;

pub use bulk::{Persons, Said, SettingsOfAll, counted_of_all};

/// How long a clearance lasts: longer than any listing, shorter than a change of mind may take
/// to bind.
const CLEARANCE_LASTS: Duration = Duration::from_secs(30);

/// A child's own age of insight (*pasient- og brukerrettighetsloven*), in years.
const PARENT_UNTIL_YEARS: i32 = 16;
/// From this age a child alone is told of sensitive memberships, in years. ASSUMED: § 3-4 lets a
/// child from twelve keep matters from its parents; a register cannot ask, so it withholds.
const SENSITIVE_FROM_YEARS: i32 = 12;

/// Who asks about whom, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whose data.
    pub subject: NationalId,
    /// Who asks.
    pub caller: Caller,
    /// By what right.
    pub representation: Representation,
    /// What for.
    pub purpose: Purpose,
}

/// The answer to "may this be done?".
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a decision that is not acted upon is a bug"]
pub enum Decision {
    /// Look, and tell.
    Allow(Clearance),
    /// Look, so that the work is the same, and tell nothing of what was seen.
    Withhold(Clearance, WithheldReason),
    /// Do not look.
    Deny(DenyReason),
}

/// Proof that [`decide`] was asked about this very person and purpose and let a source be read.
/// Only [`decide`] makes one, and it is used up by the look-up.
#[derive(Debug, PartialEq, Eq)]
pub struct Clearance {
    subject: NationalId,
    purpose: Purpose,
    expires_at: Timestamp,
}

impl Clearance {
    /// Whose data may be read.
    pub const fn subject(&self) -> &NationalId {
        &self.subject
    }

    /// For what purpose.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether it still holds at `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// Why something may not be done. The exact reason is for the log of use; the wire tells less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DenyReason {
    /// The login was not sure enough.
    #[error("insight needs a login of the highest level")]
    AssuranceTooLow,
    /// "Own" insight about somebody else.
    #[error("the caller asks about somebody else without a representation")]
    NotOneself,
    /// A representation of oneself.
    #[error("nobody represents themself")]
    RepresentsOneself,
    /// The token does not say when the child was born.
    #[error("the child's birth date is missing")]
    ChildBirthDateMissing,
    /// The child has turned 16, or is not born yet.
    #[error("a parent's right ends on the child's 16th birthday")]
    ChildNotUnder16,
    /// The mandate or power of attorney is not valid yet.
    #[error("the representation is not valid yet")]
    RepresentationNotYetValid,
    /// It is not valid any more.
    #[error("the representation has expired")]
    RepresentationExpired,
    /// It covers no insight at all.
    #[error("the representation covers no insight")]
    RepresentationCoversNothing,
    /// A representation was used for something else than insight.
    #[error("a representation is for insight only")]
    RepresentationNotForPurpose,
    /// No mandate that an issuer trusted here has signed goes with the act.
    #[error("no issuer that is trusted here has signed the representation")]
    RepresentationUnproven,
    /// The mandate or power of attorney was taken back.
    #[error("the representation has been revoked")]
    RepresentationRevoked,
    /// The mandate is between other people.
    #[error("the representation is between other people")]
    RepresentationOfOthers,
    /// The register holds no identities.
    #[error("the register holds no identities")]
    HoldsNoIdentities,
    /// The person's settings could not be read.
    #[error("the person's settings cannot be read")]
    SettingsUnreadable,
    /// The person's settings are too old to be relied on.
    #[error("the person's settings are too old")]
    SettingsStale,
    /// A setting is not defined.
    #[error("a setting has no defined meaning")]
    SettingUndefined,
    /// Consent is needed and was never given.
    #[error("no consent")]
    NoConsent,
    /// Consent was given and is withdrawn or lapsed.
    #[error("consent withdrawn or lapsed")]
    ConsentEnded,
    /// The person has reserved against this.
    #[error("reserved")]
    Reserved,
    /// The person has blocked this.
    #[error("blocked")]
    Blocked,
}

/// Whether the caller may ask about the subject at all, whatever the register.
///
/// A gateway calls this once for a request and refuses it whole; every agent calls it again
/// inside [`decide`].
pub fn represents(request: &Request, now: Timestamp) -> Result<(), DenyReason> {
    if request.caller.assurance < Assurance::High {
        return Err(DenyReason::AssuranceTooLow);
    }
    let oneself = request.caller.person == request.subject;
    if !matches!(request.representation, Representation::Own) {
        if oneself {
            return Err(DenyReason::RepresentsOneself);
        }
        if request.purpose != Purpose::OwnInsight {
            return Err(DenyReason::RepresentationNotForPurpose);
        }
    }
    match &request.representation {
        Representation::Own if oneself => Ok(()),
        // Other people's data are used by personnel and researchers, whose right is not this
        // module's `Own`; a citizen has none without a representation.
        Representation::Own => Err(DenyReason::NotOneself),
        Representation::Parent { child_born: None } => Err(DenyReason::ChildBirthDateMissing),
        Representation::Parent {
            child_born: Some(born),
        } => match years_old(*born, PARENT_UNTIL_YEARS, now) {
            Some(false) if born_by(*born, now) => Ok(()),
            _ => Err(DenyReason::ChildNotUnder16),
        },
        Representation::Guardian { areas, validity }
        | Representation::PowerOfAttorney { areas, validity } => holds(areas, *validity, now),
    }
}

fn holds(areas: &Areas, validity: Validity, now: Timestamp) -> Result<(), DenyReason> {
    if now < validity.from {
        Err(DenyReason::RepresentationNotYetValid)
    } else if now >= validity.until {
        Err(DenyReason::RepresentationExpired)
    } else if areas.is_empty() {
        Err(DenyReason::RepresentationCoversNothing)
    } else {
        Ok(())
    }
}

/// Decides on `request` at `register` as of `now`. Pure: no clock, no I/O, no panics.
///
/// `settings` are the subject's own at this register. They never stand in the way of the
/// person's own insight. Of care, only a block that names it does. For secondary use, whatever is
/// unreadable, stale or undefined means no.
pub fn decide(
    request: &Request,
    register: &Register,
    settings: Settings<'_>,
    now: Timestamp,
) -> Decision {
    if register.legal_basis == LegalBasis::Deidentified {
        return Decision::Deny(DenyReason::HoldsNoIdentities);
    }
    if let Err(reason) = represents(request, now) {
        return Decision::Deny(reason);
    }
    let permitted = match request.purpose {
        Purpose::OwnInsight => Ok(()),
        Purpose::Treatment => care(settings, now),
        secondary => {
            let of = Use::of_all(secondary, Identifiability::Identified);
            secondary_use(&of, register.legal_basis, settings, now)
        }
    };
    if let Err(reason) = permitted {
        return Decision::Deny(reason);
    }
    let clearance = Clearance {
        subject: request.subject,
        purpose: request.purpose,
        expires_at: now.plus(CLEARANCE_LASTS),
    };
    match withheld(&request.representation, register, now) {
        Some(reason) => Decision::Withhold(clearance, reason),
        None => Decision::Allow(clearance),
    }
}

/// What is kept from this caller at this register, from who asks about whom alone.
pub fn withheld(
    representation: &Representation,
    register: &Register,
    now: Timestamp,
) -> Option<WithheldReason> {
    match representation {
        Representation::Own => None,
        Representation::Parent { child_born } => {
            let told_to_child_alone = register.membership_is_sensitive
                && child_born.and_then(|born| years_old(born, SENSITIVE_FROM_YEARS, now))
                    != Some(false);
            told_to_child_alone.then_some(WithheldReason::SensitiveFromTwelve)
        }
        Representation::Guardian { areas, .. } | Representation::PowerOfAttorney { areas, .. } => {
            (!areas.cover(register)).then_some(WithheldReason::AreaNotCovered)
        }
    }
}

/// Whether the settings let the person's own care through. Settings that cannot be read do not
/// keep data from who treats the person.
fn care(settings: Settings<'_>, now: Timestamp) -> Result<(), DenyReason> {
    let of = Use::of_all(Purpose::Treatment, Identifiability::Identified);
    match settings {
        Settings::Known(settings) if stands(settings, SettingKind::Block, &of, now) => {
            Err(DenyReason::Blocked)
        }
        _ => Ok(()),
    }
}

/// Whether the settings let the secondary use `of` the person's data through.
///
/// A reservation counts at every register where one is recorded, whether or not the legal basis
/// gives a right to it.
pub fn secondary_use(
    of: &Use,
    basis: LegalBasis,
    settings: Settings<'_>,
    now: Timestamp,
) -> Result<(), DenyReason> {
    let settings: &[Setting] = match settings {
        Settings::Known(settings) => settings,
        Settings::Unreadable => return Err(DenyReason::SettingsUnreadable),
        Settings::Stale => return Err(DenyReason::SettingsStale),
        Settings::Undefined => return Err(DenyReason::SettingUndefined),
    };
    let stands = |kind| stands(settings, kind, of, now);
    let consent_ended = || {
        settings.iter().any(|setting| {
            setting.kind == SettingKind::Consent
                && setting.speaks_of(of)
                && setting.until.is_some_and(|until| until <= now)
        })
    };
    // The person's own no comes first, so that the log names it even where consent lapsed too.
    if stands(SettingKind::Block) {
        return Err(DenyReason::Blocked);
    }
    if stands(SettingKind::Reservation) {
        return Err(DenyReason::Reserved);
    }
    match basis {
        LegalBasis::Consent if stands(SettingKind::Consent) => Ok(()),
        LegalBasis::Consent if consent_ended() => Err(DenyReason::ConsentEnded),
        LegalBasis::Consent => Err(DenyReason::NoConsent),
        LegalBasis::Mandatory
        | LegalBasis::MandatoryWithReservation
        | LegalBasis::Reservation
        | LegalBasis::Pseudonymous
        | LegalBasis::Deidentified => Ok(()),
    }
}

/// Whether a person with these settings may be counted in the statistics `of`.
///
/// This is [`secondary_use`] for whoever decides about a whole register, person by person;
/// [`counted_of_all`] decides about all at once. What is for the person alone, their own insight
/// and their own care, counts nobody.
pub fn may_be_counted(of: &Use, basis: LegalBasis, settings: Settings<'_>, now: Timestamp) -> bool {
    of.purpose.is_secondary() && secondary_use(of, basis, settings, now).is_ok()
}

fn stands(settings: &[Setting], kind: SettingKind, of: &Use, now: Timestamp) -> bool {
    settings
        .iter()
        .any(|setting| setting.kind == kind && setting.applies(of, now))
}

/// Whether somebody born on `born` has turned `years` in Norway at `now`; `None` where the
/// calendar gives no answer. The birthday begins at midnight, Europe/Oslo. Who was born on a
/// 29 February has a birthday on 28 February in common years.
fn years_old(born: Date, years: i32, now: Timestamp) -> Option<bool> {
    let birthday = born.checked_add(years.years()).ok()?;
    Some(Timestamp::start_of_day_in_norway(birthday)? <= now)
}

fn born_by(born: Date, now: Timestamp) -> bool {
    Timestamp::start_of_day_in_norway(born).is_some_and(|birth| birth <= now)
}
