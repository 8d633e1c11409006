//! When a change has come as far as it will.

use super::*;

/// In effect at `effective_at` of two registers, of which the second did not answer for `reason`.
fn followed(effective_at: u32, reason: Reason) -> Followed {
    let answered = SettingsAtRegister {
        register_id: "kreft".to_owned(),
        answered: true,
        is_current: true,
        reason: Reason::Unspecified.into(),
    };
    let other = SettingsAtRegister {
        register_id: "npr".to_owned(),
        answered: reason == Reason::Unspecified,
        is_current: false,
        reason: reason.into(),
    };
    Followed {
        standing: StandingSetting {
            sequence: 7,
            effective_at,
            registers: 2,
            ..StandingSetting::default()
        },
        listed: ListSettingsResponse {
            settings: Vec::new(),
            registers: vec![answered, other],
        },
    }
}

#[test]
fn a_register_that_is_down_is_not_waited_for_and_one_that_is_busy_is() {
    assert!(followed(2, Reason::Unspecified).is_everywhere());
    assert!(!followed(1, Reason::Unspecified).is_everywhere());
    assert!(followed(1, Reason::Down).is_everywhere());
    assert!(followed(1, Reason::RelayDown).is_everywhere());
    assert!(!followed(1, Reason::Timeout).is_everywhere());
    assert!(!followed(1, Reason::Unresponsive).is_everywhere());
}

#[test]
fn what_nobody_has_yet_is_nowhere() {
    assert!(!Followed::default().is_everywhere());
}
