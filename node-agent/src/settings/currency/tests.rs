//! When an agent may rely on what it has.

use std::time::Duration;

use innsyn_policy::Timestamp;
use innsyn_proto::identity::GatewayName;

use super::Currency;

const AGE_MAX: Duration = Duration::from_mins(1);

fn gateway(name: &str) -> GatewayName {
    name.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

#[test]
fn promise_5_what_is_not_known_to_be_current_is_not_relied_on() {
    let ours = gateway("helsenorge");
    let currency = Currency::new(AGE_MAX, [ours.clone()]);
    assert!(!currency.is_current(at(0)), "nothing was heard yet");

    currency.heard(&ours, 0, at(10));
    assert!(currency.is_current(at(70)) && !currency.is_current(at(71)));

    // A gap: heartbeats go on, and the age grows all the same.
    currency.heard(&ours, 2, at(20));
    currency.heard(&ours, 2, at(60));
    assert!(currency.is_current(at(70)) && !currency.is_current(at(71)));
    currency.applied(&ours, 1);
    currency.heard(&ours, 2, at(80));
    assert!(!currency.is_current(at(80)), "one is still missing");
    currency.applied(&ours, 2);
    assert!(
        !currency.is_current(at(80)),
        "until the gateway says that this was the last"
    );
    currency.heard(&ours, 2, at(81));
    assert!(currency.is_current(at(141)) && !currency.is_current(at(142)));

    // A gateway that has forgotten what it sent.
    currency.heard(&ours, 1, at(140));
    assert!(!currency.is_current(at(142)));
    // An older number applied again takes nothing back.
    currency.applied(&ours, 1);
    assert_eq!(currency.standing(&ours).unwrap().applied, 2);
}

#[test]
fn promise_5_every_gateway_must_be_heard() {
    let (one, other) = (gateway("helsenorge"), gateway("nhn"));
    let currency = Currency::new(AGE_MAX, [one.clone(), other.clone()]);
    currency.heard(&one, 0, at(10));
    assert!(!currency.is_current(at(10)));
    currency.heard(&other, 0, at(30));
    assert!(currency.is_current(at(70)) && !currency.is_current(at(71)));
    // Somebody who sends no settings is no gateway of ours.
    currency.heard(&gateway("research"), 0, at(70));
    assert!(!currency.is_current(at(71)));
    assert!(Currency::new(AGE_MAX, []).is_current(at(i64::MAX / 2_000_000)));
}
