//! Items through the mailbox: in any order, more than once, and forged.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use innsyn_policy::{
    DefinitionId, LegalBasis, ManualClock, Organisation, RegisterKind, SettingKind, Timestamp,
};
use innsyn_proto::head::HeadSigner;
use innsyn_proto::sealing::ItemKind;
use innsyn_proto::setting::{ActedAs, Change, ChangeId};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use super::*;
use crate::settings::Currency;
use crate::settings::kept::{OfPerson, SCHEMA};
use crate::subjects::SubjectKey;
use crate::test_ids::{NUMBERS, person};
use crate::uselog::{LogKeys, SimDisk, UseLogConfig};

const DEFINITIONS: &str = r#"
[[definition]]
id = "00000000-0000-0000-0000-000000000001"
part = "HDIR"
kind = "reservation"
purposes = ["research"]
legal_ground = "oppdiktet"
text_version = 1
name = "Reservasjon"
name_en = "Opt-out"
"#;

struct World {
    _folder: TempDir,
    keeper: Keeper,
    clock: Arc<ManualClock>,
    signer: HeadSigner,
    random: StdRng,
}

fn gateway() -> GatewayName {
    "helsenorge".parse().unwrap()
}

fn signer(seed: u8) -> HeadSigner {
    HeadSigner::from_seed("innsyn://gateway/helsenorge", [seed; 32]).unwrap()
}

fn register() -> Register {
    Register {
        id: RegisterId::parse("kreft").unwrap(),
        kind: RegisterKind::Central,
        legal_basis: LegalBasis::Reservation,
        membership_is_sensitive: false,
    }
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut random = StdRng::seed_from_u64(9);
        let (at, key) = (
            folder.path().join("records"),
            folder.path().join("records.key"),
        );
        let records = Records::open(
            &at,
            &key,
            &[SCHEMA, papers::SCHEMA, crate::settings::proofs::SCHEMA],
            &mut random,
        )
        .await
        .unwrap();
        let definitions =
            innsyn_proto::setting::definitions::SettingDefinitions::parse(DEFINITIONS).unwrap();
        let kept = KeptSettings::new(
            LegalBasis::Reservation,
            Arc::new(definitions),
            Arc::new(SubjectKey::generate(&mut random, None)),
            Currency::new(Duration::from_mins(1), [gateway()]),
        );
        let keys = LogKeys::from_seed(&register().id, [7; 32]).unwrap();
        let salts = StdRng::seed_from_u64(10);
        let log = UseLog::open(UseLogConfig::default(), keys, SimDisk::new(1), salts).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_000)));
        let signer = signer(1);
        let keeper = Keeper::new(KeeperParts {
            register: register(),
            rules: NUMBERS.rules,
            kept,
            records,
            log: Arc::new(log),
            clock: clock.clone(),
            gateways: BTreeMap::from([(gateway(), signer.public().unwrap())]),
        });
        Self {
            _folder: folder,
            keeper,
            clock,
            signer,
            random,
        }
    }

    fn item(number: u64, who: Option<usize>) -> Item {
        Item {
            gateway: gateway(),
            register: register().id,
            number,
            at: Timestamp::from_seconds(900),
            content: who.map(|who| Change {
                id: ChangeId([u8::try_from(number).unwrap(); 16]),
                definition: DefinitionId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
                text_version: 1,
                person: person(who),
                by: person(who),
                organisation: Organisation::parse("983658776").unwrap(),
                acted_as: ActedAs::Own,
                sequence: i64::try_from(number).unwrap(),
                active: true,
                until: None,
            }),
        }
    }

    /// The item as a relay has it: its name, and sealed.
    fn sealed(&mut self, item: &Item, signer: &HeadSigner) -> (ItemName, Vec<u8>) {
        let note = item.sign(signer).unwrap();
        let key = self.keeper.opening.public().clone();
        let sealed = key
            .seal(ItemKind::Setting, &register().id, &note, &mut self.random)
            .unwrap();
        (vec![u8::try_from(item.number).unwrap(); 16], sealed)
    }

    fn of_gateway(&mut self, number: u64, who: Option<usize>) -> (ItemName, Vec<u8>) {
        let (item, signer) = (Self::item(number, who), self.signer.clone());
        self.sealed(&item, &signer)
    }

    fn has_said(&self, who: usize) -> bool {
        match self.keeper.kept().of(&person(who)) {
            OfPerson::Known(settings) => settings
                .iter()
                .any(|it| it.kind == SettingKind::Reservation),
            OfPerson::Undefined => panic!("undefined"),
        }
    }

    fn hears(&self, latest: u64) -> u64 {
        let heartbeat = Heartbeat {
            gateway: gateway(),
            register: register().id,
            latest,
            at: Timestamp::from_seconds(1),
        };
        let note = heartbeat.sign(&self.signer).unwrap();
        self.keeper.heartbeat(&gateway(), &note).unwrap().applied
    }

    fn is_current(&self) -> bool {
        self.keeper.kept().is_current(self.clock.now())
    }
}

#[tokio::test]
async fn items_bind_in_their_order_however_they_come() {
    let mut world = World::new().await;
    assert_eq!(world.hears(3), 0);
    assert!(!world.is_current());

    // A relay that reorders: the third first. It waits, and the relay keeps it.
    let [one, two, three] =
        [(1, Some(1)), (2, None), (3, Some(3))].map(|(number, who)| world.of_gateway(number, who));
    assert_eq!(
        world.keeper.take([three.clone()]).await.unwrap(),
        Vec::<ItemName>::new()
    );
    assert!(!world.has_said(3));
    assert_eq!(
        world.keeper.take([one.clone()]).await.unwrap(),
        std::slice::from_ref(&one.0)
    );
    assert!(world.has_said(1) && !world.has_said(3));
    assert_eq!(world.hears(3), 1);
    assert!(
        !world.is_current(),
        "a gap: whoever withholds the second is noticed"
    );
    let forget = world.keeper.take([two.clone()]).await.unwrap();
    assert_eq!(forget, [two.0.clone(), three.0.clone()]);
    assert!(world.has_said(3));
    assert_eq!(world.hears(3), 3);
    assert!(world.is_current());

    // Replayed, they are forgotten and change nothing.
    let again = world.keeper.take([one, three]).await.unwrap();
    assert_eq!(again.len(), 2);
    assert_eq!(world.keeper.counts().applied.load(Ordering::Relaxed), 3);
    assert_eq!(world.keeper.counts().repeated.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn promise_5_nothing_forged_is_ever_applied() {
    let mut world = World::new().await;
    let honest = World::item(1, Some(1));
    let other_signer = signer(2);
    let by_other_key = world.sealed(&honest, &other_signer);
    let elsewhere = Item {
        register: RegisterId::parse("hunt").unwrap(),
        ..honest.clone()
    };
    let own = world.signer.clone();
    let for_other_register = world.sealed(&elsewhere, &own);
    let other_gateway = Item {
        gateway: "nhn".parse().unwrap(),
        ..honest.clone()
    };
    let of_other_gateway = world.sealed(&other_gateway, &own);
    let mut changed = world.sealed(&honest, &own);
    changed.1[100] ^= 1;
    let garbage = (vec![9; 16], vec![0; ItemKind::Setting.sealed_bytes()]);
    let short = (vec![8; 16], vec![1, 2, 3]);
    for (n, forged) in [
        by_other_key,
        for_other_register,
        of_other_gateway,
        changed,
        garbage,
        short,
    ]
    .into_iter()
    .enumerate()
    {
        let name = forged.0.clone();
        assert_eq!(
            world.keeper.take([forged]).await.unwrap(),
            [name],
            "the relay is rid of {n}"
        );
        assert!(!world.has_said(1), "{n}");
    }
    assert_eq!(world.keeper.counts().forged.load(Ordering::Relaxed), 6);
    assert_eq!(world.hears(0), 0);
    assert!(world.is_current());
}

#[tokio::test]
async fn a_heartbeat_of_another_key_or_for_another_register_says_nothing() {
    let world = World::new().await;
    let heartbeat = |register: &str| Heartbeat {
        gateway: gateway(),
        register: RegisterId::parse(register).unwrap(),
        latest: 0,
        at: Timestamp::from_seconds(1),
    };
    let by_other = heartbeat("kreft").sign(&signer(2)).unwrap();
    let elsewhere = heartbeat("hunt").sign(&world.signer).unwrap();
    for note in [by_other, elsewhere, "nothing".to_owned()] {
        assert!(world.keeper.heartbeat(&gateway(), &note).is_err());
    }
    let other = "nhn".parse().unwrap();
    let good = heartbeat("kreft").sign(&world.signer).unwrap();
    let refused = world.keeper.heartbeat(&other, &good).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    assert!(!world.is_current());
}
