//! The numbers that stand for kinds, purposes and decisions in an entry.
//!
//! They are for ever: a number is never given another meaning, and zero never has one except as
//! "no reason". Adding a variant in `policy` does not compile until it has its number here.

use innsyn_policy::{DenyReason, Purpose, UseDecision, UseKind, WithheldReason};

/// Both directions of one table: a match that the compiler checks for completeness, and its
/// inverse by search.
macro_rules! table {
    ($(#[$doc:meta])* $to:ident, $from:ident: $type:ident { $($variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        pub(super) const fn $to(value: $type) -> u8 {
            match value { $($type::$variant => $code),+ }
        }

        /// The inverse; `None` for a number without a meaning.
        pub(super) const fn $from(code: u8) -> Option<$type> {
            match code { $($code => Some($type::$variant),)+ _ => None }
        }
    };
}

table! {
    /// The number of a kind of use.
    of_kind, kind: UseKind { Listing = 1 }
}

table! {
    /// The number of a purpose.
    of_purpose, purpose: Purpose {
        OwnInsight = 1,
        Treatment = 2,
        QualityImprovement = 3,
        Research = 4,
        Administration = 5,
    }
}

table! {
    /// The number of a reason to withhold.
    of_withheld, withheld: WithheldReason { AreaNotCovered = 1, SensitiveFromTwelve = 2 }
}

table! {
    /// The number of a reason to deny.
    of_denied, denied: DenyReason {
        AssuranceTooLow = 1,
        NotOneself = 2,
        RepresentsOneself = 3,
        ChildBirthDateMissing = 4,
        ChildNotUnder16 = 5,
        RepresentationNotYetValid = 6,
        RepresentationExpired = 7,
        RepresentationCoversNothing = 8,
        RepresentationNotForPurpose = 9,
        HoldsNoIdentities = 10,
        SettingsUnreadable = 11,
        SettingsStale = 12,
        SettingUndefined = 13,
        NoConsent = 14,
        ConsentEnded = 15,
        Reserved = 16,
        Blocked = 17,
    }
}

/// The numbers of a decision and of its reason, which is zero where there is none.
pub(super) const fn of_decision(decision: UseDecision) -> (u8, u8) {
    match decision {
        UseDecision::Answered => (1, 0),
        UseDecision::Withheld(reason) => (2, of_withheld(reason)),
        UseDecision::Denied(reason) => (3, of_denied(reason)),
        UseDecision::OverCap => (4, 0),
        UseDecision::SourceUnavailable => (5, 0),
    }
}

/// The inverse; `None` for numbers without a meaning.
pub(super) fn decision(decision: u8, reason: u8) -> Option<UseDecision> {
    match (decision, reason) {
        (1, 0) => Some(UseDecision::Answered),
        (2, reason) => withheld(reason).map(UseDecision::Withheld),
        (3, reason) => denied(reason).map(UseDecision::Denied),
        (4, 0) => Some(UseDecision::OverCap),
        (5, 0) => Some(UseDecision::SourceUnavailable),
        _ => None,
    }
}
