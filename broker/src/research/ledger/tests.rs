//! What every store of releases must do.

use std::collections::BTreeMap;

use super::*;

fn key(query: u8, contributors: &[(&str, u8)]) -> ReleaseKey {
    ReleaseKey {
        permit: PermitId::new("helsedata.example", "1").unwrap(),
        query: QueryName::from_bytes([query; 32]),
        contributors: contributors
            .iter()
            .map(|(id, snapshot)| (RegisterId::parse(id).unwrap(), [*snapshot; 32]))
            .collect(),
    }
}

fn release(key: ReleaseKey, at: i64) -> Release {
    Release {
        key,
        at: Timestamp::from_seconds(at),
        words_nb: "personer".to_owned(),
        words_en: "persons".to_owned(),
        table: wire::ReleasedTable {
            released_at: at,
            ..wire::ReleasedTable::default()
        },
        audit: vec![0, 255, 7],
    }
}

/// Records `release` after all that its permit has had.
async fn record(store: &dyn Store, release: Release, budget_queries: u32) -> Recorded {
    let audited = store.releases(&release.key.permit).await.unwrap().len();
    store
        .record(release, audited, budget_queries)
        .await
        .unwrap()
}

async fn what_is_recorded_once_is_the_earlier_one(store: &dyn Store) {
    let key = key(1, &[("nord", 1), ("vest", 1)]);
    assert_eq!(store.earlier(&key).await.unwrap(), None);
    let first = release(key.clone(), 100);

    assert_eq!(record(store, first.clone(), 5).await, Recorded::New);
    assert_eq!(store.earlier(&key).await.unwrap(), Some(first.clone()));
    let again = record(store, release(key, 200), 5).await;
    assert_eq!(again, Recorded::Earlier(Box::new(first)));
}

async fn another_query_snapshot_register_or_permit_is_another_release(store: &dyn Store) {
    let known = key(2, &[("nord", 1), ("vest", 1)]);
    record(store, release(known.clone(), 100), 50).await;
    let mut of_another = known.clone();
    of_another.permit = PermitId::new("helsedata.example", "2").unwrap();
    for other in [
        key(3, &[("nord", 1), ("vest", 1)]),
        key(2, &[("nord", 1), ("vest", 2)]),
        key(2, &[("nord", 1)]),
        of_another.clone(),
    ] {
        assert_eq!(store.earlier(&other).await.unwrap(), None);
    }
    let recorded = record(store, release(of_another.clone(), 1), 50).await;
    assert_eq!(recorded, Recorded::New);
    let releases = store.releases(&of_another.permit).await.unwrap();
    assert_eq!(releases, [release(of_another, 1)]);
}

async fn releases_come_in_the_order_in_which_they_were_recorded(store: &dyn Store) {
    let keys = [key(4, &[("nord", 1)]), key(5, &[("vest", 1)])];
    for (key, at) in keys.clone().into_iter().zip([300, 200]) {
        record(store, release(key, at), 50).await;
    }
    let releases = store.releases(&keys[0].permit).await.unwrap();
    let of_these: Vec<_> = releases
        .iter()
        .map(|release| release.key.clone())
        .filter(|key| keys.contains(key))
        .collect();
    assert_eq!(of_these, keys);
}

async fn a_budget_is_counted_for_each_register_and_never_overrun(store: &dyn Store) {
    let permit = PermitId::new("helsedata.example", "budget").unwrap();
    let of = |query, contributors: &[(&str, u8)]| {
        let key = ReleaseKey {
            permit: permit.clone(),
            ..key(query, contributors)
        };
        release(key, 1)
    };
    let record = async |release| record(store, release, 2).await;
    let nord = RegisterId::parse("nord").unwrap();
    assert_eq!(
        record(of(1, &[("nord", 1), ("vest", 1)])).await,
        Recorded::New
    );
    assert_eq!(record(of(2, &[("nord", 1)])).await, Recorded::New);
    let both = of(3, &[("nord", 1), ("vest", 1)]);
    assert_eq!(record(both).await, Recorded::OverBudget(nord.clone()));
    // What was released is given again, and is charged no more.
    let again = record(of(2, &[("nord", 1)])).await;
    assert!(matches!(again, Recorded::Earlier(_)));
    assert_eq!(record(of(4, &[("vest", 1)])).await, Recorded::New);

    let vest = RegisterId::parse("vest").unwrap();
    let answered = store.answered(&permit).await.unwrap();
    assert_eq!(answered, BTreeMap::from([(nord, 2), (vest, 2)]));
    assert_eq!(store.releases(&permit).await.unwrap().len(), 3);
}

async fn a_release_beside_one_that_its_audit_has_not_seen_is_not_recorded(store: &dyn Store) {
    let permit = PermitId::new("helsedata.example", "audited").unwrap();
    let of = |query| {
        let key = ReleaseKey {
            permit: permit.clone(),
            ..key(query, &[("nord", 1)])
        };
        release(key, 1)
    };
    // Both were audited when there was nothing.
    assert_eq!(store.record(of(1), 0, 2).await.unwrap(), Recorded::New);
    assert_eq!(store.record(of(2), 0, 2).await.unwrap(), Recorded::Changed);
    assert_eq!(store.releases(&permit).await.unwrap(), [of(1)]);
    assert_eq!(store.record(of(2), 1, 2).await.unwrap(), Recorded::New);
    // What was released needs no audit, and what is over the budget is told after it.
    let again = store.record(of(1), 0, 2).await.unwrap();
    assert_eq!(again, Recorded::Earlier(Box::new(of(1))));
    assert_eq!(store.record(of(3), 1, 2).await.unwrap(), Recorded::Changed);
    let nord = RegisterId::parse("nord").unwrap();
    let spent = store.record(of(3), 2, 2).await.unwrap();
    assert_eq!(spent, Recorded::OverBudget(nord));
}

/// Everything that a store must do; `store` is empty.
pub(crate) async fn is_a_ledger(store: &dyn Store) {
    what_is_recorded_once_is_the_earlier_one(store).await;
    another_query_snapshot_register_or_permit_is_another_release(store).await;
    releases_come_in_the_order_in_which_they_were_recorded(store).await;
    a_budget_is_counted_for_each_register_and_never_overrun(store).await;
    a_release_beside_one_that_its_audit_has_not_seen_is_not_recorded(store).await;
}

#[tokio::test]
async fn the_ledger_in_memory_is_a_ledger() {
    is_a_ledger(&InMemory::default()).await;
}
