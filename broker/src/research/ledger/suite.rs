//! What every store of releases must do.
//!
//! The tests of the whole system take this file too, for the stores that need a server: whoever
//! includes it has [`Store`] and what goes with it in scope.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use innsyn_policy::{PermitId, RegisterId, Timestamp};
use innsyn_proto::query::QueryName;
use innsyn_proto::wire::research::v1 as wire;

use super::{Recorded, Release, ReleaseKey, Store};

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
        table: table(at),
        audit: vec![0, 255, 7],
    }
}

/// Records `release` after all that its permit has had.
async fn record(store: &dyn Store, release: Release, budget_queries: u32) -> Recorded {
    // Others may record meanwhile.
    for _ in 0..1_000 {
        let audited = store.releases(&release.key.permit).await.unwrap().len();
        let recorded = store.record(release.clone(), audited, budget_queries).await;
        match recorded.unwrap() {
            Recorded::Changed => tokio::task::yield_now().await,
            recorded => return recorded,
        }
    }
    panic!("somebody else is always first");
}

/// A table with every sort of value.
fn table(released_at: i64) -> wire::ReleasedTable {
    use wire::value::Value as V;
    let values = [
        Some(V::Text("kvinne".to_owned())),
        Some(V::Count(1_005)),
        Some(V::Real(-0.1)),
        Some(V::Hidden(wire::Hidden::Dominance.into())),
        None,
    ];
    wire::ReleasedTable {
        query_name: vec![7; 32],
        released_at,
        counts_registrations: true,
        columns: vec![wire::Column {
            name: "sex".to_owned(),
            kind: wire::ColumnKind::Text.into(),
            unit: String::new(),
        }],
        rows: vec![wire::Row {
            values: values.map(|value| wire::Value { value }).to_vec(),
        }],
        registers: vec![wire::RegisterProgress {
            register_id: "nord".to_owned(),
            state: wire::RegisterState::Answered.into(),
            ..wire::RegisterProgress::default()
        }],
        smallest_cell: 5,
        rounding_base: 5,
        ..wire::ReleasedTable::default()
    }
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

async fn a_thousand_registers_contribute_to_one_table(store: &dyn Store) {
    let names: Vec<String> = (0..1_001).map(|number| format!("r{number}")).collect();
    let contributors: Vec<_> = names.iter().map(|name| (name.as_str(), 9)).collect();
    let mut many = key(9, &contributors);
    many.permit = PermitId::new("helsedata.example", "many").unwrap();
    let release = release(many.clone(), 1);
    assert_eq!(record(store, release.clone(), 1).await, Recorded::New);
    assert_eq!(store.earlier(&many).await.unwrap(), Some(release.clone()));
    assert_eq!(store.releases(&many.permit).await.unwrap(), [release]);
    assert_eq!(store.answered(&many.permit).await.unwrap().len(), 1_001);
}

/// Everything that a store must do; `store` is empty.
pub(crate) async fn is_a_ledger(store: &dyn Store) {
    what_is_recorded_once_is_the_earlier_one(store).await;
    another_query_snapshot_register_or_permit_is_another_release(store).await;
    releases_come_in_the_order_in_which_they_were_recorded(store).await;
    a_budget_is_counted_for_each_register_and_never_overrun(store).await;
    a_release_beside_one_that_its_audit_has_not_seen_is_not_recorded(store).await;
    a_thousand_registers_contribute_to_one_table(store).await;
    store.check().await.unwrap();
}

/// Two gateways, `stores`, record at once, over one ledger.
pub(crate) async fn is_one_ledger(stores: [&dyn Store; 2]) {
    two_gateways_never_spend_more_than_the_budget(stores).await;
    of_two_who_record_one_question_at_once_the_first_is_given_to_both(stores).await;
}

async fn two_gateways_never_spend_more_than_the_budget(stores: [&dyn Store; 2]) {
    const BUDGET: u32 = 7;
    let permit = PermitId::new("helsedata.example", "shared").unwrap();
    let of = |query| ReleaseKey {
        permit: permit.clone(),
        ..key(query, &[("nord", 1), ("vest", 1)])
    };
    let at_once = (0..20_u8).flat_map(|query| {
        let release = release(of(query), query.into());
        stores.map(|store| record(store, release.clone(), BUDGET))
    });
    let ended = join_all(at_once).await.into_iter();
    let new = ended.filter(|recorded| *recorded == Recorded::New).count();

    assert_eq!(new, 7);
    let released = stores[0].releases(&permit).await.unwrap();
    let keys: BTreeSet<_> = released.iter().map(|release| &release.key).collect();
    assert_eq!((released.len(), keys.len()), (7, 7));
    for answered in stores[1].answered(&permit).await.unwrap().into_values() {
        assert_eq!(answered, BUDGET);
    }
}

async fn of_two_who_record_one_question_at_once_the_first_is_given_to_both(
    stores: [&dyn Store; 2],
) {
    let permit = PermitId::new("helsedata.example", "same").unwrap();
    for round in 0..10_u8 {
        let key = ReleaseKey {
            permit: permit.clone(),
            ..key(round, &[("nord", 1)])
        };
        let at_once = (0..6_u8).map(|at| {
            record(
                stores[usize::from(at) % 2],
                release(key.clone(), at.into()),
                100,
            )
        });
        let ended = join_all(at_once).await;
        let first = stores[0].earlier(&key).await.unwrap().unwrap();
        let (new, earlier): (Vec<_>, Vec<_>) = ended
            .into_iter()
            .partition(|recorded| *recorded == Recorded::New);
        assert_eq!((new.len(), earlier.len()), (1, 5));
        let first = Recorded::Earlier(Box::new(first));
        assert!(earlier.iter().all(|recorded| *recorded == first));
    }
    assert_eq!(stores[1].releases(&permit).await.unwrap().len(), 10);
}
