//! The numbers that stand for kinds, purposes and decisions in an entry.
//!
//! They are for ever: a number is never given another meaning, and zero never has one except as
//! "no reason". Adding a variant in `policy` does not compile until it has its number here.

use innsyn_policy::{
    DenyReason, NotCountedReason, OutsidePermit, Purpose, UseDecision, UseKind, WithheldReason,
};

/// Both directions of one table: a match that the compiler checks for completeness, and its
/// inverse by search.
macro_rules! table {
    ($(#[$doc:meta])* $to:ident, $from:ident: $type:ident { $($variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        pub const fn $to(value: $type) -> u8 {
            match value { $($type::$variant => $code),+ }
        }

        /// The inverse; `None` for a number without a meaning.
        pub const fn $from(code: u8) -> Option<$type> {
            match code { $($code => Some($type::$variant),)+ _ => None }
        }
    };
}

table! {
    /// The number of a kind of use.
    of_kind, kind: UseKind {
        Listing = 1,
        Query = 2,
        LogReading = 3,
        SettingChange = 4,
        Dialog = 5,
        Insight = 6,
    }
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
        RepresentationUnproven = 18,
        RepresentationRevoked = 19,
        RepresentationOfOthers = 20,
    }
}

table! {
    /// The number of the field of a data permit that a query is outside.
    of_outside, outside: OutsidePermit {
        Validity = 1,
        People = 2,
        Organisation = 3,
        Purpose = 4,
        LegalBasis = 5,
        Registers = 6,
        Variables = 7,
        BornYears = 8,
        Months = 9,
        OwnUnit = 10,
        Kinds = 11,
        SmallestCell = 12,
        RoundingBase = 13,
        Budget = 14,
    }
}

table! {
    /// The number of a reason to count nobody.
    of_not_counted, not_counted: NotCountedReason {
        Query = 1,
        Permit = 2,
        Steward = 3,
        Stopped = 4,
        TooLarge = 5,
        Cancelled = 6,
        SettingsChanged = 7,
    }
}

/// The numbers of a decision and of its reason, which is zero where there is none.
pub const fn of_decision(decision: UseDecision) -> (u8, u8) {
    match decision {
        UseDecision::Answered => (1, 0),
        UseDecision::Withheld(reason) => (2, of_withheld(reason)),
        UseDecision::Denied(reason) => (3, of_denied(reason)),
        UseDecision::OverCap => (4, 0),
        UseDecision::SourceUnavailable => (5, 0),
        UseDecision::OutsidePermit(field) => (6, of_outside(field)),
        UseDecision::NotCounted(reason) => (7, of_not_counted(reason)),
    }
}

/// The inverse; `None` for numbers without a meaning.
pub fn decision(decision: u8, reason: u8) -> Option<UseDecision> {
    match (decision, reason) {
        (1, 0) => Some(UseDecision::Answered),
        (2, reason) => withheld(reason).map(UseDecision::Withheld),
        (3, reason) => denied(reason).map(UseDecision::Denied),
        (4, 0) => Some(UseDecision::OverCap),
        (5, 0) => Some(UseDecision::SourceUnavailable),
        (6, field) => outside(field).map(UseDecision::OutsidePermit),
        (7, reason) => not_counted(reason).map(UseDecision::NotCounted),
        _ => None,
    }
}
