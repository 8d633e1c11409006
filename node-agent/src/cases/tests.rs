//! Dialogs over a log on a disk that forgets and fails, and records in a folder.

mod clerks;
mod dialogs;
mod exchanged;
mod notices;
mod retention;
mod sealed;
mod wire;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use innsyn_policy::{
    Act, Area, Assurance, Caller, CaseKind, CaseText, LegalBasis, ManualClock, NationalId,
    Organisation, Purpose, QuestionId, RegisterId, RegisterKind, Representation, Request,
    Timestamp, UseDecision, Validity, Verdict,
};
use innsyn_proto::case_receipt::{CaseReceipt, MessageId};
use innsyn_proto::head::HeadKey;
use innsyn_proto::identity::GatewayName;
use rand::SeedableRng as _;

use super::keeping::{Asked, To};
use super::*;
use crate::test_ids::person;
use crate::uselog::{Entry, LogKeys, SimDisk, UseLogConfig, verify_each};

/// How long a closed case keeps what was said.
const KEPT: Duration = Duration::from_hours(1_000 * 24);

/// A register's folder and disk, which outlive the agent.
struct Place {
    folder: tempfile::TempDir,
    disk: SimDisk,
    clock: Arc<ManualClock>,
    settings: Arc<FakeSettings>,
}

/// An agent's cases, and how a clerk sees them.
struct Agent {
    cases: Arc<Cases>,
    desk: Desk,
}

/// Settings that do as they are told.
#[derive(Default)]
struct FakeSettings {
    made: Mutex<BTreeMap<CaseId, (NationalId, CaseKind)>>,
    fails: AtomicBool,
}

impl BecomesSetting for FakeSettings {
    fn become_setting(
        &self,
        person: NationalId,
        kind: CaseKind,
        case: CaseId,
    ) -> BoxFuture<'_, Result<(), BecomeError>> {
        Box::pin(async move {
            if self.fails.load(Ordering::SeqCst) {
                return Err(BecomeError::Unavailable("told to fail".into()));
            }
            self.made.lock().unwrap().insert(case, (person, kind));
            Ok(())
        })
    }
}

fn register() -> Register {
    Register {
        id: RegisterId::parse("kreft").unwrap(),
        kind: RegisterKind::Central,
        legal_basis: LegalBasis::MandatoryWithReservation,
        membership_is_sensitive: false,
    }
}

fn keys() -> LogKeys {
    LogKeys::from_seed(&register().id, [7; 32]).unwrap()
}

fn log_key() -> HeadKey {
    HeadKey::parse(keys().public_text()).unwrap()
}

fn gateway() -> GatewayName {
    "helsenorge".parse().unwrap()
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            disk: SimDisk::new(1),
            // 2027-01-15T08:00:00Z.
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000))),
            settings: Arc::default(),
        }
    }

    fn records(&self) -> (std::path::PathBuf, std::path::PathBuf) {
        let folder = self.folder.path();
        (folder.join("records"), folder.join("records.key"))
    }

    async fn agent(&self) -> Agent {
        self.agent_with(Some(self.settings.clone())).await
    }

    async fn agent_with(&self, becomes: Option<Arc<dyn BecomesSetting>>) -> Agent {
        self.agent_of(becomes, None).await
    }

    async fn agent_of(
        &self,
        becomes: Option<Arc<dyn BecomesSetting>>,
        uses: Option<Arc<dyn ShowsUses>>,
    ) -> Agent {
        let mut random: StdRng = rand::make_rng();
        let (folder, key) = self.records();
        let records = Records::open(&folder, &key, &[SCHEMA], &mut random)
            .await
            .unwrap();
        let config = UseLogConfig::default();
        let log = UseLog::open(config, keys(), self.disk.clone(), StdRng::seed_from_u64(1));
        let cases = Cases::new(CasesParts {
            register: register(),
            records,
            log: Arc::new(log.unwrap()),
            clock: self.clock.clone(),
            random,
            becomes,
            uses,
            content_kept: KEPT,
        });
        let desk = Desk::open(&folder, &key, rand::make_rng()).await.unwrap();
        Agent { cases, desk }
    }

    /// The entries of the log, as they stand on the disk.
    fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut each = |_, entry: &Entry| entries.push(entry.clone());
        verify_each(&self.disk, &log_key(), &[], None, &mut each).unwrap();
        entries
    }
}

impl Agent {
    /// Person `n` says something themself.
    async fn says(
        &self,
        n: usize,
        to: To,
        id: u8,
        text: &str,
    ) -> Result<keeping::Taken, CaseError> {
        let asked = own(n);
        self.cases
            .say(&asked, to, MessageId([id; 16]), &words(text))
            .await
    }

    async fn opens(&self, n: usize, kind: CaseKind, id: u8) -> keeping::Taken {
        let taken = self
            .says(n, To::New(kind), id, "Fødselsåret er feil.")
            .await;
        taken.unwrap()
    }

    /// A clerk says something, which the agent takes.
    async fn clerk(&self, case: CaseId, act: Act, text: &str) -> Outcome {
        let id = self.clerk_says(case, act, text).await.unwrap();
        self.cases.take_words().await.unwrap();
        self.desk.outcome(id, Duration::ZERO).await.unwrap()
    }

    async fn clerk_says(&self, case: CaseId, act: Act, text: &str) -> Result<[u8; 16], ClerkError> {
        let word = ClerkWord {
            case,
            said: Said::Act(act),
            words: (!text.is_empty()).then(|| words(text)),
            clerk: "saksbehandler".to_owned(),
        };
        self.desk.say(word, self.cases.clock.now()).await
    }

    /// What an agent that is killed leaves open.
    async fn close(self) {
        self.cases.records.close().await;
        self.desk.close().await;
        self.cases.log.close().await;
    }
}

fn words(text: &str) -> Words {
    Words::new(Some(CaseText::parse(text).unwrap()), Vec::new()).unwrap()
}

fn own(n: usize) -> Asked {
    asks(n, n, Representation::Own)
}

fn asks(caller: usize, subject: usize, representation: Representation) -> Asked {
    let mut id = [0; 16];
    rand::Rng::fill_bytes(&mut rand::make_rng::<StdRng>(), &mut id);
    Asked {
        id: QuestionId(id),
        request: Request {
            subject: person(subject),
            caller: Caller {
                person: person(caller),
                organisation: Organisation::parse("983658776").unwrap(),
                assurance: Assurance::High,
            },
            representation,
            purpose: Purpose::OwnInsight,
        },
    }
}
