//! Who may change settings: valid, expired, revoked, wrong area, wrong person.

use jiff::civil::date;

use super::*;
use crate::caller::{Area, Assurance, Caller, Organisation};
use crate::person::NumberRules;
use crate::purpose::Purpose;
use crate::register::{RegisterId, RegisterKind};

/// Invented people.
const KARI: &str = "01817010055";
const OLA: &str = "01891877885";
const PER: &str = "02817010094";

fn person(digits: &str) -> NationalId {
    NationalId::parse(digits, NumberRules::default()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::start_of_day_in_norway(date(2027, 1, 15)).unwrap()
}

fn register(is_sensitive: bool) -> Register {
    Register {
        id: RegisterId::parse("hunt").unwrap(),
        kind: RegisterKind::Survey,
        legal_basis: LegalBasis::Consent,
        membership_is_sensitive: is_sensitive,
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

/// From `from` until `until` days from now.
fn validity(from: i64, until: i64) -> Validity {
    let days = |days: i64| Timestamp::from_seconds(now().as_seconds() + days * 86_400);
    Validity {
        from: days(from),
        until: days(until),
    }
}

/// That Kari lets Ola act for her.
fn mandate(kind: MandateKind) -> Mandate {
    Mandate {
        kind,
        giver: person(KARI),
        holder: person(OLA),
        areas: [Area::AllInsight, Area::Settings].into_iter().collect(),
        validity: validity(-10, 10),
        is_revoked: false,
    }
}

type Changed = fn(&mut Mandate);

fn not_covered() -> NotConducted {
    NotConducted::Withheld(WithheldReason::AreaNotCovered)
}

#[test]
fn the_matrix_of_mandates_for_settings() {
    use DenyReason as D;

    let rows: Vec<(&str, Changed, Result<(), NotConducted>)> = vec![
        ("valid", |_| {}, Ok(())),
        (
            "valid here alone",
            |it| {
                let here = Area::Register(RegisterId::parse("hunt").unwrap());
                it.areas = [here, Area::Settings].into_iter().collect();
            },
            Ok(()),
        ),
        (
            "expired",
            |it| it.validity = validity(-10, 0),
            Err(D::RepresentationExpired.into()),
        ),
        (
            "not yet valid",
            |it| it.validity = validity(1, 10),
            Err(D::RepresentationNotYetValid.into()),
        ),
        (
            "revoked",
            |it| it.is_revoked = true,
            Err(D::RepresentationRevoked.into()),
        ),
        (
            "to look alone",
            |it| it.areas = [Area::AllInsight].into_iter().collect(),
            Err(not_covered()),
        ),
        (
            "for dialogs",
            |it| it.areas = [Area::AllInsight, Area::Dialogs].into_iter().collect(),
            Err(not_covered()),
        ),
        (
            "elsewhere",
            |it| {
                let elsewhere = Area::Register(RegisterId::parse("kreft").unwrap());
                it.areas = [elsewhere, Area::Settings].into_iter().collect();
            },
            Err(not_covered()),
        ),
        (
            "settings without insight",
            |it| it.areas = [Area::Settings].into_iter().collect(),
            Err(D::RepresentationCoversNothing.into()),
        ),
        (
            "another giver",
            |it| it.giver = person(PER),
            Err(D::RepresentationOfOthers.into()),
        ),
        (
            "another holder",
            |it| it.holder = person(PER),
            Err(D::RepresentationOfOthers.into()),
        ),
        (
            "the other way round",
            |it| std::mem::swap(&mut it.giver, &mut it.holder),
            Err(D::RepresentationOfOthers.into()),
        ),
    ];
    for kind in [MandateKind::Guardian, MandateKind::PowerOfAttorney] {
        for (what, change, expected) in &rows {
            let mut mandate = mandate(kind);
            change(&mut mandate);
            let representation = mandate.representation(kind, &person(KARI), &person(OLA));
            let may = representation
                .map_err(NotConducted::from)
                .and_then(|representation| {
                    let request = asks(OLA, KARI, representation);
                    may_change_settings(&request, &register(false), now())
                });
            assert_eq!(may, *expected, "{kind:?}, {what}");
        }
    }
}

#[test]
fn a_power_of_attorney_is_no_guardianship() {
    let mandate = mandate(MandateKind::PowerOfAttorney);
    assert_eq!(
        mandate.representation(MandateKind::Guardian, &person(KARI), &person(OLA)),
        Err(DenyReason::RepresentationUnproven)
    );
}

#[test]
fn a_parent_acts_until_sixteen_and_for_sensitive_registers_until_twelve() {
    let parent = |born| Representation::Parent {
        child_born: Some(born),
    };
    let rows = [
        (date(2020, 1, 1), false, Ok(())),
        (date(2020, 1, 1), true, Ok(())),
        (date(2014, 1, 1), false, Ok(())),
        (
            date(2014, 1, 1),
            true,
            Err(NotConducted::Withheld(WithheldReason::SensitiveFromTwelve)),
        ),
        (
            date(2010, 1, 1),
            false,
            Err(DenyReason::ChildNotUnder16.into()),
        ),
    ];
    for (born, is_sensitive, expected) in rows {
        let request = asks(OLA, KARI, parent(born));
        let may = may_change_settings(&request, &register(is_sensitive), now());
        assert_eq!(may, expected, "{born}, {is_sensitive}");
    }
    let unknown = Representation::Parent { child_born: None };
    assert_eq!(
        may_change_settings(&asks(OLA, KARI, unknown), &register(false), now()),
        Err(DenyReason::ChildBirthDateMissing.into())
    );
}

#[test]
fn one_changes_ones_own_and_nobody_elses_without_a_right() {
    let register = register(true);
    let own = asks(KARI, KARI, Representation::Own);
    assert_eq!(may_change_settings(&own, &register, now()), Ok(()));
    let other = asks(OLA, KARI, Representation::Own);
    assert_eq!(
        may_change_settings(&other, &register, now()),
        Err(DenyReason::NotOneself.into())
    );
}
