//! To what purpose and time a setting is bound.

use super::{Covers, Identifiability, Setting, SettingKind, Use, VariableName, Variables};
use crate::purpose::Purpose;
use crate::time::Timestamp;

mod definitions;

const PURPOSES: [Purpose; 5] = [
    Purpose::OwnInsight,
    Purpose::Treatment,
    Purpose::QualityImprovement,
    Purpose::Research,
    Purpose::Administration,
];

#[test]
fn a_setting_without_a_purpose_speaks_of_secondary_use_only() {
    let spoken_of = PURPOSES.map(|purpose| setting(None).speaks_of(&counting(purpose)));
    assert_eq!(spoken_of, [false, false, true, true, true]);
}

#[test]
fn a_setting_with_a_purpose_speaks_of_no_other() {
    for bound in PURPOSES {
        for purpose in PURPOSES {
            assert_eq!(
                setting(Some(bound)).speaks_of(&counting(purpose)),
                bound == purpose
            );
        }
    }
}

#[test]
fn a_setting_holds_from_its_first_moment_until_its_end() {
    let research = setting(Some(Purpose::Research));
    let ended = Setting {
        until: Some(Timestamp::from_seconds(200)),
        ..research.clone()
    };
    for (seconds, holds, holds_with_end) in [
        (99, false, false),
        (100, true, true),
        (199, true, true),
        (200, true, false),
        (i64::MAX, true, false),
    ] {
        let now = Timestamp::from_seconds(seconds);
        assert_eq!(
            research.applies(&counting(Purpose::Research), now),
            holds,
            "{seconds}"
        );
        assert_eq!(
            ended.applies(&counting(Purpose::Research), now),
            holds_with_end,
            "{seconds}"
        );
    }
}

fn setting(purpose: Option<Purpose>) -> Setting {
    Setting {
        kind: SettingKind::Consent,
        covers: purpose.map_or_else(Covers::secondary_use, Covers::purpose),
        from: Timestamp::from_seconds(100),
        until: None,
    }
}

fn counting(purpose: Purpose) -> Use {
    Use::of_all(purpose, Identifiability::Aggregate)
}

fn only(names: &[&str]) -> Variables {
    let names = names.iter().map(|name| VariableName::parse(name).unwrap());
    Variables::Only(std::sync::Arc::new(names.collect()))
}

#[test]
fn a_no_stops_whatever_it_touches_and_a_yes_opens_what_it_covers_whole() {
    let stays = only(&["stays"]);
    let diagnosis = only(&["stays.diagnosis"]);
    let two = only(&["stays.diagnosis", "births.weight"]);
    let other = only(&["stay.diagnosis", "stays_2"]);
    // What is covered, what is used: touched, covered.
    for (covered, used, touched, whole) in [
        (&Variables::All, &Variables::All, true, true),
        (&Variables::All, &diagnosis, true, true),
        (&diagnosis, &Variables::All, true, false),
        (&stays, &diagnosis, true, true),
        (&diagnosis, &stays, true, false),
        (&diagnosis, &two, true, false),
        (&two, &diagnosis, true, true),
        (&stays, &other, false, false),
        (&only(&[]), &diagnosis, false, false),
        (&only(&[]), &Variables::All, false, false),
    ] {
        let of = Use {
            variables: used.clone(),
            ..counting(Purpose::Research)
        };
        let covers = Covers::new(
            [Purpose::Research],
            [Identifiability::Aggregate],
            covered.clone(),
        );
        assert_eq!(covers.touch(&of), touched, "{covered:?} touches {used:?}");
        assert_eq!(covers.cover(&of), whole, "{covered:?} covers {used:?}");
        let setting = |kind| Setting {
            kind,
            covers: covers.clone(),
            ..setting(None)
        };
        assert_eq!(setting(SettingKind::Block).speaks_of(&of), touched);
        assert_eq!(setting(SettingKind::Reservation).speaks_of(&of), touched);
        assert_eq!(setting(SettingKind::Consent).speaks_of(&of), whole);
    }
}

#[test]
fn neither_yes_nor_no_reaches_beyond_its_purposes_and_identifiability() {
    for purpose in Purpose::ALL {
        for identifiability in Identifiability::ALL {
            let of = Use::of_all(purpose, identifiability);
            for (bound_to, points) in [
                (Purpose::Research, Identifiability::Aggregate),
                (Purpose::Treatment, Identifiability::Identified),
            ] {
                let covers = Covers::new([bound_to], [points], Variables::All);
                let same = bound_to == purpose && points == identifiability;
                assert_eq!((covers.touch(&of), covers.cover(&of)), (same, same));
            }
        }
    }
}

#[test]
fn names_of_variables_are_read_strictly() {
    for good in ["stays", "stays.diagnosis", "a.b_2"] {
        assert_eq!(VariableName::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", ".", "stays.", ".x", "a.b.c", "Stays", "a b", "å"] {
        assert!(VariableName::parse(bad).is_err(), "{bad}");
    }
}
