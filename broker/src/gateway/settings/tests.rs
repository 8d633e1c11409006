//! What goes into the outbox, and what nobody can tell from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use innsyn_policy::{
    Assurance, Caller, ManualClock, NationalId, NumberRules, Organisation, Purpose, RegisterId,
    Representation, Request, Timestamp, Validity,
};
use innsyn_proto::head::HeadSigner;
use innsyn_proto::sealing::{ItemKind, OpeningKey};
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::setting::{ChangeId, Item};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use super::*;

const DEFINITIONS: &str = r#"
[[definition]]
id = "00000000-0000-0000-0000-000000000001"
part = "HDIR"
kind = "reservation"
purposes = ["research"]
legal_ground = "oppdiktet"
text_version = 2
name = "Reservasjon"
name_en = "Opt-out"

[[definition]]
id = "00000000-0000-0000-0000-000000000002"
part = "HUNT"
register = "hunt"
kind = "consent"
purposes = ["research"]
legal_ground = "oppdiktet"
text_version = 2
name = "Samtykke"
name_en = "Consent"
may_end = true
"#;
const REGISTERS: [&str; 3] = ["hunt", "kreft", "npr"];
const KARI: &str = "01817010055";
const CHILD: &str = "01891877885";
const NOW: i64 = 1_800_000_000;

struct World {
    folder: TempDir,
    settings: Arc<GatewaySettings>,
}

fn gateway() -> GatewayName {
    "helsenorge".parse().unwrap()
}

fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

fn opening(id: &str) -> OpeningKey {
    let mut seed = [0; 32];
    seed[..id.len()].copy_from_slice(id.as_bytes());
    OpeningKey::from_seed(&seed)
}

fn signer() -> HeadSigner {
    HeadSigner::from_seed("innsyn://gateway/helsenorge", [1; 32]).unwrap()
}

impl World {
    async fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap(), 4).await
    }

    async fn on(folder: TempDir, seed: u64) -> Self {
        let outbox = Outbox::open(&folder.path().join("outbox.sqlite"))
            .await
            .unwrap();
        for id in REGISTERS {
            outbox
                .met(&register(id), opening(id).public(), 0)
                .await
                .unwrap();
        }
        let settings = GatewaySettings::open(SettingsParts {
            definitions: Arc::new(SettingDefinitions::parse(DEFINITIONS).unwrap()),
            gateway: gateway(),
            signer: signer(),
            registers: REGISTERS.map(register).to_vec(),
            outbox,
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(NOW))),
            random: StdRng::seed_from_u64(seed),
        });
        Self {
            settings: settings.await.unwrap(),
            folder,
        }
    }

    /// What waits: for each number, each register's item as its agent opens it.
    async fn waiting(&self) -> Vec<BTreeMap<String, Item>> {
        let batches = self.settings.outbox.undeposited(100).await.unwrap();
        let key = signer().public().unwrap();
        let mut names = BTreeSet::new();
        let items = batches.iter().map(|batch| {
            let items = batch.items.items.iter().map(|deposited| {
                let item = deposited.item.as_ref().unwrap();
                assert_eq!(
                    item.sealed.len(),
                    ItemKind::Setting.sealed_bytes(),
                    "one size"
                );
                assert_eq!(item.name.len(), 16);
                assert!(names.insert(item.name.clone()), "no name twice");
                let id = &deposited.register_id;
                let note = opening(id).open(&register(id), &item.sealed).unwrap();
                let item = Item::read(&note, (&gateway(), &key), &register(id)).unwrap();
                assert_eq!(item.number, batch.number);
                (id.clone(), item)
            });
            items.collect()
        });
        items.collect()
    }
}

fn wish(definition: u8, id: u8) -> Wish {
    let mut bytes = [0; 16];
    bytes[15] = definition;
    Wish {
        id: ChangeId([id; 16]),
        definition: DefinitionId::from_bytes(bytes),
        text_version: 2,
        active: true,
        until: None,
    }
}

fn asks(subject: &str, representation: Representation) -> Request {
    let person = |digits| NationalId::parse(digits, NumberRules::default()).unwrap();
    Request {
        subject: person(subject),
        caller: Caller {
            person: person(KARI),
            organisation: Organisation::parse("983658776").unwrap(),
            assurance: Assurance::High,
        },
        representation,
        purpose: Purpose::OwnInsight,
    }
}

#[tokio::test]
async fn promise_3_every_register_gets_an_item_and_only_its_agent_can_tell_whether_it_says_anything()
 {
    let world = World::new().await;
    let changed = world
        .settings
        .change(&asks(KARI, Representation::Own), wish(2, 1))
        .await
        .unwrap();
    assert_eq!(changed.registers, 1);
    let changed = world
        .settings
        .change(&asks(KARI, Representation::Own), wish(1, 2))
        .await
        .unwrap();
    assert_eq!(changed.registers, 3);

    let [own, national] = world.waiting().await.try_into().unwrap();
    assert_eq!(own.keys().collect::<Vec<_>>(), REGISTERS);
    assert_eq!(national.keys().collect::<Vec<_>>(), REGISTERS);
    assert!(own["hunt"].content.is_some());
    assert!(own["kreft"].content.is_none() && own["npr"].content.is_none());
    assert!(national.values().all(|item| item.content.is_some()));

    // What an operator finds on the gateway's disk.
    for file in ["outbox.sqlite", "outbox.sqlite-wal"] {
        let bytes = std::fs::read(world.folder.path().join(file)).unwrap_or_default();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(!holds(KARI.as_bytes()), "{file}");
        assert!(
            !holds(&wish(2, 1).id.0) && !holds(&wish(1, 2).id.0),
            "{file}"
        );
        assert!(
            !holds(wish(1, 1).definition.to_string().as_bytes()),
            "{file}"
        );
    }
}

#[tokio::test]
async fn promise_8_a_change_that_is_asked_for_again_is_done_once_also_after_a_start() {
    let world = World::new().await;
    let asked = asks(KARI, Representation::Own);
    let first = world.settings.change(&asked, wish(1, 1)).await.unwrap();
    assert_eq!(
        world.settings.change(&asked, wish(1, 1)).await.unwrap(),
        first
    );
    let World { folder, settings } = world;
    drop(settings);
    let world = World::on(folder, 5).await;
    assert_eq!(
        world.settings.change(&asked, wish(1, 1)).await.unwrap(),
        first
    );
    let second = world.settings.change(&asked, wish(1, 2)).await.unwrap();
    assert!(second.sequence > first.sequence, "though the clock stands");
    let numbers: Vec<_> = world
        .waiting()
        .await
        .iter()
        .map(|items| items["npr"].number)
        .collect();
    assert_eq!(numbers, [1, 2], "without a gap");
}

#[tokio::test]
async fn what_is_said_later_counts_as_later_though_the_clock_stands() {
    let world = World::new().await;
    let asked = asks(KARI, Representation::Own);
    let mut last = i64::MIN;
    for id in 1..5 {
        let changed = world.settings.change(&asked, wish(1, id)).await.unwrap();
        assert!(changed.sequence > last);
        last = changed.sequence;
    }
}

#[tokio::test]
async fn a_parent_speaks_for_a_child_and_both_are_named_and_nobody_else_does() {
    let world = World::new().await;
    let parent = Representation::Parent {
        child_born: Some(jiff::civil::date(2018, 9, 1)),
    };
    world
        .settings
        .change(&asks(CHILD, parent), wish(1, 1))
        .await
        .unwrap();
    let waiting = world.waiting().await;
    let change = waiting[0]["npr"].content.as_ref().unwrap();
    assert_eq!(change.person.expose_str(), CHILD);
    assert_eq!(change.by.expose_str(), KARI);
    let born = jiff::civil::date(2018, 9, 1);
    assert_eq!(change.acted_as, ActedAs::Parent(Some(born)));

    let validity = Validity {
        from: Timestamp::from_seconds(0),
        until: Timestamp::from_seconds(i64::MAX / 2_000_000),
    };
    let areas: innsyn_policy::Areas = [innsyn_policy::Area::AllInsight].into_iter().collect();
    for representation in [
        Representation::Guardian {
            areas: areas.clone(),
            validity,
        },
        Representation::PowerOfAttorney { areas, validity },
    ] {
        let refused = world
            .settings
            .change(&asks(CHILD, representation), wish(1, 2))
            .await;
        assert!(matches!(refused, Err(ChangeError::NotForSettings)));
    }
    assert_eq!(world.waiting().await.len(), 1);
}

#[tokio::test]
async fn a_proxys_change_takes_the_signed_mandate_along_and_is_no_longer_for_it() {
    let world = World::new().await;
    let areas = [
        innsyn_policy::Area::AllInsight,
        innsyn_policy::Area::Settings,
    ];
    let proxy = Representation::PowerOfAttorney {
        areas: areas.into_iter().collect(),
        validity: Validity {
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(i64::MAX / 2_000_000),
        },
    };
    let asked = asks(CHILD, proxy);
    for proof in ["", "not a token", "a.b"] {
        let refused = world.settings.change_with(&asked, wish(1, 1), proof).await;
        assert!(matches!(refused, Err(ChangeError::Proof)), "{proof:?}");
    }
    assert_eq!(world.waiting().await.len(), 0);

    let long = format!("a.b.{}", "c".repeat(2_796));
    let change = world.settings.change_with(&asked, wish(1, 1), &long).await;
    change.unwrap();
    // As long as every other: `waiting` looks at it.
    let waiting = world.waiting().await;
    let change = waiting[0]["npr"].content.as_ref().unwrap();
    assert_eq!(change.acted_as.proof().unwrap().expose(), long);
    assert_eq!(change.by.expose_str(), KARI);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_nothing_is_sent() {
    let world = World::new().await;
    let asked = asks(KARI, Representation::Own);
    let in_a_year = Some(Timestamp::from_seconds(NOW + 31_536_000));
    let refused = async |wish: Wish| world.settings.change(&asked, wish).await.unwrap_err();
    let other_text = Wish {
        text_version: 1,
        ..wish(1, 1)
    };
    assert!(matches!(refused(other_text).await, ChangeError::OtherText));
    assert!(matches!(
        refused(wish(9, 1)).await,
        ChangeError::UnknownDefinition
    ));
    for ends in [
        Wish {
            until: in_a_year,
            ..wish(1, 1)
        },
        Wish {
            until: Some(Timestamp::from_seconds(NOW)),
            ..wish(2, 1)
        },
        Wish {
            until: in_a_year,
            active: false,
            ..wish(2, 1)
        },
    ] {
        assert!(matches!(refused(ends).await, ChangeError::End));
    }
    assert_eq!(world.waiting().await.len(), 0);
    let ends = Wish {
        until: in_a_year,
        ..wish(2, 1)
    };
    world.settings.change(&asked, ends).await.unwrap();
    let waiting = world.waiting().await;
    assert_eq!(
        waiting[0]["hunt"].content.as_ref().unwrap().until,
        in_a_year
    );
}

#[tokio::test]
async fn a_register_that_was_never_met_is_sent_nothing_and_will_notice() {
    let world = World::new().await;
    world
        .settings
        .agents
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&register("npr"));
    world
        .settings
        .change(&asks(KARI, Representation::Own), wish(1, 1))
        .await
        .unwrap();
    let waiting = world.waiting().await;
    assert_eq!(waiting[0].keys().collect::<Vec<_>>(), ["hunt", "kreft"]);
    assert_eq!(
        *world.settings.latest.borrow(),
        1,
        "which its agent hears and lacks"
    );
}

#[tokio::test]
async fn promise_8_what_only_a_register_that_was_never_met_would_have_is_refused() {
    let world = World::new().await;
    let settings = &world.settings;
    let asked = asks(KARI, Representation::Own);
    settings.change(&asked, wish(2, 1)).await.unwrap();
    let agents = || settings.agents.lock().unwrap();
    let met = agents().remove(&register("hunt")).unwrap();
    let refused = settings.change(&asked, wish(2, 2)).await;
    assert!(matches!(refused, Err(ChangeError::NeverMet)), "{refused:?}");
    // What was taken when it was met is the same when it is asked for again.
    settings.change(&asked, wish(2, 1)).await.unwrap();
    settings.change(&asked, wish(1, 3)).await.unwrap();
    assert_eq!(world.waiting().await.len(), 2);
    agents().insert(register("hunt"), met);
    settings.change(&asked, wish(2, 2)).await.unwrap();
    assert_eq!(world.waiting().await.len(), 3);
}

#[tokio::test]
async fn promise_8_a_message_waits_until_its_agent_has_it_and_goes_again_where_that_lacks_it() {
    let world = World::new().await;
    let now = Timestamp::from_seconds(NOW);
    let after = |seconds| now.plus(std::time::Duration::from_secs(seconds));
    world.settings.keep_silence(now).await.unwrap();
    let outbox = &world.settings.outbox;
    let early = outbox.undeposited_dialog(after(11)).await.unwrap();
    assert!(
        early.is_none(),
        "at one time after the call, whatever came of it"
    );
    let due = outbox.undeposited_dialog(after(12)).await.unwrap();
    let (dialog, items) = due.unwrap();
    assert_eq!(items.items.len(), 3, "one for every register");
    outbox.dialog_deposited(dialog, after(12)).await.unwrap();
    let sent = outbox.undeposited_dialog(after(99)).await.unwrap();
    assert!(sent.is_none(), "a relay has all");

    // One agent is there and lacks it, and another has it.
    let at = async |id: &str| {
        let register = register(id);
        outbox.dialogs_at(&register, after(13)).await.unwrap()
    };
    let (kreft, npr) = (register("kreft"), register("npr"));
    let lacking = at("kreft").await;
    let heard = outbox.dialogs_heard(&kreft, &[], &lacking).await;
    heard.unwrap();
    let again = outbox.undeposited_dialog(after(20)).await.unwrap();
    let (dialog, items) = again.unwrap();
    assert_eq!(items.items.len(), 1);
    assert_eq!(items.items[0].register_id, "kreft");
    outbox.dialog_deposited(dialog, after(12)).await.unwrap();
    let taken = at("npr").await;
    let heard = outbox.dialogs_heard(&npr, &taken, &[]).await;
    heard.unwrap();
    assert!(at("npr").await.is_empty(), "forgotten here");
    assert_eq!((at("kreft").await.len(), at("hunt").await.len()), (1, 1));
    // A relay keeps it longer.
    outbox.forget(after(8 * 86_400)).await.unwrap();
    assert!(at("kreft").await.is_empty());
}

#[tokio::test]
async fn promise_7_who_stands_still_is_sent_its_own_items_again_and_nobody_else_anything() {
    let world = World::new().await;
    for id in 1..=3 {
        let asked = asks(KARI, Representation::Own);
        world.settings.change(&asked, wish(1, id)).await.unwrap();
    }
    let outbox = &world.settings.outbox;
    let again = async |applied| {
        let kreft = register("kreft");
        outbox.of_register(&kreft, applied, 2).await.unwrap().items
    };
    assert_eq!(again(0).await, [], "no relay has had them");
    let now = Timestamp::from_seconds(NOW);
    outbox.deposited(&[1, 2, 3], now).await.unwrap();
    for (applied, items) in [(0, 2), (1, 2), (2, 1), (3, 0)] {
        let again = again(applied).await;
        assert_eq!(again.len(), items, "after {applied}");
        assert!(again.iter().all(|item| item.register_id == "kreft"));
    }
    assert!(outbox.undeposited(10).await.unwrap().is_empty());

    // What it needs next was never sealed to it: more would be in vain.
    let unmet = outbox.of_register(&register("ablanor"), 0, 2).await;
    assert_eq!(unmet.unwrap().items, []);
}
