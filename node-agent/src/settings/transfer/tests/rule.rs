//! What is imported counts by the rule of items, whatever is here.

use super::*;

/// Says, of one of three people: definition, sequence, active.
type Says = (usize, u8, i64, bool);

fn says() -> impl Strategy<Value = Vec<Says>> {
    let one = (
        0..3_usize,
        prop_oneof![Just(OPT_OUT), Just(CONSENT)],
        1..5_i64,
        any::<bool>(),
    );
    prop::collection::vec(one, 0..12)
}

fn change((who, of, sequence, active): Says, id: u8) -> (Change, Timestamp) {
    let said = item(1, "npr", who, (of, active)).content.unwrap();
    let change = Change {
        id: ChangeId([id; 16]),
        sequence,
        ..said
    };
    (change, Timestamp::from_seconds(NOW_S - 100 + sequence))
}

/// What stands, in memory and on disk.
async fn standing(agent: &Agent) -> [BTreeMap<(usize, u8), (i64, bool, Timestamp)>; 2] {
    let kept = agent.keeper.kept();
    let mut standing = [BTreeMap::new(), BTreeMap::new()];
    let told = |said: &Said| (said.sequence, said.active, said.since);
    for of in [OPT_OUT, CONSENT] {
        let id = definition(of);
        let on_disk: HashMap<NationalId, Said> = kept
            .of_definition(&id, agent.keeper.records())
            .await
            .unwrap();
        for who in 0..3 {
            let in_memory = kept.said_by(&person(who));
            let in_memory = in_memory.iter().find(|it| it.definition == id);
            standing[0].extend(in_memory.map(|said| ((who, of), told(said))));
            standing[1].extend(
                on_disk
                    .get(&person(who))
                    .map(|said| ((who, of), told(said))),
            );
        }
    }
    standing
}

async fn same_as_items(here: Vec<Says>, there: Vec<Says>) {
    let federation = Federation::new();
    let [npr, kreft, other] = ["npr", "kreft", "other"].map(|id| federation.place(id));
    let [mut npr, mut late, whole] = [npr.agent().await, kreft.agent().await, other.agent().await];
    let here: Vec<_> = here
        .into_iter()
        .zip(1..)
        .map(|(it, id)| change(it, id))
        .collect();
    let there: Vec<_> = there
        .into_iter()
        .zip(100..)
        .map(|(it, id)| change(it, id))
        .collect();
    // Both have the clerk's; one gets the gateway's as items, and the other as an import.
    for agent in [&late, &whole] {
        agent
            .keeper
            .take_changes(&Writer::Clerk, &here)
            .await
            .unwrap();
    }
    let gateways = Writer::Gateway(gateway());
    for agent in [&npr, &whole] {
        agent.keeper.take_changes(&gateways, &there).await.unwrap();
    }
    npr.hears(0);
    let file = federation.folder.path().join("export");
    let outcome = npr.exports(&kreft.recipient(&late), &file).await;
    assert!(matches!(outcome, TransferOutcome::Done(_)), "{outcome:?}");
    let outcome = kreft.imports(&mut late, &file, "").await.unwrap();
    assert!(matches!(outcome, TransferOutcome::Done(_)), "{outcome:?}");
    let expected = standing(&whole).await;
    assert_eq!(expected[0], expected[1]);
    assert_eq!(standing(&late).await, expected);
    for agent in [npr, late, whole] {
        agent.ends().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn promise_5_an_import_leaves_what_items_would(here in says(), there in says()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(same_as_items(here, there));
    }
}
