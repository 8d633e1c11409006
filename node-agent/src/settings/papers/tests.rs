//! Paper over a log on a disk that forgets and fails, and records in a folder.

mod standing;

use innsyn_policy::{
    ClerkName, DefinitionId, LegalBasis, ManualClock, Organisation, RegisterId, RegisterKind,
    SettingKind, Timestamp, UseKind,
};
use innsyn_proto::setting::paper::{ClerkSigner, Paper, PaperSaid, PaperWord, digest};
use innsyn_proto::setting::{ActedAs, Change, ChangeId};
use rand::SeedableRng as _;

use super::desk::PaperOutcome;
use super::*;
use crate::records::{RECORDS_FILE, Records};
use crate::settings::keeper::KeeperParts;
use crate::settings::kept::{OfPerson, Writer};
use crate::settings::{Currency, KeptSettings, kept};
use crate::subjects::SubjectKey;
use crate::test_ids::{NUMBERS, digits, looks_real, person};
use crate::uselog::tests::entries_on;
use crate::uselog::{Entry, LogKeys, SimDisk, UseLog, UseLogConfig};

const OPT_OUT: &str = "00000000-0000-0000-0000-000000000001";
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
"#;
/// 2027-01-15T08:00:00Z.
const NOW_S: i64 = 1_800_000_000;

/// A register's folder and disk, which outlive the agent.
struct Place {
    folder: tempfile::TempDir,
    disk: SimDisk,
    clock: Arc<ManualClock>,
}

struct Agent {
    papers: Arc<Papers>,
    desk: PaperDesk,
    log: Arc<UseLog>,
    clock: Arc<ManualClock>,
}

fn register() -> RegisterId {
    RegisterId::parse("kreft").unwrap()
}

/// Kari and Ola are clerks; Per is none.
fn clerk(name: &str) -> ClerkSigner {
    let seed = [u8::try_from(name.len()).unwrap(); 32];
    let name = ClerkName::parse(name).unwrap();
    ClerkSigner::from_seed(name, seed).unwrap()
}

fn clerks() -> Vec<ClerkKey> {
    let clerks = ["kari", "ola"].map(clerk);
    clerks
        .map(|it| ClerkKey::parse(it.public_text()).unwrap())
        .into()
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            disk: SimDisk::new(1),
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(NOW_S))),
        }
    }

    async fn agent(&self) -> Agent {
        let mut random = StdRng::seed_from_u64(5);
        let folder = self.folder.path();
        let (at, key) = (folder.join("records"), folder.join("records.key"));
        let schemas = [kept::SCHEMA, SCHEMA];
        let records = Records::open(&at, &key, &schemas, &mut random)
            .await
            .unwrap();
        let definitions = DEFINITIONS.parse::<toml::Table>().unwrap().to_string();
        let definitions =
            innsyn_proto::setting::definitions::SettingDefinitions::parse(&definitions).unwrap();
        let kept = KeptSettings::new(
            LegalBasis::MandatoryWithReservation,
            Arc::new(definitions),
            Arc::new(SubjectKey::generate(&mut random, None)),
            Currency::new(Duration::from_mins(1), []),
        );
        kept.load(&records).await.unwrap();
        let keys = LogKeys::from_seed(&register(), [7; 32]).unwrap();
        let salts = StdRng::seed_from_u64(1);
        let log = UseLog::open(UseLogConfig::default(), keys, self.disk.clone(), salts).unwrap();
        let log = Arc::new(log);
        let keeper = Arc::new(Keeper::new(KeeperParts {
            register: innsyn_policy::Register {
                id: register(),
                kind: RegisterKind::Central,
                legal_basis: LegalBasis::MandatoryWithReservation,
                membership_is_sensitive: false,
            },
            rules: NUMBERS.rules,
            kept,
            records,
            log: Arc::clone(&log),
            clock: self.clock.clone(),
            gateways: std::collections::BTreeMap::new(),
        }));
        let papers = Papers::new(PapersParts {
            keeper,
            clerks: clerks(),
            numbers: NUMBERS,
            random,
        });
        let desk = PaperDesk::open(&at, &key, rand::make_rng()).await.unwrap();
        Agent {
            papers,
            desk,
            log,
            clock: self.clock.clone(),
        }
    }

    /// The setting changes in the log, as they stand on the disk.
    fn changes(&self) -> Vec<Entry> {
        let entries = entries_on(&self.disk).into_iter().map(|(entry, _)| entry);
        entries
            .filter(|it| it.kind() == UseKind::SettingChange)
            .collect()
    }
}

fn now(clock: &ManualClock) -> Timestamp {
    innsyn_policy::Clock::now(clock)
}

impl Agent {
    fn paper(&self, active: bool, dated: &str) -> Paper {
        Paper {
            register: register(),
            person: person(1),
            definition: DefinitionId::parse(OPT_OUT).unwrap(),
            text_version: 2,
            active,
            dated: dated.parse().unwrap(),
            archive: "2027/17".to_owned(),
            reason: "ingen nettilgang".to_owned(),
            at: now(&self.clock),
        }
    }

    async fn outcome_of(&self, word: [u8; 16]) -> PaperOutcome {
        self.papers.take_words().await.unwrap();
        self.desk.outcome(word, Duration::ZERO).await.unwrap()
    }

    async fn enters(&self, paper: &Paper, by: &str) -> Result<[u8; 16], String> {
        let note = paper.sign(&clerk(by)).unwrap();
        let id = self.desk.enter(&note, now(&self.clock)).await.unwrap();
        match self.outcome_of(id).await {
            PaperOutcome::Refused(why) => Err(why),
            outcome => {
                assert!(matches!(outcome, PaperOutcome::Taken(_)), "{outcome:?}");
                Ok(id)
            }
        }
    }

    /// What `clerk` signs of the paper `id`.
    async fn word(&self, id: [u8; 16], clerk: &ClerkSigner, said: PaperSaid) -> String {
        let name = hex::encode(id);
        let shown = self.desk.find(&name, &clerks(), &register()).await.unwrap();
        let word = PaperWord {
            register: register(),
            paper: digest(&shown.note),
            said,
            at: now(&self.clock),
        };
        word.sign(clerk).unwrap()
    }

    /// The word, written down and not taken.
    async fn says(&self, id: [u8; 16], by: &str, said: PaperSaid) -> [u8; 16] {
        let note = self.word(id, &clerk(by), said).await;
        self.desk.say(id, &note, now(&self.clock)).await.unwrap()
    }

    async fn confirms(&self, id: [u8; 16], by: &str) -> PaperOutcome {
        let word = self.says(id, by, PaperSaid::Confirm).await;
        self.outcome_of(word).await
    }

    /// Whether the reservation of the person stands.
    fn is_reserved(&self) -> bool {
        let OfPerson::Known(settings) = self.papers.keeper.kept().of(&person(1)) else {
            panic!("undefined");
        };
        settings
            .iter()
            .any(|it| it.kind == SettingKind::Reservation && it.holds_at(now(&self.clock)))
    }

    /// Something said over a gateway at `at`.
    async fn says_online(&self, active: bool, at: &str) {
        let at: jiff::Timestamp = at.parse().unwrap();
        let change = Change {
            id: ChangeId([u8::from(active) + 1; 16]),
            definition: DefinitionId::parse(OPT_OUT).unwrap(),
            text_version: 2,
            person: person(1),
            by: person(1),
            organisation: Organisation::parse("983658776").unwrap(),
            acted_as: ActedAs::Own,
            sequence: at.as_microsecond(),
            active,
            until: None,
        };
        let taken = self.papers.keeper.take_change(&Writer::Pvk, &change).await;
        taken.unwrap();
    }

    async fn close(self) {
        self.papers.records_close().await;
        self.desk.close().await;
        self.log.close().await;
    }
}

impl Papers {
    async fn records_close(&self) {
        self.keeper.records().close().await;
    }
}

#[tokio::test]
async fn one_clerk_enters_another_confirms_and_both_stand_in_the_log() {
    let place = Place::new();
    let agent = place.agent().await;
    let id = agent
        .enters(&agent.paper(true, "2027-01-10"), "kari")
        .await
        .unwrap();
    assert!(!agent.is_reserved(), "not before the second clerk");
    assert_eq!(place.changes().len(), 0);

    let alone = agent.confirms(id, "kari").await;
    assert!(
        matches!(&alone, PaperOutcome::Refused(why) if why.contains("same clerk")),
        "{alone:?}"
    );
    assert!(!agent.is_reserved());
    let confirmed = agent.confirms(id, "ola").await;
    assert!(
        matches!(&confirmed, PaperOutcome::Taken(told) if told.contains("in effect")),
        "an error before it has lost nothing: {confirmed:?}"
    );
    assert!(agent.is_reserved());

    let records = agent.papers.keeper.records();
    let told = told_of(records, &person(1)).await.unwrap();
    let [entry] = place.changes().try_into().unwrap();
    let told = &told[&entry.question];
    assert_eq!(told.entered_by.as_str(), "kari");
    assert_eq!(told.confirmed_by.as_str(), "ola");
    assert_eq!(told.reason, "ingen nettilgang");
    assert_eq!(told.question(), entry.question, "the entry commits to it");
    let standing = standing_of(records, &person(1)).await.unwrap();
    assert_eq!(standing.values().collect::<Vec<_>>(), [told]);
    assert!(told_of(records, &person(2)).await.unwrap().is_empty());

    // It is one however often it is confirmed, and after a start.
    assert!(matches!(
        agent.confirms(id, "ola").await,
        PaperOutcome::Refused(_)
    ));
    agent.close().await;
    let agent = place.agent().await;
    assert!(agent.is_reserved());
    assert_eq!(place.changes().len(), 1);
}

#[tokio::test]
async fn nobody_without_a_clerks_key_enters_or_confirms() {
    let place = Place::new();
    let agent = place.agent().await;
    let paper = agent.paper(true, "2027-01-10");
    let why = agent.enters(&paper, "per").await.unwrap_err();
    assert!(why.contains("signed by no clerk"), "{why}");

    // A row written past the command, with another key under a clerk's name.
    let id = agent.enters(&paper, "kari").await.unwrap();
    let name = ClerkName::parse("ola").unwrap();
    let forger = ClerkSigner::from_seed(name, [99; 32]).unwrap();
    let note = agent.word(id, &forger, PaperSaid::Confirm).await;
    let word = agent.desk.say(id, &note, now(&agent.clock)).await.unwrap();
    assert!(matches!(
        agent.outcome_of(word).await,
        PaperOutcome::Refused(_)
    ));
    assert!(!agent.is_reserved());

    // A word about one paper confirms no other.
    let other = agent
        .enters(&agent.paper(false, "2027-01-11"), "kari")
        .await
        .unwrap();
    let note = agent.word(id, &clerk("ola"), PaperSaid::Confirm).await;
    let word = agent
        .desk
        .say(other, &note, now(&agent.clock))
        .await
        .unwrap();
    let outcome = agent.outcome_of(word).await;
    assert!(
        matches!(&outcome, PaperOutcome::Refused(why) if why.contains("another paper")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_its_reason() {
    let place = Place::new();
    let agent = place.agent().await;
    let paper = || agent.paper(true, "2027-01-10");
    let real = innsyn_policy::NationalId::parse(&looks_real(3), NUMBERS.rules).unwrap();
    let rows = [
        (
            Paper {
                dated: "2027-01-16".parse().unwrap(),
                ..paper()
            },
            "after today",
        ),
        (
            Paper {
                text_version: 3,
                ..paper()
            },
            "no such version",
        ),
        (
            Paper {
                definition: DefinitionId::from_bytes([9; 16]),
                ..paper()
            },
            "no such definition",
        ),
        (
            Paper {
                person: real,
                ..paper()
            },
            "cannot be a citizen",
        ),
        (
            Paper {
                register: RegisterId::parse("npr").unwrap(),
                ..paper()
            },
            "another register",
        ),
    ];
    for (paper, reason) in rows {
        let why = agent.enters(&paper, "kari").await.unwrap_err();
        assert!(why.contains(reason), "{why}");
    }
}

#[tokio::test]
async fn a_paper_lapses_or_is_withdrawn_and_then_is_no_setting() {
    let place = Place::new();
    let agent = place.agent().await;
    let withdrawn = agent
        .enters(&agent.paper(true, "2027-01-10"), "kari")
        .await
        .unwrap();
    let word = agent.says(withdrawn, "kari", PaperSaid::Withdraw).await;
    assert!(matches!(
        agent.outcome_of(word).await,
        PaperOutcome::Taken(_)
    ));
    let lapsed = agent
        .enters(&agent.paper(true, "2027-01-11"), "kari")
        .await
        .unwrap();
    let said_in_time = agent
        .enters(&agent.paper(true, "2027-01-12"), "ola")
        .await
        .unwrap();

    let word = agent.says(said_in_time, "kari", PaperSaid::Confirm).await;
    place.clock.advance(innsyn_policy::CONFIRM_WITHIN);
    for (id, reason) in [(withdrawn, "withdrawn"), (lapsed, "lapsed")] {
        let outcome = agent.confirms(id, "ola").await;
        assert!(
            matches!(&outcome, PaperOutcome::Refused(why) if why.contains(reason)),
            "{outcome:?}"
        );
    }
    let outcome = agent.desk.outcome(word, Duration::ZERO).await.unwrap();
    assert!(
        matches!(outcome, PaperOutcome::Taken(_)),
        "said in time while the agent was away: {outcome:?}"
    );
    assert_eq!(place.changes().len(), 1);
}
