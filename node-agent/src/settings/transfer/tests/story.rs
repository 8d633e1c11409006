//! A federation of two registers: one whose agent is whole, and one that came late.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::{
    Clock as _, DefinitionId, LegalBasis, ManualClock, Organisation, Register, RegisterId,
    RegisterKind, Timestamp, UseKind,
};
use innsyn_proto::head::HeadSigner;
use innsyn_proto::identity::GatewayName;
use innsyn_proto::sealing::ItemKind;
use innsyn_proto::setting::definitions::SettingDefinitions;
use innsyn_proto::setting::export::Recipient;
use innsyn_proto::setting::{ActedAs, Change, ChangeId, Heartbeat, Item};
use innsyn_proto::tls::{Authority, Credentials, TlsFiles};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ED25519, SanType,
};
use tempfile::TempDir;

use super::super::*;
use crate::records::Records;
use crate::settings::keeper::KeeperParts;
use crate::settings::kept;
use crate::settings::{Currency, Elsewhere, KeptSettings, papers, proofs};
use crate::subjects::SubjectKey;
use crate::test_ids::{NUMBERS, person};
use crate::uselog::tests::entries_on;
use crate::uselog::{Entry, LogKeys, SimDisk, UseLog, UseLogConfig};

/// The opt-out, a consent at every register, and one definition of each register's own.
pub(super) const DEFINITIONS: [(&str, Option<&str>); 4] = [
    ("reservation", None),
    ("consent", None),
    ("block", Some("npr")),
    ("block", Some("kreft")),
];
/// 2027-01-15T08:00:00Z.
pub(super) const NOW_S: i64 = 1_800_000_000;

pub(super) fn definition(n: u8) -> DefinitionId {
    let mut bytes = [0; 16];
    bytes[15] = n;
    DefinitionId::from_bytes(bytes)
}

pub(super) const OPT_OUT: u8 = 1;
pub(super) const CONSENT: u8 = 2;
pub(super) const OF_NPR: u8 = 3;
pub(super) const OF_KREFT: u8 = 4;

pub(super) fn definitions(leaving_out: &[u8]) -> SettingDefinitions {
    let rows = DEFINITIONS.iter().zip(1_u8..);
    let rows = rows.filter(|(_, n)| !leaving_out.contains(n));
    let rows = rows.map(|((kind, register), n)| {
        let register = register.map(|it| format!("register = \"{it}\"\n"));
        format!(
            "[[definition]]\nid = \"{}\"\npart = \"HDIR\"\nkind = \"{kind}\"\n{}\
             purposes = [\"research\"]\nlegal_ground = \"oppdiktet\"\ntext_version = 1\n\
             name = \"N\"\nname_en = \"N\"\n",
            definition(n),
            register.unwrap_or_default(),
        )
    });
    let text = rows.collect::<Vec<_>>().concat();
    SettingDefinitions::parse(&text).unwrap()
}

pub(super) fn gateway() -> GatewayName {
    "helsenorge".parse().unwrap()
}

pub(super) fn signer() -> HeadSigner {
    HeadSigner::from_seed("innsyn://gateway/helsenorge", [1; 32]).unwrap()
}

pub(super) fn register(id: &str) -> RegisterId {
    RegisterId::parse(id).unwrap()
}

/// A federation's CA and the folders of its registers.
pub(super) struct Federation {
    pub(super) folder: TempDir,
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) clock: Arc<ManualClock>,
}

/// A register's disks, which outlive its agent.
pub(super) struct Place {
    pub(super) id: &'static str,
    pub(super) folder: PathBuf,
    pub(super) tls: TlsFiles,
    pub(super) disk: SimDisk,
    pub(super) clock: Arc<ManualClock>,
    pub(super) leaving_out: Vec<u8>,
    pub(super) elsewhere: Vec<u8>,
    pub(super) issuers: BTreeSet<String>,
}

pub(super) struct Agent {
    pub(super) keeper: Arc<Keeper>,
    pub(super) log: Arc<UseLog>,
    pub(super) transfers: Arc<Transfers>,
    pub(super) desk: TransferDesk,
    pub(super) clock: Arc<ManualClock>,
}

impl Federation {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().pem();
        std::fs::write(folder.path().join("ca.pem"), certificate).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            folder,
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(NOW_S))),
        }
    }

    pub(super) fn place(&self, id: &'static str) -> Place {
        let folder = self.folder.path().join(id);
        std::fs::create_dir(&folder).unwrap();
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let uri = format!("innsyn://node/{id}");
        let uri = SanType::URI(uri.as_str().try_into().unwrap());
        params.subject_alt_names.push(uri);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let ca = self.folder.path().join("ca.pem");
        let tls = TlsFiles {
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
            federation_ca: ca.clone(),
            relay_ca: ca,
        };
        std::fs::write(&tls.certificate, certificate.pem()).unwrap();
        std::fs::write(&tls.key, key.serialize_pem()).unwrap();
        Place {
            id,
            folder,
            tls,
            disk: SimDisk::new(1),
            clock: Arc::clone(&self.clock),
            leaving_out: Vec::new(),
            elsewhere: Vec::new(),
            issuers: BTreeSet::new(),
        }
    }
}

impl Place {
    pub(super) async fn agent(&self) -> Agent {
        // Every register's keys are its own.
        let mut random = StdRng::seed_from_u64(self.id.len() as u64);
        let at = self.folder.join("records");
        let key = self.folder.join("records.key");
        let schemas = [
            kept::SCHEMA,
            papers::SCHEMA,
            proofs::SCHEMA,
            crate::settings::forwarding::SCHEMA,
            SCHEMA,
        ];
        let records = Records::open(&at, &key, &schemas, &mut random)
            .await
            .unwrap();
        let elsewhere = self.elsewhere.iter().map(|it| definition(*it));
        let kept = KeptSettings::with_elsewhere(
            LegalBasis::Consent,
            Arc::new(definitions(&self.leaving_out)),
            Arc::new(SubjectKey::generate(&mut random, None)),
            Currency::new(Duration::from_mins(1), [gateway()]),
            Elsewhere::new(Duration::from_mins(1), elsewhere),
        );
        kept.load(&records).await.unwrap();
        let keys = LogKeys::from_seed(&register(self.id), [7; 32]).unwrap();
        let salts = StdRng::seed_from_u64(1);
        let log = UseLog::open(UseLogConfig::default(), keys, self.disk.clone(), salts).unwrap();
        let log = Arc::new(log);
        let keeper = Arc::new(Keeper::new(KeeperParts {
            register: Register {
                id: register(self.id),
                kind: RegisterKind::Central,
                legal_basis: LegalBasis::Consent,
                membership_is_sensitive: false,
            },
            rules: NUMBERS.rules,
            kept,
            records,
            log: Arc::clone(&log),
            clock: self.clock.clone(),
            gateways: BTreeMap::from([(gateway(), signer().public().unwrap())]),
        }));
        let transfers = Transfers::new(TransfersParts {
            keeper: Arc::clone(&keeper),
            tls: self.tls.clone(),
            issuers: self.issuers.clone(),
            numbers: NUMBERS,
            random,
        });
        let desk = TransferDesk::open(&at, &key, rand::make_rng())
            .await
            .unwrap();
        Agent {
            keeper,
            log,
            transfers,
            desk,
            clock: Arc::clone(&self.clock),
        }
    }

    /// The changes of settings in the log, as they stand on the disk.
    pub(super) fn changes(&self) -> Vec<Entry> {
        let entries = entries_on(&self.disk).into_iter().map(|(entry, _)| entry);
        entries
            .filter(|it| it.kind() == UseKind::SettingChange)
            .collect()
    }

    /// What the register's `recipient` prints.
    pub(super) fn recipient(&self, agent: &Agent) -> String {
        let recipient = Recipient {
            register: register(self.id),
            key: agent.desk.opening().public().clone(),
            at: self.clock.now(),
        };
        let node = Credentials::load(&self.tls.certificate, &self.tls.key).unwrap();
        recipient.sign(&node).unwrap()
    }

    /// Imports `file` as the command and the running agent do.
    pub(super) async fn imports(
        &self,
        agent: &mut Agent,
        file: &Path,
        list: &str,
    ) -> Result<TransferOutcome, TransferDeskError> {
        let federation = Authority::load(&self.tls.federation_ca).unwrap();
        let (id, now) = (register(self.id), self.clock.now());
        agent.desk.look(file, &id, &federation, now)?;
        let definitions = definitions(&self.leaving_out);
        let rows = || own::rows(list.as_bytes(), &definitions, &id, NUMBERS, now);
        rows().try_for_each(|row| row.map(drop))?;
        let word = agent.desk.ask_import(file, rows(), now).await?;
        let taken = agent.transfers.take_words(true).await;
        taken?;
        agent.desk.outcome(&word, Duration::ZERO).await
    }
}

impl Agent {
    pub(super) async fn ends(self) {
        self.desk.close().await;
        self.keeper.records().close().await;
        self.log.close().await;
    }

    /// Exports for `recipient` into `out`, as the command and the running agent do.
    pub(super) async fn exports(&mut self, recipient: &str, out: &Path) -> TransferOutcome {
        let now = self.clock.now();
        let word = self.desk.ask_export(recipient, now).await.unwrap();
        self.transfers.take_words(true).await.unwrap();
        let outcome = self.desk.outcome(&word, Duration::ZERO).await.unwrap();
        if let TransferOutcome::Done(_) = outcome {
            self.desk.collect(&word, out).await.unwrap();
        }
        outcome
    }

    /// Takes `items` out of a mailbox.
    pub(super) async fn takes(&self, items: impl IntoIterator<Item = Item>) {
        let key = self.keeper.opening().public().clone();
        let mut random: StdRng = rand::make_rng();
        let sealed = items.into_iter().map(|item| {
            let note = item.sign(&signer()).unwrap();
            let sealed = key.seal(ItemKind::Setting, &item.register, &note, &mut random);
            (item.number.to_be_bytes().to_vec(), sealed.unwrap())
        });
        let sealed: Vec<_> = sealed.collect();
        self.keeper.take(sealed).await.unwrap();
    }

    pub(super) fn hears(&self, latest: u64) {
        let heartbeat = Heartbeat {
            gateway: gateway(),
            register: self.keeper.register().clone(),
            latest,
            at: self.clock.now(),
        };
        let note = heartbeat.sign(&signer()).unwrap();
        self.keeper.heartbeat(&gateway(), &note).unwrap();
    }

    pub(super) fn applied(&self) -> u64 {
        let currency = self.keeper.kept().currency();
        currency.standing(&gateway()).unwrap().applied
    }

    pub(super) fn is_current(&self) -> bool {
        let now = self.clock.now();
        self.keeper.kept().currency().is_current(now)
    }

    /// What `who` has said of `of`, in memory; whether it stands.
    pub(super) fn said(&self, who: usize, of: u8) -> Option<bool> {
        let said = self.keeper.kept().said_by(&person(who));
        let mut said = said
            .into_iter()
            .filter(|it| it.definition == definition(of));
        said.next().map(|it| it.active)
    }
}

/// The item with which `who` says `active` of `of`, to the register called `to`.
pub(super) fn item(number: u64, to: &str, who: usize, (of, active): (u8, bool)) -> Item {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let concerns = match of {
        OF_NPR => to == "npr",
        OF_KREFT => to == "kreft",
        _ => true,
    };
    Item {
        gateway: gateway(),
        register: register(to),
        number,
        at: Timestamp::from_seconds(NOW_S - 1_000),
        content: concerns.then(|| Change {
            id: ChangeId(id),
            definition: definition(of),
            text_version: 1,
            person: person(who),
            by: person(who),
            organisation: Organisation::parse("983658776").unwrap(),
            acted_as: ActedAs::Own,
            sequence: i64::try_from(number).unwrap(),
            active,
            until: None,
        }),
    }
}

/// What was said, number by number.
pub(super) const SAID: [(usize, (u8, bool)); 6] = [
    (1, (OPT_OUT, true)),
    (2, (OPT_OUT, true)),
    (2, (OPT_OUT, false)),
    (3, (OF_NPR, true)),
    (3, (CONSENT, false)),
    (4, (OF_KREFT, true)),
];

/// The items of the numbers `numbers` for the register called `to`.
pub(super) fn items(to: &str, numbers: std::ops::RangeInclusive<u64>) -> Vec<Item> {
    let items = SAID.iter().zip(1..);
    items
        .filter(|(_, number)| numbers.contains(number))
        .map(|((who, says), number)| item(number, to, *who, *says))
        .collect()
}

/// A whole agent, an agent that came late, and where a file is carried.
pub(super) struct Story {
    pub(super) npr: Place,
    pub(super) kreft: Place,
    pub(super) file: PathBuf,
    pub(super) federation: Federation,
}

impl Story {
    pub(super) fn new() -> Self {
        let federation = Federation::new();
        Self {
            npr: federation.place("npr"),
            kreft: federation.place("kreft"),
            file: federation.folder.path().join("export"),
            federation,
        }
    }

    /// An agent that has everything up to number 5, and is current.
    pub(super) async fn whole(&self) -> Agent {
        let npr = self.npr.agent().await;
        npr.takes(items("npr", 1..=5)).await;
        npr.hears(5);
        npr
    }

    /// The file that a whole agent exports for the late `kreft`.
    pub(super) async fn exported(&self, kreft: &Agent) {
        let mut npr = self.whole().await;
        let outcome = npr.exports(&self.kreft.recipient(kreft), &self.file).await;
        assert!(matches!(outcome, TransferOutcome::Done(_)), "{outcome:?}");
        npr.ends().await;
    }
}
