//! What others have said for people, and what stands on papers.

use innsyn_policy::{
    Area, LegalBasis, Mandate, MandateKind, Register, RegisterKind, UseDecision, Validity,
};
use innsyn_proto::mandate::{MandateIssuers, MandateKey, MandateSigner};
use innsyn_proto::setting::ActedAs;
use rcgen::{KeyPair, PKCS_ED25519};

use super::*;
use crate::settings::proofs;
use crate::settings::representing::Representing;

const ISSUER: &str = "helsenorge.example";

/// The agent takes the mandates that `key` signs, if there is one.
fn trusts(agent: &Agent, key: Option<&KeyPair>) {
    let issuers = key.map(|key| {
        let public = MandateKey::from_pem(&key.public_key_pem()).unwrap();
        (ISSUER.to_owned(), public)
    });
    agent.keeper.kept().represented_by(Representing {
        register: Register {
            id: agent.keeper.register().clone(),
            kind: RegisterKind::Central,
            legal_basis: LegalBasis::Consent,
            membership_is_sensitive: false,
        },
        issuers: MandateIssuers::from_iter(issuers),
        revoked: None,
    });
}

/// The opt-out that person 2 says for `who`.
fn for_another(number: u64, who: usize, acted_as: ActedAs) -> Item {
    let mut item = item(number, "npr", who, (OPT_OUT, true));
    let change = item.content.as_mut().unwrap();
    (change.by, change.acted_as) = (person(2), acted_as);
    item
}

#[tokio::test]
async fn a_proxys_change_goes_with_its_mandate_which_the_late_register_judges_itself() {
    for is_trusted in [true, false] {
        let mut story = Story::new();
        story.npr.issuers = BTreeSet::from([ISSUER.to_owned()]);
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let (mut npr, mut kreft) = (story.npr.agent().await, story.kreft.agent().await);
        trusts(&npr, Some(&key));
        trusts(&kreft, is_trusted.then_some(&key));
        let mandate = Mandate {
            kind: MandateKind::PowerOfAttorney,
            giver: person(1),
            holder: person(2),
            areas: [Area::AllInsight, Area::Settings].into_iter().collect(),
            validity: Validity {
                from: Timestamp::from_seconds(NOW_S - 2_000),
                until: Timestamp::from_seconds(NOW_S + 2_000),
            },
            is_revoked: false,
        };
        let signer = MandateSigner::from_pem(ISSUER, &key.serialize_pem()).unwrap();
        let proof = signer.sign("7", &mandate).unwrap();
        let born = jiff::civil::date(2020, 5, 2);
        npr.takes([
            for_another(1, 1, ActedAs::PowerOfAttorney(proof.clone())),
            for_another(2, 3, ActedAs::Parent(Some(born))),
        ])
        .await;
        npr.hears(2);
        let outcome = npr
            .exports(&story.kreft.recipient(&kreft), &story.file)
            .await;
        assert!(matches!(outcome, TransferOutcome::Done(_)), "{outcome:?}");
        for _ in 0..2 {
            let outcome = story.kreft.imports(&mut kreft, &story.file, "").await;
            assert!(
                matches!(outcome, Ok(TransferOutcome::Done(_))),
                "{outcome:?}"
            );
        }

        assert_eq!(kreft.said(1, OPT_OUT), is_trusted.then_some(true));
        assert_eq!(kreft.said(3, OPT_OUT), Some(true), "a parent's");
        let archived = proofs::proofs_of(kreft.keeper.records(), &person(1)).await;
        let archived = archived.unwrap().into_iter().map(|(_, proof)| proof);
        let expected: Vec<_> = is_trusted.then_some(proof).into_iter().collect();
        assert_eq!(archived.collect::<Vec<_>>(), expected);
        kreft.ends().await;
        let decisions: Vec<_> = story.kreft.changes().iter().map(|it| it.decision).collect();
        assert_eq!(decisions.len(), 2, "once, also where it is refused");
        assert_eq!(decisions[0] == UseDecision::Answered, is_trusted);
    }
}

#[tokio::test]
async fn what_stands_on_a_registers_papers_binds_there_alone() {
    let story = Story::new();
    let mut kreft = story.kreft.agent().await;
    let mut npr = story.whole().await;
    let paper = item(9, "npr", 8, (OPT_OUT, true)).content.unwrap();
    npr.keeper
        .take_change(&Writer::Clerk, &paper)
        .await
        .unwrap();
    assert_eq!(npr.said(8, OPT_OUT), Some(true));
    let outcome = npr
        .exports(&story.kreft.recipient(&kreft), &story.file)
        .await;
    let TransferOutcome::Done(told) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(told.contains("4 changes for `kreft`"), "{told}");
    let outcome = story.kreft.imports(&mut kreft, &story.file, "").await;
    assert!(
        matches!(outcome, Ok(TransferOutcome::Done(_))),
        "{outcome:?}"
    );
    assert_eq!(kreft.said(8, OPT_OUT), None);
    assert_eq!(kreft.said(1, OPT_OUT), Some(true));
}
