//! What settings and legal basis say about use beyond the person's own insight.

use super::*;
use crate::decision::{may_be_counted, secondary_use};
use Purpose::{Administration, OwnInsight, QualityImprovement, Research, Treatment};
use SettingKind::{Block, Consent, Reservation};
use Verdict::{Allow, Deny};

const SECONDARY: [Purpose; 3] = [QualityImprovement, Research, Administration];

const YESTERDAY: &str = "2026-03-09T12:00:00Z";
const TOMORROW: &str = "2026-03-11T12:00:00Z";

/// A setting from some time on, and until it is [`Setting::ended`].
fn setting(kind: SettingKind, purpose: impl Into<Option<Purpose>>, from: &str) -> Setting {
    Setting {
        kind,
        covers: purpose
            .into()
            .map_or_else(Covers::secondary_use, Covers::purpose),
        from: at(from),
        until: None,
    }
}

/// Statistics of whatever a register has.
fn counting(purpose: Purpose) -> Use {
    Use::of_all(purpose, Identifiability::Aggregate)
}

impl Setting {
    fn ended(self, until: &str) -> Self {
        let until = Some(at(until));
        Self { until, ..self }
    }
}

/// Asks for research at a register of every legal basis, in the order of `BASES`.
fn research(settings: Settings<'_>) -> [Verdict; 6] {
    let request = oneself(KARI, Research);
    BASES.map(|basis| Verdict::from(&decide(&request, &register(basis), settings, now())))
}

#[test]
fn promise_5_no_setting_recorded_means_what_the_legal_basis_says() {
    for purpose in SECONDARY {
        let allowed = BASES
            .map(|basis| secondary_use(&counting(purpose), basis, Settings::Known(&[]), now()));
        let consent = Err(DenyReason::NoConsent);
        assert_eq!(allowed, [Ok(()), Ok(()), Ok(()), consent, Ok(()), Ok(())]);
    }
}

#[test]
fn promise_5_what_is_unreadable_stale_or_undefined_means_no() {
    for (settings, reason) in [
        (Settings::Unreadable, DenyReason::SettingsUnreadable),
        (Settings::Stale, DenyReason::SettingsStale),
        (Settings::Undefined, DenyReason::SettingUndefined),
    ] {
        for basis in BASES {
            for purpose in SECONDARY {
                assert_eq!(
                    secondary_use(&counting(purpose), basis, settings, now()),
                    Err(reason)
                );
            }
        }
        let [identified @ .., deidentified] = research(settings);
        assert_eq!(identified, [Deny(reason); 5]);
        assert_eq!(deidentified, Deny(DenyReason::HoldsNoIdentities));
    }
}

/// One row: what is special about it, the settings, the verdict on research where consent is
/// needed, and where it is not.
#[rustfmt::skip]
fn settings() -> Vec<(&'static str, Vec<Setting>, Verdict, Verdict)> {
    let (none, ended) = (Deny(DenyReason::NoConsent), Deny(DenyReason::ConsentEnded));
    let (reserved, blocked) = (Deny(DenyReason::Reserved), Deny(DenyReason::Blocked));
    let consent = setting(Consent, Research, YESTERDAY);
    let consent_now = setting(Consent, Research, NOON);
    let consent_to_all = setting(Consent, None, YESTERDAY);
    let consent_to_other = setting(Consent, QualityImprovement, YESTERDAY);
    let reservation = setting(Reservation, Research, YESTERDAY);
    let reservation_of_all = setting(Reservation, None, YESTERDAY);
    let reservation_of_other = setting(Reservation, QualityImprovement, YESTERDAY);
    let block = setting(Block, Research, YESTERDAY);
    let block_of_all = setting(Block, None, YESTERDAY);
    vec![
        ("consent", vec![consent.clone()], Allow, Allow),
        ("consent to any secondary use", vec![consent_to_all.clone()], Allow, Allow),
        ("consent from this moment", vec![consent_now.clone()], Allow, Allow),
        ("consent from tomorrow", vec![setting(Consent, Research, TOMORROW)], none, Allow),
        ("consent until tomorrow", vec![consent.clone().ended(TOMORROW)], Allow, Allow),
        ("consent until this moment", vec![consent.clone().ended(NOON)], ended, Allow),
        ("consent to something else", vec![consent_to_other.clone()], none, Allow),
        ("consent to something else, ended", vec![consent_to_other.ended(NOON)], none, Allow),
        ("consent withdrawn, given again", vec![consent.clone().ended(NOON), consent_now], Allow, Allow),
        ("reservation", vec![reservation.clone()], reserved, reserved),
        ("reservation against all", vec![reservation_of_all.clone()], reserved, reserved),
        ("reservation despite consent", vec![consent, reservation], reserved, reserved),
        ("reservation lifted", vec![reservation_of_all.clone().ended(NOON)], none, Allow),
        ("reservation from tomorrow", vec![setting(Reservation, None, TOMORROW)], none, Allow),
        ("reservation against something else", vec![reservation_of_other], none, Allow),
        ("block", vec![block], blocked, blocked),
        ("block despite consent", vec![consent_to_all.clone(), block_of_all.clone()], blocked, blocked),
        ("block and reservation", vec![reservation_of_all, block_of_all.clone()], blocked, blocked),
        ("block lifted", vec![block_of_all.ended(NOON), consent_to_all], Allow, Allow),
        ("block of own insight", vec![setting(Block, OwnInsight, YESTERDAY)], none, Allow),
    ]
}

#[test]
fn promise_5_a_setting_decides_for_its_purpose_and_its_time() {
    for (what, settings, with_consent, without) in settings() {
        let verdicts = research(Settings::Known(&settings));
        for (basis, verdict) in BASES.into_iter().zip(verdicts) {
            let expected = match basis {
                LegalBasis::Deidentified => Deny(DenyReason::HoldsNoIdentities),
                LegalBasis::Consent => with_consent,
                _ => without,
            };
            assert_eq!(verdict, expected, "{what}, {basis:?}");
        }
    }
}

#[test]
fn promise_5_who_said_no_is_not_counted_and_who_was_silent_is_as_the_legal_basis_says() {
    for (what, settings, with_consent, without) in settings() {
        for basis in BASES {
            let counted = may_be_counted(
                &counting(Research),
                basis,
                Settings::Known(&settings),
                now(),
            );
            let expected = match basis {
                LegalBasis::Consent => with_consent,
                _ => without,
            };
            assert_eq!(counted, expected == Allow, "{what}, {basis:?}");
        }
    }
    for unreliable in [Settings::Unreadable, Settings::Stale, Settings::Undefined] {
        for (basis, purpose) in BASES.into_iter().zip(SECONDARY.into_iter().cycle()) {
            assert!(!may_be_counted(
                &counting(purpose),
                basis,
                unreliable,
                now()
            ));
        }
    }
}

#[test]
fn nobody_is_counted_for_what_is_for_the_person_alone() {
    for basis in BASES {
        for purpose in [OwnInsight, Treatment] {
            assert!(!may_be_counted(
                &counting(purpose),
                basis,
                Settings::Known(&[]),
                now()
            ));
        }
    }
}

#[test]
fn the_persons_own_settings_never_stand_in_the_way_of_their_own_insight() {
    let everything = [
        setting(Block, None, YESTERDAY),
        setting(Block, OwnInsight, YESTERDAY),
        setting(Reservation, OwnInsight, YESTERDAY),
        setting(Consent, OwnInsight, YESTERDAY).ended(NOON),
    ];
    let own = oneself(KARI, OwnInsight);
    let for_child = parent_of_child_born(jiff::civil::date(2018, 9, 1));
    for settings in [
        Settings::Known(&everything),
        Settings::Unreadable,
        Settings::Stale,
        Settings::Undefined,
    ] {
        for request in [&own, &for_child] {
            let decision = decide(request, &register(LegalBasis::Consent), settings, now());
            assert_eq!(Verdict::from(&decision), Allow, "{settings:?}");
        }
    }
}

#[test]
fn care_heeds_the_block_that_names_it_and_outlives_an_outage_of_settings() {
    let named = [setting(Block, Treatment, YESTERDAY)];
    let lifted = [setting(Block, Treatment, YESTERDAY).ended(NOON)];
    let of_secondary_use = [setting(Block, None, YESTERDAY)];
    let request = oneself(KARI, Treatment);
    for (settings, expected) in [
        (Settings::Known(&named), Deny(DenyReason::Blocked)),
        (Settings::Known(&lifted), Allow),
        (Settings::Known(&of_secondary_use), Allow),
        (Settings::Known(&[]), Allow),
        (Settings::Unreadable, Allow),
    ] {
        let decision = decide(&request, &register(LegalBasis::Consent), settings, now());
        assert_eq!(Verdict::from(&decision), expected, "{settings:?}");
    }
}
