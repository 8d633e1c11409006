//! Insight over files, with the log in between.

use std::path::Path;

use innsyn_policy::{
    Area, Areas, Assurance, Caller, LegalBasis, ManualClock, Organisation, QuestionId, RegisterId,
    RegisterKind, Representation, Request as Asks, Timestamp, UseKind, Validity, WithheldReason,
};
use innsyn_proto::convert::question_to_wire;
use innsyn_proto::identity::GatewayName;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tonic::Request;
use wire::insight_service_server::InsightService as _;

use super::*;
use crate::config::InsightColumn;
use crate::presence::Peer;
use crate::service::Caps;
use crate::sources::SourceConfig;
use crate::subjects::SubjectKey;
use crate::test_ids::{NUMBERS, digits, person};
use crate::uselog::tests::entries_on;
use crate::uselog::{LogKeys, SimDisk, UseLogConfig};

const REPLY_BYTES: u32 = 16 * 1024;
const PLENTY: Caps = Caps {
    per_minute: 1_000,
    per_day: 1_000,
};

struct World {
    folder: tempfile::TempDir,
    disk: SimDisk,
    log: Arc<UseLog>,
    face: InsightFace,
}

fn gateway() -> GatewayName {
    "helsenorge".parse().unwrap()
}

fn table(file: &str, columns: &[&str]) -> InsightTable {
    let column = |name: &&str| InsightColumn {
        name: (*name).to_owned(),
        label: format!("{name} (nb)"),
        label_en: format!("{name} (en)"),
        about: "Hva det betyr.".to_owned(),
        about_en: "What it means.".to_owned(),
    };
    InsightTable {
        title: "Opphold".to_owned(),
        title_en: "Stays".to_owned(),
        about: "Når du var her.".to_owned(),
        about_en: "When you were here.".to_owned(),
        files: vec![file.to_owned()],
        delimiter: ',',
        schema: "public".to_owned(),
        table: String::new(),
        id_column: "fnr".to_owned(),
        column: columns.iter().map(column).collect(),
    }
}

impl World {
    /// Person 1 has two stays, person 2 one, and nobody else any.
    fn new() -> Self {
        Self::with(Some(&[table("stays.csv", &["out", "in"])]), PLENTY)
    }

    fn with(tables: Option<&[InsightTable]>, caps: Caps) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (digits(1), digits(2));
        let rows = format!("fnr,in,hidden,out\n{one},a,x,b\n{two},c,y,\n{one},d,z,e\n,f,g,h\n");
        std::fs::write(folder.path().join("stays.csv"), rows).unwrap();
        let disk = SimDisk::new(1);
        let register = Register {
            id: RegisterId::parse("kreft").unwrap(),
            kind: RegisterKind::Central,
            legal_basis: LegalBasis::Mandatory,
            membership_is_sensitive: true,
        };
        let keys = LogKeys::from_seed(&register.id, [7; 32]).unwrap();
        let salts = StdRng::seed_from_u64(1);
        let log = UseLog::open(UseLogConfig::default(), keys, disk.clone(), salts).unwrap();
        let log = Arc::new(log);
        let key = Arc::new(SubjectKey::generate(&mut StdRng::seed_from_u64(2), None));
        let config = source(folder.path());
        let source = AboutPerson::new(&config, NUMBERS, key, Duration::from_secs(5));
        let insight = Insight::new(InsightParts {
            register,
            rules: NUMBERS.rules,
            log: Arc::clone(&log),
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000))),
            shows: tables.map(|tables| (tables.into(), source)),
        });
        let face = InsightFace::new(Arc::new(insight), [(gateway(), caps)]);
        Self {
            folder,
            disk,
            log,
            face,
        }
    }

    async fn show(&self, asks: &Asks) -> wire::ShowInsightResponse {
        let who = question_to_wire(QuestionId([3; 16]), 0, asks, 3_000);
        let mut request = Request::new(wire::ShowInsightRequest {
            who: Some(who),
            reply_bytes: REPLY_BYTES,
            padding: Vec::new(),
        });
        let pin = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        let gateway = gateway();
        request.extensions_mut().insert(Peer { gateway, pin });
        let answer = self.face.show_insight(request).await.unwrap().into_inner();
        assert_eq!(answer.encoded_len(), REPLY_BYTES as usize, "one size");
        answer
    }

    fn decisions(&self) -> Vec<UseDecision> {
        let entries = entries_on(&self.disk).into_iter();
        let insight = |(entry, _): (crate::uselog::Entry, _)| {
            assert_eq!(entry.kind(), UseKind::Insight);
            entry.decision
        };
        entries.map(insight).collect()
    }
}

fn source(folder: &Path) -> SourceConfig {
    let text = format!("kind = \"folder\"\npath = {folder:?}\n");
    toml::from_str(&text).unwrap()
}

fn own(n: usize) -> Asks {
    asks(n, n, Representation::Own)
}

fn asks(caller: usize, subject: usize, representation: Representation) -> Asks {
    Asks {
        subject: person(subject),
        caller: Caller {
            person: person(caller),
            organisation: Organisation::parse("983658776").unwrap(),
            assurance: Assurance::High,
        },
        representation,
        purpose: Purpose::OwnInsight,
    }
}

fn rows(answer: &wire::ShowInsightResponse) -> Vec<Vec<&str>> {
    let [table] = answer.tables.as_slice() else {
        panic!("{} tables", answer.tables.len());
    };
    let rows = table.rows.iter();
    rows.map(|row| row.values.iter().map(String::as_str).collect())
        .collect()
}

#[tokio::test]
async fn a_person_is_shown_their_own_rows_in_words_and_the_use_is_logged() {
    let world = World::new();
    let answer = world.show(&own(1)).await;
    assert_eq!(rows(&answer), [["b", "a"], ["e", "d"]]);
    let table = &answer.tables[0];
    assert_eq!(table.columns[0].label, "out (nb)");
    assert_eq!(table.columns[0].about, "Hva det betyr.");
    assert_eq!(answer.use_log_leaf.len(), 32);

    // What the register has now is what is shown.
    let file = world.folder.path().join("stays.csv");
    std::fs::write(file, format!("fnr,in,out\n{},new,\n", digits(1))).unwrap();
    assert_eq!(rows(&world.show(&own(1)).await), [["", "new"]]);
    assert!(rows(&world.show(&own(9)).await).is_empty(), "nobody else's");
    assert_eq!(world.decisions(), [UseDecision::Answered; 3]);
}

#[tokio::test]
async fn a_proxy_sees_what_the_power_of_attorney_covers_and_nothing_else() {
    let world = World::new();
    let mandate = |area: Area| Representation::PowerOfAttorney {
        areas: [area].into_iter().collect::<Areas>(),
        validity: Validity {
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(2_000_000_000),
        },
    };
    let answer = world.show(&asks(5, 1, mandate(Area::AllInsight))).await;
    assert_eq!(rows(&answer).len(), 2);
    let elsewhere = mandate(Area::Kind(RegisterKind::Biobank));
    let withheld = world.show(&asks(5, 1, elsewhere)).await;
    assert_eq!(withheld.refusal(), InsightRefusal::Denied);
    assert!(withheld.tables.is_empty());
    let nobody = world.show(&asks(5, 1, Representation::Own)).await;
    assert_eq!(nobody.refusal(), InsightRefusal::Denied);
    let decisions = world.decisions();
    assert_eq!(decisions[0], UseDecision::Answered);
    assert_eq!(
        decisions[1],
        UseDecision::Withheld(WithheldReason::AreaNotCovered)
    );
    assert!(matches!(decisions[2], UseDecision::Denied(_)));
}

#[tokio::test]
async fn promise_4_nothing_is_shown_that_is_not_logged() {
    let world = World::new();
    world.log.close().await;
    let answer = world.show(&own(1)).await;
    assert_eq!(answer.refusal(), InsightRefusal::LogUnavailable);
    assert!(answer.tables.is_empty());
}

#[tokio::test]
async fn a_source_that_cannot_be_read_and_a_gateway_over_its_cap_are_told_and_logged() {
    let once = Caps {
        per_minute: 1,
        per_day: 1,
    };
    let world = World::with(Some(&[table("gone.csv", &["in"])]), once);
    let answer = world.show(&own(1)).await;
    assert_eq!(answer.refusal(), InsightRefusal::SourceUnavailable);
    let answer = world.show(&own(1)).await;
    assert_eq!(answer.refusal(), InsightRefusal::OverCap);
    assert_eq!(
        world.decisions(),
        [UseDecision::SourceUnavailable, UseDecision::OverCap]
    );
}

#[tokio::test]
async fn a_register_that_shows_nothing_live_answers_alike_and_logs() {
    let world = World::with(None, PLENTY);
    let answer = world.show(&own(1)).await;
    assert_eq!(answer.refusal(), InsightRefusal::Unspecified);
    assert!(answer.tables.is_empty() && answer.use_log_leaf.len() == 32);
    assert_eq!(world.decisions(), [UseDecision::Answered]);
}

#[tokio::test]
async fn what_does_not_fit_is_asked_for_again_and_has_a_bound() {
    let world = World::new();
    let row = format!("{},{},{}\n", digits(1), "x".repeat(900), "y".repeat(900));
    let text = format!("fnr,in,out\n{}", row.repeat(600));
    std::fs::write(world.folder.path().join("stays.csv"), text).unwrap();
    let answer = world.show(&own(1)).await;
    assert!(answer.tables.is_empty(), "not even a part");
    let needed = usize::try_from(answer.bytes_needed).unwrap();
    assert!(needed > REPLY_BYTES as usize && needed <= 256 * 1024);
}

type Change = fn(&mut InsightTable);

#[test]
fn a_section_that_people_could_not_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let check = |change: Change| {
        let mut table = table("stays.csv", &["in"]);
        change(&mut table);
        let section = crate::config::InsightSection {
            timeout_s: 5,
            table: vec![table],
        };
        section.check(&source).map_err(|error| error.to_string())
    };
    assert_eq!(check(|_| ()), Ok(()));
    let refused: [(Change, &str); 4] = [
        (|it| it.column[0].about.clear(), "column.about"),
        (|it| it.title_en = " ".to_owned(), "title_en"),
        (|it| it.column.clear(), "0 columns"),
        (|it| it.files.clear(), "files"),
    ];
    for (change, reason) in refused {
        let error = check(change).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}
