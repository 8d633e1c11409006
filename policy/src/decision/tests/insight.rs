//! Who gets insight, alone or for somebody else.

use std::time::Duration;

use jiff::civil::date;

use super::Verdict::{Allow, Deny, Withhold};
use super::*;

#[test]
fn everybody_gets_insight_in_their_own_data_and_in_nobody_elses() {
    for basis in BASES {
        let expected = match basis {
            LegalBasis::Deidentified => Deny(DenyReason::HoldsNoIdentities),
            _ => Allow,
        };
        let own = oneself(KARI, Purpose::OwnInsight);
        assert_eq!(
            verdict(&own, &register(basis), now()),
            expected,
            "{basis:?}"
        );
    }
    let anothers = asks(KARI, OLA, Representation::Own, Purpose::OwnInsight);
    let kreft = register(LegalBasis::Mandatory);
    assert_eq!(
        verdict(&anothers, &kreft, now()),
        Deny(DenyReason::NotOneself)
    );
}

#[test]
fn being_in_a_sensitive_register_is_told_to_oneself() {
    let own = oneself(KARI, Purpose::OwnInsight);
    assert_eq!(verdict(&own, &sensitive_register(), now()), Allow);
}

#[test]
fn a_login_of_less_than_the_highest_level_gets_nothing() {
    let child = date(2018, 9, 1);
    for mut request in [
        oneself(KARI, Purpose::OwnInsight),
        parent_of_child_born(child),
    ] {
        request.caller.assurance = Assurance::Substantial;
        assert_eq!(
            verdict(&request, &register(LegalBasis::Mandatory), now()),
            Deny(DenyReason::AssuranceTooLow)
        );
    }
}

/// One row: what is special about it, born, asked at, verdict at a register where membership is
/// not sensitive, and at one where it is.
#[rustfmt::skip]
const PARENTS: &[(&str, Date, &str, Verdict, Verdict)] = &[
    ("child of 7", date(2018, 9, 1), "2026-03-10T12:00:00Z", Allow, Allow),
    ("child of 11", date(2014, 9, 1), "2026-03-10T12:00:00Z", Allow, Allow),
    ("child of 12", date(2013, 9, 1), "2026-03-10T12:00:00Z", Allow, FOR_THE_CHILD),
    ("child of 17", date(2008, 9, 1), "2026-03-10T12:00:00Z", TOO_OLD, TOO_OLD),
    ("last moment of 11, winter", WINTER, "2022-01-14T22:59:59.999999Z", Allow, Allow),
    ("12 at midnight, winter", WINTER, "2022-01-14T23:00:00Z", Allow, FOR_THE_CHILD),
    ("last moment of 11, summer", SUMMER, "2022-07-14T21:59:59.999999Z", Allow, Allow),
    ("12 at midnight, summer", SUMMER, "2022-07-14T22:00:00Z", Allow, FOR_THE_CHILD),
    ("last moment of 15, winter", WINTER, "2026-01-14T22:59:59.999999Z", Allow, FOR_THE_CHILD),
    ("16 at midnight, winter", WINTER, "2026-01-14T23:00:00Z", TOO_OLD, TOO_OLD),
    ("last moment of 15, summer", SUMMER, "2026-07-14T21:59:59.999999Z", Allow, FOR_THE_CHILD),
    ("16 at midnight, summer", SUMMER, "2026-07-14T22:00:00Z", TOO_OLD, TOO_OLD),
    ("the moment of birth", WINTER, "2010-01-14T23:00:00Z", Allow, Allow),
    ("not born yet", WINTER, "2010-01-14T22:59:59.999999Z", TOO_OLD, TOO_OLD),
    ("15, born on a leap day", LEAP_DAY, "2028-02-28T22:59:59.999999Z", Allow, FOR_THE_CHILD),
    ("16, born on a leap day", LEAP_DAY, "2028-02-28T23:00:00Z", TOO_OLD, TOO_OLD),
    ("16 in 2100, no leap year", date(2084, 2, 29), "2100-02-27T23:00:00Z", TOO_OLD, TOO_OLD),
    ("born beyond the calendar", Date::MAX, "2026-03-10T12:00:00Z", TOO_OLD, TOO_OLD),
];
const WINTER: Date = date(2010, 1, 15);
const SUMMER: Date = date(2010, 7, 15);
const LEAP_DAY: Date = date(2012, 2, 29);
const TOO_OLD: Verdict = Deny(DenyReason::ChildNotUnder16);
const FOR_THE_CHILD: Verdict = Withhold(WithheldReason::SensitiveFromTwelve);

#[test]
fn a_parent_asks_until_sixteen_and_about_sensitive_matters_until_twelve() {
    for (what, born, asked_at, ordinary, sensitive) in PARENTS {
        let (request, asked_at) = (parent_of_child_born(*born), at(asked_at));
        let here = |register: &Register| verdict(&request, register, asked_at);
        assert_eq!(here(&register(LegalBasis::Consent)), *ordinary, "{what}");
        assert_eq!(
            here(&sensitive_register()),
            *sensitive,
            "{what}, sensitive register"
        );
    }
}

#[test]
fn a_parent_of_a_child_without_a_birth_date_gets_nothing() {
    let by = Representation::Parent { child_born: None };
    let request = asks(KARI, OLA, by, Purpose::OwnInsight);
    for register in [register(LegalBasis::Mandatory), sensitive_register()] {
        assert_eq!(
            verdict(&request, &register, now()),
            Deny(DenyReason::ChildBirthDateMissing)
        );
    }
}

/// One row: what is special about it, areas, from, until, verdict. The register is the survey
/// `hunt`, asked on 10 March at noon.
#[rustfmt::skip]
fn mandates() -> Vec<(&'static str, Areas, &'static str, &'static str, Verdict)> {
    let named = |id| areas([Area::Register(RegisterId::parse(id).unwrap())]);
    let of_kind = |kind| areas([Area::Kind(kind)]);
    let all = || areas([Area::AllInsight]);
    let elsewhere = Withhold(WithheldReason::AreaNotCovered);
    let too_early = Deny(DenyReason::RepresentationNotYetValid);
    let too_late = Deny(DenyReason::RepresentationExpired);
    vec![
        ("all insight", all(), MARCH, APRIL, Allow),
        ("its kind", of_kind(RegisterKind::Survey), MARCH, APRIL, Allow),
        ("itself", named("hunt"), MARCH, APRIL, Allow),
        ("another kind", of_kind(RegisterKind::Biobank), MARCH, APRIL, elsewhere),
        ("another register", named("kreft"), MARCH, APRIL, elsewhere),
        ("nothing", areas([]), MARCH, APRIL, Deny(DenyReason::RepresentationCoversNothing)),
        ("from this moment", all(), NOON, APRIL, Allow),
        ("from April", all(), APRIL, "2026-05-01T00:00:00Z", too_early),
        ("until this moment", all(), MARCH, NOON, too_late),
        ("expired, and elsewhere", named("kreft"), MARCH, NOON, too_late),
        ("ends before it begins", all(), APRIL, MARCH, too_early),
    ]
}
const MARCH: &str = "2026-03-01T00:00:00Z";
const APRIL: &str = "2026-04-01T00:00:00Z";

#[test]
fn a_mandate_reaches_as_far_as_its_areas_and_its_time() {
    let hunt = register(LegalBasis::Consent);
    for (what, areas, from, until, expected) in mandates() {
        for by in guardian_and_attorney(&areas, valid(from, until)) {
            let request = asks(NILS, KARI, by, Purpose::OwnInsight);
            assert_eq!(verdict(&request, &hunt, now()), expected, "{what}");
        }
    }
}

fn guardian_and_attorney(areas: &Areas, validity: Validity) -> [Representation; 2] {
    let areas = || areas.clone();
    [
        Representation::Guardian {
            areas: areas(),
            validity,
        },
        Representation::PowerOfAttorney {
            areas: areas(),
            validity,
        },
    ]
}

#[test]
fn nobody_represents_themself_and_representation_is_for_insight_only() {
    let hunt = register(LegalBasis::Mandatory);
    let child = parent_of_child_born(date(2018, 9, 1)).representation;
    let mandates = guardian_and_attorney(&areas([Area::AllInsight]), valid(MARCH, APRIL));
    for by in [child].into_iter().chain(mandates) {
        let for_oneself = asks(KARI, KARI, by.clone(), Purpose::OwnInsight);
        assert_eq!(
            verdict(&for_oneself, &hunt, now()),
            Deny(DenyReason::RepresentsOneself)
        );
        for purpose in [
            Purpose::Treatment,
            Purpose::Research,
            Purpose::Administration,
        ] {
            let request = asks(KARI, OLA, by.clone(), purpose);
            assert_eq!(
                verdict(&request, &hunt, now()),
                Deny(DenyReason::RepresentationNotForPurpose)
            );
        }
    }
}

#[test]
fn a_clearance_is_for_this_person_and_purpose_and_for_thirty_seconds() {
    let request = oneself(KARI, Purpose::OwnInsight);
    let decision = decide(
        &request,
        &register(LegalBasis::Mandatory),
        Settings::Stale,
        now(),
    );
    let Decision::Allow(clearance) = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(clearance.subject(), &request.subject);
    assert_eq!(clearance.purpose(), Purpose::OwnInsight);
    assert!(clearance.holds_at(now()));
    assert!(clearance.holds_at(now().plus(Duration::from_micros(29_999_999))));
    assert!(!clearance.holds_at(now().plus(Duration::from_secs(30))));
}

/// The log of use tells the exact reason, the debug output of none tells a person.
#[test]
fn promise_3_no_debug_output_of_a_question_carries_a_person() {
    let request = asks(NILS, KARI, Representation::Own, Purpose::OwnInsight);
    let own = oneself(KARI, Purpose::OwnInsight);
    let decision = decide(
        &own,
        &register(LegalBasis::Mandatory),
        Settings::Known(&[]),
        now(),
    );
    let text = format!("{request:?} {request:#?} {decision:?}");
    for digits in [NILS, KARI] {
        assert!(!text.contains(digits));
    }
    assert!(text.contains("NationalId(***)"));
}
