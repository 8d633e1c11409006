//! Changes for others: what proves them is archived, and what does not prove them changes nothing.

use innsyn_policy::{
    Area, DenyReason, Mandate, MandateKind, Register, RegisterKind, UseDecision, Validity,
    WithheldReason,
};
use innsyn_proto::mandate::{MandateIssuers, MandateKey, MandateSigner, SignedMandate};
use rcgen::{KeyPair, PKCS_ED25519};

use super::*;
use crate::settings::proofs;
use crate::settings::representing::Representing;

const ISSUER: &str = "helsenorge.example";
const REVOKED: &str = "revoked.txt";

/// A register that trusts one issuer, and the issuer.
struct Trusting {
    world: World,
    signer: MandateSigner,
    key: KeyPair,
}

/// That person 1 lets person 2 act from 800 to 1,000 seconds after 1970.
fn mandate(kind: MandateKind) -> Mandate {
    Mandate {
        kind,
        giver: person(1),
        holder: person(2),
        areas: [Area::AllInsight, Area::Settings].into_iter().collect(),
        validity: Validity {
            from: Timestamp::from_seconds(800),
            until: Timestamp::from_seconds(1_000),
        },
        is_revoked: false,
    }
}

impl Trusting {
    async fn new(is_sensitive: bool) -> Self {
        let world = World::new().await;
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let revoked = world.folder.path().join(REVOKED);
        std::fs::write(&revoked, format!("{ISSUER} taken-back\n")).unwrap();
        let public = MandateKey::from_pem(&key.public_key_pem()).unwrap();
        world.kept.represented_by(Representing {
            register: Register {
                id: hunt(),
                kind: RegisterKind::Survey,
                legal_basis: LegalBasis::Consent,
                membership_is_sensitive: is_sensitive,
            },
            issuers: MandateIssuers::from_iter([(ISSUER.to_owned(), public)]),
            revoked: Some(revoked),
        });
        Self {
            signer: MandateSigner::from_pem(ISSUER, &key.serialize_pem()).unwrap(),
            world,
            key,
        }
    }

    /// Person 2 reserves for person 1 by `acted_as`; what the log says of it.
    async fn reserves(&self, number: u64, acted_as: ActedAs) -> UseDecision {
        let change = Change {
            by: person(2),
            acted_as,
            ..says(1, definition(1), number.cast_signed(), true)
        };
        let taken = self.world.take(&[item(number, Some(change))]).await;
        assert_eq!(taken, [TakenItem::Applied], "a refused one stops nobody");
        let entries = entries_on(&self.world.disk);
        let (entry, _) = entries.last().unwrap();
        let tagger = self.world.log.tagger();
        assert_eq!(entry.caller, tagger.caller(&person(2)), "who did it");
        let crate::uselog::EntrySubject::Person(subject, _, _) = entry.subject else {
            panic!("one person's");
        };
        assert_eq!(subject, tagger.subject(&person(1)), "and for whom");
        entry.decision
    }

    fn is_reserved(&self) -> bool {
        self.world.kinds_of(1) == [(SettingKind::Reservation, true)]
    }
}

#[tokio::test]
async fn a_proven_act_binds_and_its_proof_is_archived_sealed() {
    let trusting = Trusting::new(false).await;
    for (number, kind) in (1..).zip([MandateKind::PowerOfAttorney, MandateKind::Guardian]) {
        let signed = trusting.signer.sign("7", &mandate(kind)).unwrap();
        let acted_as = match kind {
            MandateKind::Guardian => ActedAs::Guardian(signed.clone()),
            MandateKind::PowerOfAttorney => ActedAs::PowerOfAttorney(signed.clone()),
        };
        assert_eq!(
            trusting.reserves(number, acted_as).await,
            UseDecision::Answered
        );
        assert!(trusting.is_reserved());
        let records = &trusting.world.records;
        let archived = proofs::proofs_of(records, &person(1)).await.unwrap();
        assert_eq!(archived.last().unwrap().1, signed);
        assert!(
            proofs::proofs_of(records, &person(2))
                .await
                .unwrap()
                .is_empty()
        );
    }
    let world = trusting.world.restarted().await;
    let archived = proofs::proofs_of(&world.records, &person(1)).await.unwrap();
    assert_eq!(archived.len(), 2, "and outlives the agent");
    world.records.close().await;
    for file in std::fs::read_dir(world.folder.path().join("records")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = archived[0].1.expose().as_bytes();
        assert!(!bytes.windows(text.len()).any(|it| it == text), "sealed");
    }
}

#[tokio::test]
async fn the_matrix_of_proofs_that_prove_nothing_here() {
    use DenyReason as D;
    let trusting = Trusting::new(false).await;
    let other = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let stranger = MandateSigner::from_pem("nobody.example", &trusting.key.serialize_pem());
    let forger = MandateSigner::from_pem(ISSUER, &other.serialize_pem());
    let (stranger, forger) = (stranger.unwrap(), forger.unwrap());
    let good = || mandate(MandateKind::PowerOfAttorney);
    let sign = |mandate: Mandate| trusting.signer.sign("7", &mandate).unwrap();
    let lasts = |from, until| Validity {
        from: Timestamp::from_seconds(from),
        until: Timestamp::from_seconds(until),
    };
    let areas = |areas: &[Area]| areas.iter().cloned().collect();
    let not_covered = UseDecision::Withheld(WithheldReason::AreaNotCovered);
    let denied = UseDecision::Denied;
    // Said at 900 seconds, as `item` has it.
    let rows: Vec<(&str, SignedMandate, UseDecision)> = vec![
        (
            "expired",
            sign(Mandate {
                validity: lasts(100, 900),
                ..good()
            }),
            denied(D::RepresentationExpired),
        ),
        (
            "not yet valid",
            sign(Mandate {
                validity: lasts(901, 1_000),
                ..good()
            }),
            denied(D::RepresentationNotYetValid),
        ),
        (
            "revoked",
            trusting.signer.sign("taken-back", &good()).unwrap(),
            denied(D::RepresentationRevoked),
        ),
        (
            "wrong area",
            sign(Mandate {
                areas: areas(&[Area::AllInsight, Area::Dialogs]),
                ..good()
            }),
            not_covered,
        ),
        (
            "another register",
            sign(Mandate {
                areas: areas(&[Area::Kind(RegisterKind::Biobank), Area::Settings]),
                ..good()
            }),
            not_covered,
        ),
        (
            "another giver",
            sign(Mandate {
                giver: person(3),
                ..good()
            }),
            denied(D::RepresentationOfOthers),
        ),
        (
            "another holder",
            sign(Mandate {
                holder: person(3),
                ..good()
            }),
            denied(D::RepresentationOfOthers),
        ),
        (
            "wrong signer",
            forger.sign("7", &good()).unwrap(),
            denied(D::RepresentationUnproven),
        ),
        (
            "unknown issuer",
            stranger.sign("7", &good()).unwrap(),
            denied(D::RepresentationUnproven),
        ),
        (
            "a guardian's",
            sign(mandate(MandateKind::Guardian)),
            denied(D::RepresentationUnproven),
        ),
        (
            "no mandate at all",
            SignedMandate::parse("a.b.c").unwrap(),
            denied(D::RepresentationUnproven),
        ),
    ];
    for (number, (what, proof, expected)) in (1..).zip(rows) {
        let decided = trusting.reserves(number, ActedAs::PowerOfAttorney(proof));
        assert_eq!(decided.await, expected, "{what}");
        assert!(!trusting.is_reserved(), "{what}");
    }
    let archived = proofs::proofs_of(&trusting.world.records, &person(1)).await;
    assert!(archived.unwrap().is_empty(), "of no act");
}

#[tokio::test]
async fn a_parent_acts_at_sensitive_registers_until_twelve() {
    // 1970-01-01 is when it is said.
    let rows = [
        ("1968-01-01", true, UseDecision::Answered),
        (
            "1957-01-01",
            true,
            UseDecision::Withheld(WithheldReason::SensitiveFromTwelve),
        ),
        ("1957-01-01", false, UseDecision::Answered),
        (
            "1950-01-01",
            false,
            UseDecision::Denied(DenyReason::ChildNotUnder16),
        ),
    ];
    for (born, is_sensitive, expected) in rows {
        let trusting = Trusting::new(is_sensitive).await;
        let parent = ActedAs::Parent(Some(born.parse().unwrap()));
        assert_eq!(trusting.reserves(1, parent).await, expected, "{born}");
        assert_eq!(trusting.is_reserved(), expected == UseDecision::Answered);
    }
}

#[tokio::test]
async fn a_list_of_revoked_ones_that_cannot_be_read_lets_changes_wait() {
    let trusting = Trusting::new(false).await;
    let list = trusting.world.folder.path().join(REVOKED);
    std::fs::remove_file(&list).unwrap();
    let good = mandate(MandateKind::PowerOfAttorney);
    let proof = trusting.signer.sign("7", &good).unwrap();
    let change = Change {
        by: person(2),
        acted_as: ActedAs::PowerOfAttorney(proof.clone()),
        ..says(1, definition(1), 1, true)
    };
    let world = &trusting.world;
    let items = [item(1, Some(change))];
    let taken = world
        .kept
        .take_items(&items, &world.records, &world.log, &world.clock)
        .await;
    assert!(matches!(taken, Err(KeepError::Judge(_))), "{taken:?}");
    std::fs::write(&list, "").unwrap();
    let decided = trusting.reserves(1, ActedAs::PowerOfAttorney(proof));
    assert_eq!(decided.await, UseDecision::Answered, "nothing is lost");
}

#[tokio::test]
async fn where_no_issuer_is_trusted_people_change_their_own_alone() {
    let world = World::new().await;
    let change = Change {
        by: person(2),
        acted_as: ActedAs::Parent(Some("1969-01-01".parse().unwrap())),
        ..says(1, definition(1), 1, true)
    };
    world.take(&[item(1, Some(change))]).await;
    assert_eq!(world.kinds_of(1), []);
}
