//! A register's desk, a helsenorge that writes to it, and the doubles at its seams.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use innsyn_policy::{Environment, ManualClock, Timestamp};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use super::super::super::addresses::Freshness;
use super::super::super::msghead::{self, Body, Content, Numbers};
use super::super::super::store::SCHEMA;
use super::super::super::test_parties::{NOW, Wish};
use super::super::super::{
    AddressRegister, AddressesUnavailable, AppRec, Certificate, DecryptionKey, HerId, Inbox,
    NotReceived, Party, QueueName, Received, RegisterMessage, SIGNED_AND_ENVELOPED, SigningKey,
    open, seal,
};
use super::super::{
    Desk, DeskParts, Identity, Incoming, Post, PostError, Queue, Wire, application_headers,
};
use crate::records::Records;
use crate::test_ids::NUMBERS;

pub(super) const OURS: &str = "80001";
pub(super) const THEIRS: &str = "90002";
pub(super) const GOLDEN: &str = include_str!("../../tests/golden/melde_feil.xml");

/// Keys of both parties, made once for all tests.
pub(super) struct Keys {
    pub(super) our_signing: SigningKey,
    pub(super) our_decryption: DecryptionKey,
    pub(super) their_signing: SigningKey,
    pub(super) their_decryption: DecryptionKey,
    pub(super) forged_signing: SigningKey,
    pub(super) expired: Certificate,
}

pub(super) fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys {
        our_signing: Wish::signing(1).make().signing_key(),
        our_decryption: Wish::encrypting(2).make().decryption_key(),
        their_signing: Wish::signing(3).make().signing_key(),
        their_decryption: Wish::encrypting(4).make().decryption_key(),
        forged_signing: Wish::signing(3).make().signing_key(),
        expired: Wish {
            years: (2024, 2025),
            ..Wish::signing(5)
        }
        .make()
        .certificate(),
    })
}

/// The address register, as a test has it.
#[derive(Debug)]
pub(super) struct Addresses {
    pub(super) theirs: Mutex<Option<Party>>,
    pub(super) out: AtomicBool,
}

impl AddressRegister for Addresses {
    fn party(&self, her: HerId) -> BoxFuture<'_, Result<Option<Party>, AddressesUnavailable>> {
        let answer = if self.out.load(Ordering::SeqCst) {
            Err(AddressesUnavailable("out".to_owned()))
        } else {
            let theirs = self.theirs.lock().unwrap().clone();
            Ok(theirs.filter(|_| her.to_string() == THEIRS))
        };
        Box::pin(std::future::ready(answer))
    }
}

/// An inbox that remembers what it was given.
#[derive(Default)]
pub(super) struct Given {
    pub(super) all: Mutex<Vec<RegisterMessage>>,
    pub(super) says: Mutex<Option<NotReceived>>,
}

impl Inbox for Given {
    fn receive<'a>(
        &'a self,
        message: &'a RegisterMessage,
    ) -> BoxFuture<'a, Result<Received, NotReceived>> {
        self.all.lock().unwrap().push(message.clone());
        let says = self.says.lock().unwrap().take();
        Box::pin(std::future::ready(match says {
            None => Ok(Received {
                receipt: format!("case of {}", message.id),
            }),
            Some(not) => Err(not),
        }))
    }
}

/// A broker that takes what it is sent, or is down, or refuses.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) all: Mutex<Vec<Wire>>,
    pub(super) down: AtomicBool,
    pub(super) refuses: AtomicBool,
}

impl Post for Sent {
    async fn send(&self, wire: Wire) -> Result<(), PostError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(PostError::Broker(anyhow::anyhow!("down")));
        }
        if self.refuses.load(Ordering::SeqCst) {
            return Err(PostError::Refused("no".to_owned()));
        }
        self.all.lock().unwrap().push(wire);
        Ok(())
    }
}

pub(super) struct World {
    pub(super) desk: Desk,
    pub(super) inbox: Arc<Given>,
    pub(super) addresses: Arc<Addresses>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) sent: Sent,
    pub(super) folder: TempDir,
}

pub(super) fn her(id: &str) -> HerId {
    HerId::parse(id).unwrap()
}

pub(super) fn their_party() -> Party {
    let queue = |kind| QueueName::parse(&format!("{THEIRS}_{kind}")).unwrap();
    Party {
        active: true,
        async_queue: queue("async"),
        sync_queue: Some(queue("sync")),
        error_queue: queue("error"),
        signers: vec![keys().their_signing.certificate().clone()],
        recipients: vec![keys().their_decryption.certificate().clone()],
        revoked: BTreeSet::new(),
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        let inbox = Arc::new(Given::default());
        let addresses = Arc::new(Addresses {
            theirs: Mutex::new(Some(their_party())),
            out: AtomicBool::new(false),
        });
        let desk = desk(&folder, &clock, &inbox, &addresses).await;
        Self {
            desk,
            inbox,
            addresses,
            clock,
            sent: Sent::default(),
            folder,
        }
    }

    /// The agent falls and is started again over the same records.
    pub(super) async fn restart(&mut self) {
        self.desk.store.records().close().await;
        self.desk = desk(&self.folder, &self.clock, &self.inbox, &self.addresses).await;
    }

    /// Sends what is due and gives all that was sent since the last time.
    pub(super) async fn outgoing(&self) -> Vec<Wire> {
        let _down = self.desk.send_due(&self.sent).await;
        std::mem::take(&mut *self.sent.all.lock().unwrap())
    }

    pub(super) fn given(&self) -> usize {
        self.inbox.all.lock().unwrap().len()
    }

    pub(super) fn change_party(&self, change: impl FnOnce(&mut Party)) {
        change(self.addresses.theirs.lock().unwrap().as_mut().unwrap());
    }

    pub(super) fn move_on(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

async fn desk(
    folder: &TempDir,
    clock: &Arc<ManualClock>,
    inbox: &Arc<Given>,
    addresses: &Arc<Addresses>,
) -> Desk {
    let mut random = StdRng::seed_from_u64(1);
    let (records, key) = (
        folder.path().join("records"),
        folder.path().join("records.key"),
    );
    let records = Records::open(&records, &key, &[SCHEMA], &mut random).await;
    Desk::new(DeskParts {
        identity: Identity {
            her_id: her(OURS),
            register_ids: BTreeSet::from(["KREFT".to_owned()]),
            signing: keys().our_signing.clone(),
            decryption: vec![keys().our_decryption.clone()],
            rules: NUMBERS.rules,
            environment: Environment::Test,
        },
        addresses: addresses.clone(),
        freshness: Freshness {
            fresh: Duration::from_secs(1),
            outlive: Duration::from_hours(1),
        },
        records: records.unwrap(),
        inbox: inbox.clone(),
        clock: clock.clone(),
        random: StdRng::from_seed(seed()),
    })
}

/// A seed that no other desk has: ids must not come twice after a restart.
fn seed() -> [u8; 32] {
    use std::sync::atomic::AtomicU64;
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::SeqCst).to_be_bytes());
    seed
}

/// `text` as helsenorge sends it.
pub(super) fn from_helsenorge(text: &str, message_id: &str) -> Incoming {
    signed_by(text, message_id, &keys().their_signing)
}

pub(super) fn signed_by(text: &str, message_id: &str, signing: &SigningKey) -> Incoming {
    let to = keys().our_decryption.certificate();
    let mut random = StdRng::seed_from_u64(9);
    let body = seal(text.as_bytes(), signing, to, NOW, &mut random).unwrap();
    incoming(message_id, body)
}

pub(super) fn incoming(message_id: &str, body: Vec<u8>) -> Incoming {
    let mut headers = application_headers(her(THEIRS), her(OURS), NOW);
    headers.message_id = Some(message_id.to_owned());
    headers.to = Some(format!("{OURS}_async"));
    headers.subject = Some("DIALOG_INNBYGGER_HREG_MELDE_FEIL".to_owned());
    headers.content_type = Some(SIGNED_AND_ENVELOPED.to_owned());
    headers.reply_to = Some(format!("{THEIRS}_async"));
    Incoming {
        queue: Queue::Async,
        headers,
        body: Some(body),
    }
}

/// What helsenorge reads of what was sent to it.
pub(super) fn opened(wire: &Wire) -> Content {
    let keys_ = [keys().their_decryption.clone()];
    let signers = [keys().our_signing.certificate()];
    let mut random = StdRng::seed_from_u64(9);
    let text = open(&wire.body, &keys_, &signers, &mut random).unwrap();
    let numbers = Numbers {
        rules: NUMBERS.rules,
        environment: Environment::Test,
    };
    msghead::read(&text, numbers).unwrap()
}

pub(super) fn receipt(wire: &Wire) -> AppRec {
    match opened(wire).body {
        Body::AppRec(receipt) => receipt,
        other => panic!("a receipt, not {other:?}"),
    }
}

/// The error in what was sent, and what else must hold for one.
pub(super) fn error(wire: &Wire) -> (String, String) {
    let property = |name: &str| wire.headers.application.get(name).cloned();
    assert_eq!(wire.queue.as_str(), format!("{THEIRS}_error"));
    assert!(wire.body.is_empty());
    assert!(property("receiverTimeStamp").is_some() && property("errorConditionData").is_some());
    assert!(property("errorDescription").is_some());
    (
        property("errorCondition").unwrap(),
        property("originalMessageId").unwrap(),
    )
}

pub(super) const fn now() -> Timestamp {
    NOW
}
