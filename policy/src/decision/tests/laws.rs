//! What holds of every decision, whatever the question.

use proptest::prelude::*;

use super::*;
use crate::decision::{represents, withheld};

proptest! {
    /// Withheld says who asks about whom. Another subject, or settings of any kind, change nothing,
    /// so that the outcome is the same for those who are in the register and those who are not.
    #[test]
    fn promise_1_withheld_says_nothing_about_the_person(
        request in requests(),
        register in registers(),
        settings in any_settings(),
        now in times(),
    ) {
        prop_assume!(request.purpose == Purpose::OwnInsight);
        prop_assume!(request.caller.person != request.subject);
        let bare = verdict(&request, &register, now);
        let set = Verdict::from(&decide(&request, &register, settings.as_settings(), now));
        prop_assert_eq!(bare, set);
        for other in [KARI, OLA, NILS].map(person) {
            let about_other = Request { subject: other, ..request.clone() };
            if about_other.caller.person != other {
                prop_assert_eq!(bare, verdict(&about_other, &register, now));
            }
        }
        if let Verdict::Withhold(reason) = bare {
            prop_assert_eq!(withheld(&request.representation, &register, now), Some(reason));
        }
    }

    /// Every decision that lets somebody look is about the very question that was asked.
    #[test]
    fn a_clearance_never_widens_what_was_asked(
        request in requests(),
        register in registers(),
        settings in any_settings(),
        now in times(),
    ) {
        match decide(&request, &register, settings.as_settings(), now) {
            Decision::Allow(clearance) | Decision::Withhold(clearance, _) => {
                prop_assert_eq!(clearance.subject(), &request.subject);
                prop_assert_eq!(clearance.purpose(), request.purpose);
                prop_assert!(clearance.holds_at(now) || now == Timestamp::from_micros(i64::MAX));
                prop_assert_eq!(represents(&request, now), Ok(()));
                prop_assert_ne!(register.legal_basis, LegalBasis::Deidentified);
            }
            Decision::Deny(_) => {}
        }
    }

    /// A gateway and an agent come to the same end: what the gateway refuses whole, no agent
    /// lets through.
    #[test]
    fn what_a_gateway_refuses_no_register_allows(
        request in requests(),
        register in registers(),
        now in times(),
    ) {
        if represents(&request, now).is_err() {
            prop_assert!(matches!(verdict(&request, &register, now), Verdict::Deny(_)));
        }
    }

    /// A no that is added to the settings never turns a no into a yes.
    #[test]
    fn promise_5_another_block_or_reservation_never_allows_more(
        register in registers(),
        settings in prop::collection::vec(any_setting(), 0..4),
        mut no in any_setting(),
        purpose in purposes(),
        now in times(),
    ) {
        if no.kind == SettingKind::Consent {
            no.kind = SettingKind::Reservation;
        }
        let request = oneself(KARI, purpose);
        let before = decide(&request, &register, Settings::Known(&settings), now);
        let with_no = [settings, vec![no]].concat();
        let after = decide(&request, &register, Settings::Known(&with_no), now);
        if matches!(before, Decision::Deny(_)) {
            prop_assert!(matches!(after, Decision::Deny(_)));
        }
    }
}

/// Settings as a strategy can hold them.
#[derive(Debug, Clone)]
enum AnySettings {
    Known(Vec<Setting>),
    Unreadable,
    Stale,
    Undefined,
}

impl AnySettings {
    fn as_settings(&self) -> Settings<'_> {
        match self {
            Self::Known(settings) => Settings::Known(settings),
            Self::Unreadable => Settings::Unreadable,
            Self::Stale => Settings::Stale,
            Self::Undefined => Settings::Undefined,
        }
    }
}

fn any_settings() -> impl Strategy<Value = AnySettings> {
    prop_oneof![
        4 => prop::collection::vec(any_setting(), 0..4).prop_map(AnySettings::Known),
        1 => Just(AnySettings::Unreadable),
        1 => Just(AnySettings::Stale),
        1 => Just(AnySettings::Undefined),
    ]
}

fn any_setting() -> impl Strategy<Value = Setting> {
    (
        prop::sample::select(&SettingKind::ALL),
        any_covers(),
        times(),
        prop::option::of(times()),
    )
        .prop_map(|(kind, covers, from, until)| Setting {
            kind,
            covers,
            from,
            until,
        })
}

fn any_covers() -> impl Strategy<Value = Covers> {
    prop_oneof![
        purposes().prop_map(Covers::purpose),
        Just(Covers::secondary_use()),
        (
            prop::collection::vec(purposes(), 0..3),
            prop::collection::vec(prop::sample::select(&Identifiability::ALL), 0..3),
            super::bulk::variables(),
        )
            .prop_map(|(purposes, identifiability, variables)| {
                Covers::new(purposes, identifiability, variables)
            }),
    ]
}

/// Mostly the years in which children of these tests grow up, and the ends of time.
fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (1_000_000_000_i64..2_000_000_000).prop_map(Timestamp::from_seconds),
        1 => any::<i64>().prop_map(Timestamp::from_micros),
        1 => prop::sample::select(vec![i64::MIN, 0, i64::MAX]).prop_map(Timestamp::from_micros),
    ]
}

fn birth_dates() -> impl Strategy<Value = Date> {
    prop_oneof![
        8 => (1990_i16..2040, 1_i8..=12, 1_i8..=28)
            .prop_map(|(year, month, day)| jiff::civil::date(year, month, day)),
        1 => prop::sample::select(vec![Date::MIN, Date::MAX]),
    ]
}

fn purposes() -> impl Strategy<Value = Purpose> {
    prop::sample::select(vec![
        Purpose::OwnInsight,
        Purpose::Treatment,
        Purpose::QualityImprovement,
        Purpose::Research,
        Purpose::Administration,
    ])
}

fn kinds() -> impl Strategy<Value = RegisterKind> {
    prop::sample::select(vec![
        RegisterKind::Central,
        RegisterKind::Quality,
        RegisterKind::Survey,
        RegisterKind::Biobank,
    ])
}

fn register_ids() -> impl Strategy<Value = RegisterId> {
    prop::sample::select(vec!["hunt", "kreft", "msis"])
        .prop_map(|id| RegisterId::parse(id).unwrap())
}

fn registers() -> impl Strategy<Value = Register> {
    (
        register_ids(),
        kinds(),
        prop::sample::select(BASES.to_vec()),
        any::<bool>(),
    )
        .prop_map(
            |(id, kind, legal_basis, membership_is_sensitive)| Register {
                id,
                kind,
                legal_basis,
                membership_is_sensitive,
            },
        )
}

fn representations() -> impl Strategy<Value = Representation> {
    let area = prop_oneof![
        Just(Area::AllInsight),
        Just(Area::Dialogs),
        Just(Area::Settings),
        kinds().prop_map(Area::Kind),
        register_ids().prop_map(Area::Register),
    ];
    let areas = prop::collection::vec(area, 0..3).prop_map(areas);
    let mandate =
        (areas, times(), times(), any::<bool>()).prop_map(|(areas, from, until, guardian)| {
            let validity = Validity { from, until };
            if guardian {
                Representation::Guardian { areas, validity }
            } else {
                Representation::PowerOfAttorney { areas, validity }
            }
        });
    prop_oneof![
        1 => Just(Representation::Own),
        2 => prop::option::weighted(0.9, birth_dates())
            .prop_map(|child_born| Representation::Parent { child_born }),
        3 => mandate,
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    let people = || prop::sample::select(vec![KARI, OLA, NILS]);
    let purpose = prop_oneof![3 => Just(Purpose::OwnInsight), 1 => purposes()];
    (
        people(),
        people(),
        representations(),
        purpose,
        prop::bool::weighted(0.9),
    )
        .prop_map(|(caller, subject, by, purpose, sure)| {
            let mut request = asks(caller, subject, by, purpose);
            if !sure {
                request.caller.assurance = Assurance::Substantial;
            }
            request
        })
}
