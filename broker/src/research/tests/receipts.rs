//! Receipts of registers, and what a run is for.

use innsyn_policy::{PermitId, Purpose, RegisterId, Timestamp};
use innsyn_proto::query::QueryName;
use innsyn_proto::receipt::{
    PersonsAbout, Receipt, RefusalGround, RefusalReceipt, SettingsAge, StewardsWord,
};
use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::research::v1 as wire;
use innsyn_proto::wire::types::v1 as types;
use sha2::{Digest as _, Sha256};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::agent::Behaviour;
use super::queries::*;
use super::world::*;

/// Makes a receipt for an entry in the log of use.
type Make<'a> = Box<dyn Fn([u8; 32]) -> String + 'a>;

/// A good receipt of `register` for persons by sex.
async fn receipt(world: &World, register: &str) -> Receipt {
    let call = world.call(world.asking(persons_by_sex()));
    let plan = world.client().dry_run(call).await.unwrap().into_inner();
    let permit = world.permit();
    let (signed, _) = permit.rsplit_once('.').unwrap();
    Receipt {
        register: RegisterId::parse(register).unwrap(),
        query: QueryName::from_bytes(plan.query_name.try_into().unwrap()),
        permit: world.terms().id,
        permit_digest: Sha256::digest(signed).into(),
        snapshot: [1; 32],
        purpose: Purpose::Research,
        settings_read_at: Timestamp::from_seconds(NOW),
        settings_age_s: 1,
        smallest_cell: 5,
        rounding_base: 5,
        steward: StewardsWord {
            rule: 1,
            approved: false,
        },
        persons_excluded: PersonsAbout::of(12),
        use_log_leaf: [7; 32],
        at: Timestamp::from_seconds(NOW),
    }
}

/// The agent counts, with the receipt that `make` makes for its entry in the log of use.
fn gives(world: &World, register: &str, make: impl FnOnce([u8; 32]) -> String) {
    let agent = world.agent(register);
    let part = agent.part(sexes(103, 52));
    let receipt = make(part.use_log_leaf.as_ref().try_into().unwrap());
    agent.does(Behaviour::Counts(node::Part { receipt, ..part }));
}

/// Signed by the log of `register`, for the entry `leaf`.
fn signed(receipt: &Receipt, register: &str, leaf: [u8; 32]) -> String {
    let receipt = Receipt {
        use_log_leaf: leaf,
        ..receipt.clone()
    };
    receipt.sign(&log_of(register)).unwrap()
}

#[tokio::test]
async fn receipts_come_with_the_table_and_say_whether_they_were_checked() {
    let world = World::new().await;
    let mut expected = Vec::new();
    for (register, is_signature_checked) in [("nord", false), ("vest", true)] {
        let receipt = receipt(&world, register).await;
        let mut text = String::new();
        gives(&world, register, |leaf| {
            text = signed(&receipt, register, leaf);
            text.clone()
        });
        expected.push(wire::Receipt {
            register_id: register.to_owned(),
            text,
            is_signature_checked,
        });
    }
    let table = world.run(persons_by_sex()).await.unwrap();
    assert_eq!(table.receipts, expected);
    // An earlier table keeps its receipts.
    let again = world.run(persons_by_sex()).await.unwrap();
    assert!(again.is_earlier);
    assert_eq!(again.receipts, expected);
}

#[tokio::test]
async fn a_register_without_receipts_is_in_the_table_all_the_same() {
    let world = World::new().await;
    for register in ["nord", "vest"] {
        gives(&world, register, |_| String::new());
    }
    let table = world.run(persons_by_sex()).await.unwrap();
    assert_eq!(table.receipts, []);
    let states = table.registers.iter().map(wire::RegisterProgress::state);
    assert!(states.eq([wire::RegisterState::Answered; 2]));
}

#[tokio::test]
async fn a_part_whose_receipt_is_of_something_else_is_no_part() {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    let changes: [fn(&mut Receipt); 8] = [
        |it| it.register = RegisterId::parse("nord").unwrap(),
        |it| it.query = QueryName::from_bytes([9; 32]),
        |it| it.permit = PermitId::new("helsedata.example", "2026-2").unwrap(),
        |it| it.permit_digest = [9; 32],
        |it| it.snapshot = [9; 32],
        |it| it.purpose = Purpose::Administration,
        |it| it.smallest_cell = 3,
        |it| it.rounding_base = 1,
    ];
    let good = receipt(&world, "vest").await;
    let mut wrong: Vec<Make<'_>> = Vec::new();
    for change in changes {
        let mut other = good.clone();
        change(&mut other);
        wrong.push(Box::new(move |leaf| signed(&other, "vest", leaf)));
    }
    // Of another entry, by another's key, changed after it was signed, and no receipt at all.
    wrong.push(Box::new(|_| signed(&good, "vest", [200; 32])));
    wrong.push(Box::new(|leaf| signed(&good, "nordvest", leaf)));
    wrong.push(Box::new(|leaf| {
        let text = signed(&good, "vest", leaf);
        text.replace("settings-age-s: 1", "settings-age-s: 0")
    }));
    wrong.push(Box::new(|_| "innsyn receipt 1".to_owned()));
    for (number, make) in wrong.into_iter().enumerate() {
        gives(&world, "vest", make);
        let table = world.run(persons_by_sex()).await.unwrap();
        let vest = table.registers.iter().find(|it| it.register_id == "vest");
        assert_eq!(
            vest.unwrap().state(),
            wire::RegisterState::Silent,
            "{number}"
        );
    }
}

/// What `register` signs of a refusal of persons by sex.
async fn refusal(world: &World, register: &str) -> RefusalReceipt {
    let part = receipt(world, register).await;
    RefusalReceipt {
        register: part.register,
        query: part.query,
        permit: part.permit,
        permit_digest: part.permit_digest,
        snapshot: part.snapshot,
        purpose: part.purpose,
        ground: RefusalGround::SettingsTooOld(SettingsAge {
            read_at: part.settings_read_at,
            age_s: Some(3_605),
        }),
        use_log_leaf: part.use_log_leaf,
        at: part.at,
    }
}

#[tokio::test]
async fn promise_5_the_receipt_of_a_refusal_comes_with_the_table_and_stays_in_the_ledger() {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    let text = refusal(&world, "vest").await.sign(&log_of("vest")).unwrap();
    let too_old = node::Refusal::SettingsTooOld;
    let vest = world.agent("vest");
    vest.does(Behaviour::RefusesSigned(too_old, text.clone()));
    for is_earlier in [false, true] {
        let table = world.run(persons_by_sex()).await.unwrap();
        assert_eq!(table.is_earlier, is_earlier);
        let told = table.registers.iter().find(|it| it.register_id == "vest");
        let told = told.unwrap();
        assert_eq!(told.refusal_reason(), wire::RefusalReason::SettingsTooOld);
        let expected = wire::Receipt {
            register_id: "vest".to_owned(),
            text: text.clone(),
            is_signature_checked: true,
        };
        assert_eq!(told.refusal_receipt.as_ref(), Some(&expected));
        assert_eq!(table.receipts, [], "none of a part");
    }
}

#[tokio::test]
async fn a_refusal_whose_receipt_is_of_something_else_is_not_believed() {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    let changes: [fn(&mut RefusalReceipt); 6] = [
        |it| it.register = RegisterId::parse("nord").unwrap(),
        |it| it.query = QueryName::from_bytes([9; 32]),
        |it| it.permit = PermitId::new("helsedata.example", "2026-2").unwrap(),
        |it| it.permit_digest = [9; 32],
        |it| it.purpose = Purpose::Administration,
        |it| it.ground = RefusalGround::Steward,
    ];
    let good = refusal(&world, "vest").await;
    let mut wrong: Vec<String> = Vec::new();
    for change in changes {
        let mut other = good.clone();
        change(&mut other);
        wrong.push(other.sign(&log_of("vest")).unwrap());
    }
    // By another's key, changed after it was signed, of a part, and no receipt at all.
    wrong.push(good.sign(&log_of("nordvest")).unwrap());
    let text = good.sign(&log_of("vest")).unwrap();
    wrong.push(text.replace("settings-age-s: 3605", "settings-age-s: 3"));
    wrong.push(signed(&receipt(&world, "vest").await, "vest", [7; 32]));
    wrong.push("innsyn refusal 1".to_owned());
    for (number, text) in wrong.into_iter().enumerate() {
        let vest = world.agent("vest");
        vest.does(Behaviour::RefusesSigned(
            node::Refusal::SettingsTooOld,
            text,
        ));
        // The table is the first one, given again; what is told on the way is new.
        let (told, table) = world.run_of(world.asking(persons_by_sex())).await;
        assert!(
            told.contains(&"vest SILENT".to_owned()),
            "{number} {told:?}"
        );
        let table = table.unwrap();
        let vest = table.registers.iter().find(|it| it.register_id == "vest");
        assert_eq!(vest.unwrap().refusal_receipt, None);
    }
}

#[tokio::test]
async fn a_run_is_for_its_permits_purpose_and_the_registers_are_told() {
    let world = World::new().await;
    for register in ["nord", "vest"] {
        world.agent(register).counts(sexes(103, 52));
    }
    world.run(persons_by_sex()).await.unwrap();
    let asked = world.agent("vest").asked();
    assert_eq!(asked[0].purpose(), types::Purpose::Research);

    let named = |purpose: i32| wire::RunRequest {
        purpose,
        ..world.asking(persons_by_sex())
    };
    let run = async |purpose| world.run_of(named(purpose)).await.1;
    assert!(run(types::Purpose::Research.into()).await.is_ok());
    let other = run(types::Purpose::Administration.into())
        .await
        .unwrap_err();
    assert_eq!(other.code(), Code::PermissionDenied);
    let details = other.get_details_error_info().unwrap();
    assert_eq!(details.reason, "OUTSIDE_DATA_PERMIT");
    assert_eq!(details.metadata["field"], "purpose");
    let none = run(77).await.unwrap_err();
    assert_eq!(
        none.get_details_error_info().unwrap().reason,
        "PURPOSE_UNKNOWN"
    );
    assert_eq!(world.asked(), 2);
}
