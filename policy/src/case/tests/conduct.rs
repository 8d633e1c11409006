//! Representation in dialogs: valid, expired, revoked, wrong area, wrong person.

use jiff::civil::date;

use super::super::{CaseKind, Conduct, NotConducted, Party, may_conduct};
use crate::caller::{Area, Areas, Assurance, Caller, Organisation, Representation, Validity};
use crate::decision::{DenyReason, Request};
use crate::outcome::WithheldReason;
use crate::person::{NationalId, NumberRules};
use crate::purpose::Purpose;
use crate::register::{LegalBasis, Register, RegisterId, RegisterKind};
use crate::time::Timestamp;

/// Invented people.
const KARI: &str = "01817010055";
const OLA: &str = "01891877885";

fn person(digits: &str) -> NationalId {
    NationalId::parse(digits, NumberRules::default()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::start_of_day_in_norway(date(2027, 1, 15)).unwrap()
}

fn hunt() -> Register {
    Register {
        id: RegisterId::parse("hunt").unwrap(),
        kind: RegisterKind::Survey,
        legal_basis: LegalBasis::Consent,
        membership_is_sensitive: false,
    }
}

fn asks(caller: &str, subject: &str, representation: Representation) -> Request {
    Request {
        subject: person(subject),
        caller: Caller {
            person: person(caller),
            organisation: Organisation::parse("983658725").unwrap(),
            assurance: Assurance::High,
        },
        representation,
        purpose: Purpose::OwnInsight,
    }
}

fn areas(areas: impl IntoIterator<Item = Area>) -> Areas {
    areas.into_iter().collect()
}

/// From `from` until `until` days from now.
fn validity(from: i64, until: i64) -> Validity {
    let days = |days: i64| Timestamp::from_seconds(now().as_seconds() + days * 86_400);
    Validity {
        from: days(from),
        until: days(until),
    }
}

fn both(areas: Areas, validity: Validity) -> [Representation; 2] {
    [
        Representation::Guardian {
            areas: areas.clone(),
            validity,
        },
        Representation::PowerOfAttorney { areas, validity },
    ]
}

type Allowed = Result<Party, NotConducted>;

/// To read, to ask for insight, to have corrected.
const ACTS: [Conduct; 3] = [
    Conduct::Read,
    Conduct::Act(CaseKind::Insight),
    Conduct::Act(CaseKind::Correction),
];

#[test]
fn the_matrix_of_mandates_valid_expired_revoked_wrong_area_wrong_person() {
    use DenyReason as D;
    let yes = Ok(Party::Representative);
    let not_covered: Allowed = Err(NotConducted::Withheld(WithheldReason::AreaNotCovered));
    let no = |reason: D| -> Allowed { Err(reason.into()) };
    let here = || Area::Register(RegisterId::parse("hunt").unwrap());
    let elsewhere = || Area::Register(RegisterId::parse("kreft").unwrap());
    let valid = validity(-10, 10);
    let rows: Vec<(&str, Areas, Validity, [Allowed; 3])> = vec![
        (
            "insight",
            areas([Area::AllInsight]),
            valid,
            [yes, yes, not_covered],
        ),
        (
            "insight and dialogs",
            areas([Area::AllInsight, Area::Dialogs]),
            valid,
            [yes, yes, yes],
        ),
        (
            "this register",
            areas([here(), Area::Dialogs]),
            valid,
            [yes, yes, yes],
        ),
        (
            "this kind",
            areas([Area::Kind(RegisterKind::Survey)]),
            valid,
            [yes, yes, not_covered],
        ),
        (
            "wrong area",
            areas([elsewhere(), Area::Dialogs]),
            valid,
            [not_covered; 3],
        ),
        (
            "another kind",
            areas([Area::Kind(RegisterKind::Biobank), Area::Dialogs]),
            valid,
            [not_covered; 3],
        ),
        (
            "dialogs alone",
            areas([Area::Dialogs]),
            valid,
            [no(D::RepresentationCoversNothing); 3],
        ),
        (
            "no area that is known",
            areas([]),
            valid,
            [no(D::RepresentationCoversNothing); 3],
        ),
        (
            "not valid yet",
            areas([Area::AllInsight, Area::Dialogs]),
            validity(1, 10),
            [no(D::RepresentationNotYetValid); 3],
        ),
        (
            "expired",
            areas([Area::AllInsight, Area::Dialogs]),
            validity(-10, 0),
            [no(D::RepresentationExpired); 3],
        ),
        (
            // Who revokes ends it on the spot.
            "revoked",
            areas([Area::AllInsight, Area::Dialogs]),
            validity(-10, -1),
            [no(D::RepresentationExpired); 3],
        ),
    ];
    for (name, areas, validity, expected) in rows {
        for by in both(areas, validity) {
            let got =
                ACTS.map(|act| may_conduct(&asks(KARI, OLA, by.clone()), &hunt(), act, now()));
            assert_eq!(got, expected, "{name}: {by:?}");
            // Of themself nobody is a representative, whatever the mandate says.
            let own = ACTS.map(|act| may_conduct(&asks(OLA, OLA, by.clone()), &hunt(), act, now()));
            assert_eq!(own, [no(D::RepresentsOneself); 3], "{name}");
        }
    }
}

#[test]
fn without_a_mandate_only_oneself() {
    for act in ACTS {
        let own = asks(KARI, KARI, Representation::Own);
        assert_eq!(may_conduct(&own, &hunt(), act, now()), Ok(Party::Person));
        let other = asks(KARI, OLA, Representation::Own);
        let denied = may_conduct(&other, &hunt(), act, now());
        assert_eq!(denied, Err(DenyReason::NotOneself.into()));
        let mut low = own;
        low.caller.assurance = Assurance::Substantial;
        let denied = may_conduct(&low, &hunt(), act, now());
        assert_eq!(denied, Err(DenyReason::AssuranceTooLow.into()));
    }
}

#[test]
fn a_parent_acts_for_a_child_until_twelve_where_it_is_sensitive_and_until_sixteen_elsewhere() {
    let sensitive = Register {
        membership_is_sensitive: true,
        ..hunt()
    };
    let twelve = Err(NotConducted::Withheld(WithheldReason::SensitiveFromTwelve));
    let sixteen = Err(DenyReason::ChildNotUnder16.into());
    let yes = Ok(Party::Representative);
    for (born, at_hunt, at_sensitive) in [
        (date(2020, 1, 1), yes, yes),
        (date(2015, 1, 16), yes, yes),
        (date(2015, 1, 15), yes, twelve),
        (date(2011, 1, 16), yes, twelve),
        (date(2011, 1, 15), sixteen, sixteen),
    ] {
        let by = Representation::Parent {
            child_born: Some(born),
        };
        for act in ACTS {
            let request = asks(KARI, OLA, by.clone());
            assert_eq!(
                may_conduct(&request, &hunt(), act, now()),
                at_hunt,
                "{born}"
            );
            let there = may_conduct(&request, &sensitive, act, now());
            assert_eq!(there, at_sensitive, "{born}");
        }
    }
}

#[test]
fn a_register_without_identities_has_no_dialogs_and_other_purposes_none_either() {
    let nameless = Register {
        legal_basis: LegalBasis::Deidentified,
        ..hunt()
    };
    let mut own = asks(KARI, KARI, Representation::Own);
    let denied = may_conduct(&own, &nameless, Conduct::Read, now());
    assert_eq!(denied, Err(DenyReason::HoldsNoIdentities.into()));
    own.purpose = Purpose::Research;
    assert!(may_conduct(&own, &hunt(), Conduct::Read, now()).is_err());
}
