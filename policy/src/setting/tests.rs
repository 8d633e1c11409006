//! To what purpose and time a setting is bound.

use super::{Setting, SettingKind};
use crate::purpose::Purpose;
use crate::time::Timestamp;

const PURPOSES: [Purpose; 5] = [
    Purpose::OwnInsight,
    Purpose::Treatment,
    Purpose::QualityImprovement,
    Purpose::Research,
    Purpose::Administration,
];

#[test]
fn a_setting_without_a_purpose_speaks_of_secondary_use_only() {
    let spoken_of = PURPOSES.map(|purpose| setting(None).speaks_of(purpose));
    assert_eq!(spoken_of, [false, false, true, true, true]);
}

#[test]
fn a_setting_with_a_purpose_speaks_of_no_other() {
    for bound in PURPOSES {
        for purpose in PURPOSES {
            assert_eq!(setting(Some(bound)).speaks_of(purpose), bound == purpose);
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
        assert_eq!(research.applies(Purpose::Research, now), holds, "{seconds}");
        assert_eq!(
            ended.applies(Purpose::Research, now),
            holds_with_end,
            "{seconds}"
        );
    }
}

fn setting(purpose: Option<Purpose>) -> Setting {
    Setting {
        kind: SettingKind::Consent,
        purpose,
        from: Timestamp::from_seconds(100),
        until: None,
    }
}
