//! Whoever is told checks again, and a gateway that tells otherwise, or a register that witnesses
//! contradict, is found.

use std::collections::BTreeMap;

use innsyn_proto::head::{HeadKey, HeadSigner, SignedHead, countersign};
use innsyn_proto::uselog::checked::{CheckError, Doubts, Held, SeenByOther, check};
use innsyn_proto::uselog::proof::{self, CheckAgainError, check_again};
use innsyn_proto::uselog::reading::UsesFault;
use innsyn_proto::uselog::told::tell;
use innsyn_proto::wire::citizen::v1 as citizen;

use super::*;

fn gateway_signer() -> HeadSigner {
    HeadSigner::from_seed("helsenorge", [5; 32]).unwrap()
}

fn npr() -> HeadSigner {
    HeadSigner::from_seed("innsyn/npr", [6; 32]).unwrap()
}

fn key_of(world: &World) -> HeadKey {
    HeadKey::parse(world.log.public_key()).unwrap()
}

/// What an honest gateway holds the register to: the head of an earlier look, which `npr` has
/// signed too.
async fn held(world: &World) -> Held {
    let head = world.log.sign_head().await.unwrap().unwrap();
    let key = key_of(world);
    let signed_by =
        |signer: &HeadSigner| countersign(head.note(), &key, None, &[], signer, now()).unwrap();
    Held {
        register: RegisterId::parse("kreft").unwrap(),
        kept: Some((key.text().to_owned(), signed_by(&gateway_signer()))),
        others: vec![SeenByOther {
            key: npr().witness().unwrap(),
            head: signed_by(&npr()),
        }],
        doubts: BTreeMap::new(),
        receipt: None,
    }
}

/// The pages of a reading by a gateway that holds the register to `held`.
async fn pages(world: &World, held: &Held, id: u8) -> Vec<wire::ListUsesResponse> {
    let question = own(id, 0).question.unwrap();
    let first = held.request(question, 0);
    let mut pages = vec![world.list(first.clone()).await.unwrap()];
    while let Some(next) = pages.last().unwrap().continued {
        let request = wire::ListUsesRequest {
            continued: Some(next),
            known_sizes: Vec::new(),
            ..first.clone()
        };
        pages.push(world.list(request).await.unwrap());
    }
    pages
}

/// What an honest gateway tells, with its proof.
fn told(pages: &[wire::ListUsesResponse], held: &Held, id: u8) -> citizen::RegisterUses {
    let witness = gateway_signer().witness().unwrap();
    let checked = check(pages, held, question(id), std::slice::from_ref(&witness)).unwrap();
    let mut uses = citizen::RegisterUses {
        register_id: "kreft".to_owned(),
        proof: Some(proof::of(question(id), pages, held, &witness)),
        ..citizen::RegisterUses::default()
    };
    tell(&mut uses, pages, &checked);
    uses
}

#[tokio::test]
async fn what_an_honest_gateway_tells_holds_for_whoever_checks_again() {
    let world = World::new();
    world.used(0, 60, person(0), POLICE).await;
    let held = held(&world).await;
    let uses = told(&pages(&world, &held, 1).await, &held, 1);
    let checked = check_again(&uses, None).unwrap();
    assert_eq!((checked.entries.len(), uses.uses.len()), (61, 61));
    let by: Vec<&str> = checked.witnesses.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(by, ["helsenorge", "innsyn/npr"]);
    assert_eq!(checked.witnessed_entries(), 60);

    // And the next reading is held to the receipt of this one, by the person themself.
    let receipt = ReadingReceipt::read(&uses.receipt, &key_of(&world)).unwrap();
    let given = Some((receipt, uses.receipt.clone()));
    let held = Held {
        receipt: given.clone(),
        ..held
    };
    let next = told(&pages(&world, &held, 2).await, &held, 2);
    assert!(check_again(&next, given).unwrap().continues_receipt);
}

#[tokio::test]
async fn a_gateway_that_tells_otherwise_than_the_register_is_found() {
    type Lie = fn(&mut citizen::RegisterUses);
    let world = World::new();
    world.used(0, 3, person(0), POLICE).await;
    let held = held(&world).await;
    let uses = told(&pages(&world, &held, 1).await, &held, 1);
    let lies: [(&str, Lie); 8] = [
        ("a use left out", |uses| drop(uses.uses.remove(1))),
        ("another organisation", |uses| {
            "983658776".clone_into(&mut uses.uses[1].organisation);
        }),
        ("another time", |uses| {
            "2020-01-01T00:00:00Z".clone_into(&mut uses.uses[1].at);
        }),
        ("a use made up", |uses| uses.uses.push(uses.uses[0].clone())),
        ("another decision", |uses| {
            "DENIED".clone_into(&mut uses.uses[1].decision);
        }),
        ("something held back", |uses| {
            uses.held_back = Some(citizen::HeldBackUses::default());
        }),
        ("another receipt", |uses| uses.receipt.push('x')),
        ("more checked than there is", |uses| {
            uses.verified.as_mut().unwrap().chained += 1;
        }),
    ];
    for (lie, tell) in lies {
        let mut uses = uses.clone();
        tell(&mut uses);
        let found = check_again(&uses, None);
        let is_found = matches!(found, Err(CheckAgainError::ToldOtherwise));
        assert!(is_found, "{lie}");
    }
    let mut without = uses.clone();
    without.proof = None;
    let found = check_again(&without, None);
    assert!(matches!(found, Err(CheckAgainError::NoProof)));
    let mut other_pages = uses.clone();
    let pages = &mut other_pages.proof.as_mut().unwrap().pages;
    let mut page = wire::ListUsesResponse::decode(pages[0].as_slice()).unwrap();
    page.uses.remove(1);
    pages[0] = page.encode_to_vec();
    let found = check_again(&other_pages, None);
    assert!(matches!(found, Err(CheckAgainError::Check(_))));
}

#[tokio::test]
async fn a_log_that_a_witness_has_seen_otherwise_is_not_told() {
    let world = World::new();
    world.used(0, 5, person(0), POLICE).await;
    let honest = held(&world).await;
    // The same register, with the same key, has shown `npr` another log: as long, shorter, longer.
    for entries in [5, 2, 40] {
        let elsewhere = World::new();
        elsewhere.used(1, entries, person(1), POLICE).await;
        let shown = elsewhere.log.sign_head().await.unwrap().unwrap();
        let mut held = honest.clone();
        held.others[0].head = SignedHead::read(shown.note(), &key_of(&world)).unwrap();
        let pages = pages(&world, &held, entries).await;
        let found = check(&pages, &held, question(entries), &[]).unwrap_err();
        let by_witness = matches!(found, CheckError::Fault(UsesFault::Witness(_)));
        assert!(by_witness, "{entries}: {found}");
        assert_eq!(found.mechanism(), "witness");
        // Were the witness not asked, it would come through.
        held.others.clear();
        assert!(check(&pages, &held, question(entries), &[]).is_ok());
    }
}

#[tokio::test]
async fn two_logs_are_two_logs_where_most_witnesses_say_so_and_one_that_lies_hides_nothing() {
    let world = World::new();
    world.used(0, 2, person(0), POLICE).await;
    let mut held = held(&world).await;
    let pages = pages(&world, &held, 1).await;
    for (saying_so, of, is_told) in [(0, 3, true), (1, 3, true), (2, 3, false), (1, 1, false)] {
        let says = |n| Doubts {
            other_key: n < saying_so,
            disputed: false,
        };
        held.doubts = (0..of).map(|n| (format!("witness-{n}"), says(n))).collect();
        let checked = check(&pages, &held, question(1), &[]);
        assert_eq!(checked.is_ok(), is_told, "{saying_so} of {of}");
        match checked {
            Ok(checked) => assert_eq!(checked.disputed_by.len(), saying_so),
            Err(error) => assert_eq!(error.mechanism(), "witness"),
        }
    }
}
