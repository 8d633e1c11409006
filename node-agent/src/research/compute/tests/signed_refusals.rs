//! What a register signs of a query that it refuses.

use innsyn_policy::DenyReason;
use innsyn_proto::head::HeadKey;
use innsyn_proto::query::QueryName;
use innsyn_proto::receipt::{RefusalGround, RefusalReceipt, SettingsAge};
use wire::Refusal as R;

use super::*;

/// A world whose settings are `age` old, or were never whole, when somebody asks.
fn with_old_settings(age: Option<Duration>) -> World {
    World::with(ENOUGH, PLENTY, |_, data| {
        let mut settings = data.settings.lock().unwrap();
        settings.seen_at = age.map(|age| now().minus(age));
        settings.is_too_old = true;
    })
}

#[tokio::test]
async fn promise_5_settings_that_are_too_old_are_told_as_such_and_signed_with_their_age() {
    for (age, age_s) in [
        (Some(Duration::from_secs(3_605)), Some(3_605)),
        (None, None),
    ] {
        let world = with_old_settings(age);
        let request = world.request();
        let (refusal, receipt) = world.refused(request.clone()).await;

        assert_eq!(refusal, R::SettingsTooOld);
        let stale = UseDecision::Denied(DenyReason::SettingsStale);
        assert_eq!(world.logged(), [(stale, "settings_too_old".to_owned())]);
        let key = HeadKey::parse(world.log.public_key()).unwrap();
        let permit = world.issuer.trusted().read(&request.data_permit, now());
        let expected = RefusalReceipt {
            register: register().id,
            query: QueryName::from_bytes(name_of(&by_sex())),
            permit: terms().id,
            permit_digest: *permit.unwrap().digest(),
            snapshot: [5; 32],
            purpose: Purpose::Research,
            ground: RefusalGround::SettingsTooOld(SettingsAge {
                read_at: now().minus(Duration::from_secs(90)),
                age_s,
            }),
            use_log_leaf: entries_on(&world.disk)[0].1,
            at: now(),
        };
        assert_eq!(RefusalReceipt::read(&receipt, &key), Ok(expected));
        assert!(!receipt.contains(person(0).expose_str()));
    }
}

#[tokio::test]
async fn settings_that_grow_too_old_while_a_query_runs_are_told_as_such() {
    use std::sync::atomic::{AtomicU32, Ordering};
    // Looked at when the query begins, when it has counted, and when it is to leave: by then its
    // entry says that it was answered, and no receipt says otherwise.
    for (look, is_signed) in [(2, true), (3, false)] {
        let looks = AtomicU32::new(0);
        let world = World::with(ENOUGH, PLENTY, |_, data| {
            let settings = Arc::clone(&data.settings);
            data.begins = Box::new(move || {
                if looks.fetch_add(1, Ordering::SeqCst) + 1 == look {
                    settings.lock().unwrap().is_too_old = true;
                }
            });
        });
        let (refusal, receipt) = world.refused(world.request()).await;
        assert_eq!(refusal, R::SettingsTooOld, "at look {look}");
        assert_eq!(!receipt.is_empty(), is_signed, "at look {look}");
    }
}

#[tokio::test]
async fn what_says_nothing_of_anybody_is_signed_and_nothing_else_is() {
    let world = World::new();
    world.steward_says("stopped = true");
    let (refusal, receipt) = world.refused(world.request()).await;
    assert_eq!(refusal, R::Steward);
    let receipt = RefusalReceipt::read_unchecked(&receipt).unwrap();
    assert_eq!(receipt.ground, RefusalGround::Steward);
    world.steward_says(ALLOW);

    let mut outside = terms();
    outside.born_years = Some(1940..1950);
    let (refusal, receipt) = world.refused(world.request_under(outside)).await;
    assert_eq!(refusal, R::OutsidePermit);
    let receipt = RefusalReceipt::read_unchecked(&receipt).unwrap();
    assert_eq!(receipt.ground, RefusalGround::OutsidePermit);

    // Of a permit that nobody vouches for, nothing is repeated under the register's signature.
    let mut forged = world.request();
    forged.data_permit = Issuer::new().sign(terms());
    let (refusal, receipt) = world.refused(forged).await;
    assert_eq!((refusal, receipt.as_str()), (R::Permit, ""));

    // That nobody may be counted is about everybody.
    let nobody = World::with(ENOUGH, PLENTY, |_, data| {
        data.included = PersonSet::nobody(PERSONS);
    });
    let (refusal, receipt) = nobody.refused(nobody.request()).await;
    assert_eq!((refusal, receipt.as_str()), (R::DataUnavailable, ""));
}
