//! A register's agent asked by a research gateway: real files, real permits, a real log.

mod answered;
mod audited;
mod held;
mod limits;
mod overlaps;
mod parts;
mod receipt;
mod refused;
mod signed_refusals;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt32Array};
use futures::StreamExt as _;
use innsyn_policy::data_permit::{PermitBasis, PermitKind, QueryKind, Terms};
use innsyn_policy::{
    DataPermit, LegalBasis, ManualClock, NationalId, Organisation, PermitId, Register, RegisterId,
    RegisterKind, UseDecision, Validity,
};
use innsyn_proto::data_permit::{IssuerKey, IssuerSigner, TrustedIssuers};
use innsyn_proto::wire::research::v1 as research;
use parquet::arrow::ArrowWriter;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rcgen::{KeyPair, PKCS_ED25519};
use research::expression::Expression as E;
use tempfile::TempDir;

use super::super::steward;
use super::*;
use crate::engine::{PersonSet, SCAN_BYTES, StoredFile, StoredView};
use crate::subjects::{Membership, Standing, SubjectKey, Subjects, SubjectsBuilder};
use crate::test_ids::{NUMBERS, person};
use crate::uselog::tests::entries_on;
use crate::uselog::{EntrySubject, LogKeys, SimDisk, UseLog, UseLogConfig};

const ISSUER: &str = "helsedata.no";
const ORGANISATION: &str = "983658725";
const ALLOW: &str = "[[rule]]\ndecision = \"allow\"\n";
/// Everybody in the register.
const PERSONS: u32 = 60;
const ENOUGH: Limits = Limits {
    memory_bytes: SCAN_BYTES + (16 << 20),
    timeout: Duration::from_mins(2),
    at_once: 1,
};
const PLENTY: Caps = Caps {
    per_minute: 1_000,
    per_day: 1_000,
};

/// Who issues permits, with a key of their own.
struct Issuer {
    secret_pem: String,
    public_pem: String,
}

impl Issuer {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        Self {
            secret_pem: key.serialize_pem(),
            public_pem: key.public_key_pem(),
        }
    }

    fn sign(&self, terms: Terms) -> String {
        let permit = DataPermit::new(terms).unwrap();
        let signer = IssuerSigner::from_pem(&self.secret_pem).unwrap();
        signer.sign(&permit).unwrap()
    }

    fn trusted(&self) -> TrustedIssuers {
        let key = IssuerKey::from_pem(&self.public_pem).unwrap();
        [(ISSUER.to_owned(), key)].into_iter().collect()
    }
}

/// One load of the register's data, with something that happens when a query begins on them.
struct Loaded {
    views: Vec<View>,
    snapshot: Snapshot,
    name: [u8; 32],
    included: PersonSet,
    /// Person n is person n of the invented ones.
    people: Subjects,
    begins: Box<dyn Fn() + Send + Sync>,
    /// Who has said no since.
    says_no: Arc<Mutex<Option<u32>>>,
    /// How what people have said stands; nobody is included where it is too old.
    settings: Arc<Mutex<SettingsRead>>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loaded")
    }
}

impl Countable for Loaded {
    fn views(&self) -> &[View] {
        &self.views
    }

    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn snapshot_name(&self) -> &[u8; 32] {
        &self.name
    }

    fn included(&self, _: &Use, _: Timestamp) -> Included {
        (self.begins)();
        if self.settings.lock().unwrap().is_too_old {
            return Included::new(PersonSet::nobody(PERSONS));
        }
        let mut included = self.included.clone();
        if let Some(person) = *self.says_no.lock().unwrap() {
            included.remove(person);
        }
        Included::new(included)
    }

    fn settings(&self, _: &Use, _: Timestamp) -> SettingsRead {
        *self.settings.lock().unwrap()
    }

    fn marks(&self, key: &MarkKey) -> Marks {
        self.people.marks(key)
    }
}

/// Settings that were read a while ago, and seen to stand just now.
fn settings() -> Arc<Mutex<SettingsRead>> {
    Arc::new(Mutex::new(SettingsRead {
        read_at: now().minus(Duration::from_secs(90)),
        seen_at: Some(now().minus(Duration::from_secs(4))),
        is_too_old: false,
        registered: PERSONS as usize,
    }))
}

/// A register's agent, and what it is asked by.
struct World {
    folder: TempDir,
    disk: SimDisk,
    log: Arc<UseLog>,
    clock: Arc<ManualClock>,
    issuer: Issuer,
    limits: Limits,
    caps: Caps,
    data: Option<Arc<Loaded>>,
    compute: Compute,
}

fn register() -> Register {
    Register {
        id: RegisterId::parse("kreft").unwrap(),
        kind: RegisterKind::Central,
        legal_basis: LegalBasis::Mandatory,
        membership_is_sensitive: false,
    }
}

fn gateway() -> GatewayName {
    "research".parse().unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

impl World {
    /// The steward allows everything, and everybody of `PERSONS` may be counted.
    fn new() -> Self {
        Self::with(ENOUGH, PLENTY, |_, _| {})
    }

    fn with(limits: Limits, caps: Caps, change: impl FnOnce(&TempDir, &mut Loaded)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(steward::FILE), ALLOW).unwrap();
        let rows: Vec<u32> = (0..PERSONS).collect();
        let mut loaded = Loaded {
            views: vec![persons_view("persons")],
            snapshot: Snapshot {
                persons: PERSONS,
                views: vec![stored(&folder, "persons", &rows)],
            },
            name: [5; 32],
            included: PersonSet::everybody(PERSONS),
            people: people(1, 0..PERSONS as usize),
            begins: Box::new(|| {}),
            says_no: Arc::default(),
            settings: settings(),
        };
        change(&folder, &mut loaded);
        let disk = SimDisk::new(1);
        let keys = LogKeys::from_seed(&register().id, [7; 32]).unwrap();
        let random = StdRng::seed_from_u64(1);
        let log = UseLog::open(UseLogConfig::default(), keys, disk.clone(), random).unwrap();
        let (log, clock) = (Arc::new(log), Arc::new(ManualClock::new(now())));
        let (issuer, data) = (Issuer::new(), Some(Arc::new(loaded)));
        let computing = computing(&folder, &issuer, data.as_ref(), limits, &log, &clock);
        Self {
            compute: Compute::new(computing, [(gateway(), caps)], NUMBERS.rules),
            folder,
            disk,
            log,
            clock,
            issuer,
            limits,
            caps,
            data,
        }
    }

    /// The agent is started again.
    fn restart(&mut self) {
        let computing = computing(
            &self.folder,
            &self.issuer,
            self.data.as_ref(),
            self.limits,
            &self.log,
            &self.clock,
        );
        self.compute = Compute::new(computing, [(gateway(), self.caps)], NUMBERS.rules);
    }

    fn steward_says(&self, rules: &str) {
        std::fs::write(self.folder.path().join(steward::FILE), rules).unwrap();
    }

    /// A good question under a good permit.
    fn request(&self) -> wire::ComputeRequest {
        self.request_under(terms())
    }

    fn request_under(&self, terms: Terms) -> wire::ComputeRequest {
        wire::ComputeRequest {
            question_id: vec![9; 16].into(),
            query: Some(by_sex()),
            data_permit: self.issuer.sign(terms),
            researcher: person(0).expose_number(),
            organisation: ORGANISATION.to_owned(),
            smallest_cell: 5,
            rounding_base: 3,
            deadline_ms: 60_000,
            purpose: innsyn_proto::wire::types::v1::Purpose::Research.into(),
            ..wire::ComputeRequest::default()
        }
    }

    async fn call(&self, request: wire::ComputeRequest) -> Result<Answers, Status> {
        let mut request = Request::new(request);
        request.extensions_mut().insert(peer());
        // A request that names no query gets the name of its own.
        let message = request.get_mut();
        if let (true, Some(query)) = (message.query_name.is_empty(), &message.query) {
            message.query_name = name_of(query).to_vec().into();
        }
        self.compute
            .compute(request)
            .await
            .map(Response::into_inner)
    }

    /// All messages of one call.
    async fn ask(&self, request: wire::ComputeRequest) -> Vec<Message> {
        let answers = self.call(request).await.unwrap();
        let messages = answers.map(|answer| answer.unwrap().message.unwrap());
        messages.collect().await
    }

    /// The refusal that ends a call, with what stands beside it.
    async fn refused(&self, request: wire::ComputeRequest) -> (wire::Refusal, String) {
        let answers = self.call(request).await.unwrap();
        let mut answers: Vec<_> = answers.map(Result::unwrap).collect().await;
        let last = answers.pop().unwrap();
        assert!(answers.iter().all(|it| it.refusal_receipt.is_empty()));
        match last.message.unwrap() {
            Message::Refusal(refusal) => (refusal.try_into().unwrap(), last.refusal_receipt),
            other => panic!("a refusal, not {other:?}"),
        }
    }

    async fn part(&self, request: wire::ComputeRequest) -> wire::Part {
        match self.ask(request).await.pop() {
            Some(Message::Part(part)) => part,
            other => panic!("a part, not {other:?}"),
        }
    }

    async fn refusal(&self, request: wire::ComputeRequest) -> wire::Refusal {
        let messages = self.ask(request).await;
        assert!(!messages.iter().any(|m| matches!(m, Message::Part(_))));
        match messages.last() {
            Some(Message::Refusal(refusal)) => wire::Refusal::try_from(*refusal).unwrap(),
            other => panic!("a refusal, not {other:?}"),
        }
    }

    /// What the log says of each query: the decision, and the outcome in the record beside it.
    fn logged(&self) -> Vec<(UseDecision, String)> {
        let entries = entries_on(&self.disk).into_iter();
        entries
            .map(|(entry, _)| {
                let record = self.record(&entry.subject);
                (entry.decision, record.outcome)
            })
            .collect()
    }

    /// The record that an entry commits to.
    fn record(&self, subject: &EntrySubject) -> QueryRecord {
        let EntrySubject::Counted(commitment) = subject else {
            panic!("a query's entry, not {subject:?}");
        };
        QueryRecord::read(&self.folder.path().join(FOLDER), commitment).unwrap()
    }
}

fn computing(
    folder: &TempDir,
    issuer: &Issuer,
    data: Option<&Arc<Loaded>>,
    limits: Limits,
    log: &Arc<UseLog>,
    clock: &Arc<ManualClock>,
) -> Arc<Computing> {
    let data = data.cloned();
    let parts = ComputingParts {
        register: register(),
        issuers: issuer.trusted(),
        folder: folder.path().to_owned(),
        data: Arc::new(move || data.clone().map(|data| data as Arc<dyn Countable>)),
        limits,
        log: Arc::clone(log),
        clock: Arc::clone(clock) as _,
        marks: log.mark_key(),
        secrets: StdRng::seed_from_u64(3),
    };
    Arc::new(Computing::open(parts).unwrap())
}

/// The register's people in this order, under the key of a process that began with `seed`.
fn people(seed: u64, who: impl IntoIterator<Item = usize>) -> Subjects {
    let key = SubjectKey::generate(&mut StdRng::seed_from_u64(seed), None);
    let mut builder = SubjectsBuilder::new(Arc::new(key));
    for who in who {
        let tag = builder.key().tag_of(&person(who));
        let membership = Membership {
            standing: Standing::Registered,
            since: None,
            last_changed: None,
        };
        builder.push(tag, membership).unwrap();
    }
    builder.finish().0
}

/// The name of `query`, or of nothing if there is something wrong with it.
fn name_of(query: &research::Query) -> [u8; 32] {
    let views = ["persons", "long"].map(persons_view);
    let checked = innsyn_proto::query::check_at(&register().id, query, &views);
    checked.map_or([0; 32], |query| *query.name().as_bytes())
}

fn peer() -> Peer {
    Peer {
        gateway: gateway(),
        pin: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
    }
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

fn terms() -> Terms {
    let day = Duration::from_hours(24);
    Terms {
        id: PermitId::new(ISSUER, "2026-017").unwrap(),
        project: "Survival after colorectal cancer".to_owned(),
        kind: PermitKind::Project,
        people: [person(0)].into(),
        organisation: Organisation::parse(ORGANISATION).unwrap(),
        purpose: Purpose::Research,
        legal_basis: PermitBasis::ResearchOrStatistics,
        legal_reference: "helseregisterloven § 19 e".to_owned(),
        registers: [RegisterId::parse("kreft").unwrap()].into(),
        variables: BTreeMap::from([
            ("persons".to_owned(), names(["sex", "born_year"])),
            ("long".to_owned(), names(["sex", "born_year"])),
        ]),
        born_years: Some(1940..2000),
        months: 540..660,
        kinds: [QueryKind::Count, QueryKind::Table].into(),
        smallest_cell: 5,
        rounding_base: 3,
        budget_queries: 20,
        validity: Validity {
            from: now().minus(day),
            until: now().plus(day),
        },
    }
}

/// A view of persons: sex and year of birth.
fn persons_view(name: &str) -> View {
    let variable = |name: &str, r#type| research::Variable {
        name: name.to_owned(),
        r#type: Some(r#type),
        ..research::Variable::default()
    };
    let code = research::Code {
        system: "sex".to_owned(),
        is_dimension: true,
        ..research::Code::default()
    };
    let number = research::Number {
        is_integer: true,
        ..research::Number::default()
    };
    View {
        name: name.to_owned(),
        register_id: "kreft".to_owned(),
        grain: research::Grain::Person.into(),
        variables: vec![
            variable("sex", research::variable::Type::Code(code)),
            variable("born_year", research::variable::Type::Number(number)),
        ],
        from_month: 540,
        until_month: 660,
        ..View::default()
    }
}

/// View `name` with a row for each of `persons`: even numbers are women, and person n was born in
/// 1940 + n.
fn stored(folder: &TempDir, name: &str, persons: &[u32]) -> StoredView {
    let path = folder.path().join(format!("{name}.parquet"));
    write_rows(&path, persons, persons);
    StoredView {
        description: persons_view(name),
        files: vec![StoredFile::new(path)],
        person_column: "person".to_owned(),
    }
}

/// A row for each of the persons with these `numbers`, who are `who`.
fn write_rows(path: &std::path::Path, numbers: &[u32], who: &[u32]) {
    let sex = |n: &u32| if n.is_multiple_of(2) { "K" } else { "M" };
    let born = |n: &u32| 1940 + i64::from(n % 60);
    let columns: [(&str, ArrayRef); 3] = [
        ("person", Arc::new(UInt32Array::from(numbers.to_vec()))),
        (
            "sex",
            Arc::new(who.iter().map(sex).map(Some).collect::<StringArray>()),
        ),
        (
            "born_year",
            Arc::new(who.iter().map(born).map(Some).collect::<Int64Array>()),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Persons by sex, of those born from 1940 to 1999.
fn by_sex() -> research::Query {
    born_in("persons", 1940..2000)
}

fn born_in(view: &str, years: std::ops::Range<i64>) -> research::Query {
    let born = |operator: research::Operator, year| {
        expression(E::Comparison(research::Comparison {
            variable: "born_year".to_owned(),
            operator: operator.into(),
            literal: Some(research::Literal {
                literal: Some(research::literal::Literal::Integer(year)),
            }),
        }))
    };
    let of = vec![
        born(research::Operator::GreaterOrEqual, years.start),
        born(research::Operator::Less, years.end),
    ];
    research::Query {
        view: view.to_owned(),
        population: Some(expression(E::All(research::Expressions { of }))),
        dimensions: vec![research::Dimension {
            dimension: Some(research::dimension::Dimension::Code(research::CodeLevel {
                variable: "sex".to_owned(),
                level: 0,
            })),
        }],
        measures: vec![research::Measure {
            measure: Some(research::measure::Measure::Persons(research::Persons {})),
        }],
        ..research::Query::default()
    }
}

fn expression(expression: E) -> research::Expression {
    research::Expression {
        expression: Some(expression),
    }
}

fn another_person() -> NationalId {
    person(1)
}
