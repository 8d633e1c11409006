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
        currency.is_current(at(140)) && !currency.is_current(at(141)),
        "as of when the gateway said that this was the last"
    );

    // A gateway that has forgotten what it sent; what it said before is in doubt as well.
    currency.heard(&ours, 9, at(100));
    currency.heard(&ours, 1, at(101));
    currency.applied(&ours, 9);
    assert!(!currency.is_current(at(141)));
    // An older number applied again takes nothing back.
    currency.applied(&ours, 1);
    assert_eq!(currency.standing(&ours).unwrap().applied, 9);
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

/// Changes never cease, so that the latest number is never the one that was applied.
#[test]
fn an_agent_to_which_changes_come_all_the_time_is_current() {
    let ours = gateway("helsenorge");
    let currency = Currency::new(AGE_MAX, [ours.clone()]);
    for second in 0..1000_i64 {
        let number = second.unsigned_abs() * 17;
        currency.heard(&ours, number + 5, at(second));
        currency.applied(&ours, number);
        let is_known = second > 0;
        assert_eq!(currency.is_current(at(second)), is_known, "{second} s");
    }
    // Nothing is applied any more, and heartbeats go on for longer than are remembered.
    for second in 1000..2000_i64 {
        currency.heard(&ours, 17_000 + second.unsigned_abs(), at(second));
    }
    assert!(currency.is_current(at(999 + 59)) && !currency.is_current(at(1062)));
    currency.applied(&ours, 17_000 + 1_005);
    assert!(currency.is_current(at(1_065)) && !currency.is_current(at(1_066)));
    currency.applied(&ours, 17_000 + 1_999);
    assert!(currency.is_current(at(2_059)));
}

#[test]
fn an_agent_that_lacks_something_and_gets_nothing_is_stuck_until_it_gets_it() {
    let gateway: GatewayName = "helsenorge".parse().unwrap();
    let currency = Currency::new(Duration::from_mins(10), [gateway.clone()]);
    let at = |seconds: i64| Timestamp::from_seconds(1_000 + seconds);
    let stuck = |seconds| !currency.stuck(at(seconds)).is_empty();
    currency.heard(&gateway, 9, at(0));
    assert!(!stuck(44) && stuck(45));
    currency.heard(&gateway, 12, at(50));
    assert!(stuck(50));
    // It came on.
    currency.applied(&gateway, 4);
    assert!(!stuck(51));
    currency.heard(&gateway, 12, at(55));
    currency.applied(&gateway, 4);
    assert!(!stuck(99) && stuck(100));
    currency.applied(&gateway, 12);
    currency.heard(&gateway, 12, at(101));
    assert!(!stuck(1_000));
}
