//! `innsyn-agent check` on set-ups that are broken in one place each: it names what is wrong, and
//! what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innsyn_agent::check::check;
use innsyn_agent::finding::{Finding, Severity};
use innsyn_broker::enrolment;
use innsyn_policy::{Clock, ManualClock};
use innsyn_proto::clock::SystemClock;
use innsyn_proto::identity::Identity;
use innsyn_proto::tunnel::TcpDialler;
use innsyn_sim::population::{Population, PopulationSpec};
use tempfile::TempDir;

const DAY: Duration = Duration::from_hours(24);

/// An agent's folder, and a CA's; whole until somebody breaks it. Its relay is always down.
struct Setup {
    folder: TempDir,
    ids: Vec<String>,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ca, agent) = (folder.path().join("ca"), folder.path().join("agent"));
        enrolment::init(&ca, &SystemClock).unwrap();
        let node = Identity::parse("innsyn://node/kreft").unwrap();
        let gateway = Identity::parse("innsyn://gateway/helsenorge").unwrap();
        enrolment::issue(&ca, &node, &[], 90, &agent, &SystemClock).unwrap();
        let out = folder.path().join("gateway");
        let pin = enrolment::issue(&ca, &gateway, &[], 90, &out, &SystemClock)
            .unwrap()
            .pin;
        let config = include_str!("check/agent.toml")
            .replace("/var/lib/kreft/innsyn", "data")
            .replace(&format!("sha256:{}", "0".repeat(64)), &pin.to_string())
            .replace("relay-1.example.no:7443", "127.0.0.1:1")
            .replace("192.0.2.7:7443", "127.0.0.1:2");
        fs::write(agent.join("agent.toml"), config).unwrap();
        let population = Population::new(PopulationSpec::new(100, 1)).unwrap();
        let ids: Vec<_> = (0..20)
            .map(|number| {
                population
                    .person(number)
                    .unwrap()
                    .id
                    .expose_str()
                    .to_owned()
            })
            .collect();
        let rows: Vec<_> = ids
            .iter()
            .map(|id| format!("{id},2020-01-01,active\n"))
            .collect();
        fs::create_dir(agent.join("data")).unwrap();
        let table = format!("fnr,since,status\n{}", rows.concat());
        fs::write(agent.join("data/persons.csv"), table).unwrap();
        fs::write(
            agent.join("data/manifest.toml"),
            "[persons]\nfiles = [\"persons.csv\"]\n\
             columns = { national_id = \"fnr\", registered_since = \"since\", status = \"status\" }\n\
             status = { registered = [\"active\"] }\n",
        )
        .unwrap();
        Self { folder, ids }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("agent").join(name)
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.folder.path().join(from), self.path(to)).unwrap();
    }

    /// What is worse than a note, without the relays that are down.
    async fn findings(&self, clock: Arc<dyn Clock>) -> Vec<Finding> {
        let all = check(&self.path("agent.toml"), &TcpDialler, &clock).await;
        for finding in &all {
            let said = finding.to_string();
            let nobody = self.ids.iter().all(|id| !said.contains(id.as_str()));
            assert!(nobody, "a finding names a person");
        }
        all.into_iter()
            .filter(|finding| finding.severity > Severity::Note)
            .filter(|finding| !finding.what.starts_with("relay 127.0.0.1:"))
            .collect()
    }
}

fn now() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn delete(path: &Path) {
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_good_set_up_has_no_finding_but_the_relays_that_are_down() {
    let setup = Setup::new();
    assert_eq!(setup.findings(now()).await, []);
    let all = check(&setup.path("agent.toml"), &TcpDialler, &now()).await;
    let down: Vec<_> = all
        .iter()
        .filter(|it| it.severity == Severity::Error)
        .collect();
    assert_eq!(down.len(), 2);
    for finding in down {
        assert_eq!(
            finding.what.matches("Connection refused").count(),
            1,
            "{finding}"
        );
        assert!(finding.what_to_do.contains("firewall"), "{finding}");
    }
}

/// How a set-up is broken, and what the first finding says of it and of what to do.
type Case = (&'static str, fn(&Setup), &'static str, &'static str);

const CASES: [Case; 19] = [
    (
        "no configuration",
        |s| delete(&s.path("agent.toml")),
        "agent.toml",
        "--config",
    ),
    (
        "an unknown key",
        |s| s.replace("agent.toml", "kind = \"central\"", "kindd = \"central\""),
        "kindd",
        "agent.example.toml",
    ),
    (
        "no gateway",
        |s| s.replace("agent.toml", "public_keys = [", "public_keys = [] # "),
        "helsenorge",
        "mend",
    ),
    (
        "no certificate",
        |s| delete(&s.path("certificate.pem")),
        "certificate.pem",
        "CA",
    ),
    (
        "another's key",
        |s| s.copy("gateway/key.pem", "key.pem"),
        "private key",
        "together",
    ),
    (
        "an open key",
        |s| open(&s.path("key.pem")),
        "other accounts may read it",
        "chmod 600",
    ),
    (
        "the wrong CA",
        |s| s.copy("ca/relay-ca.pem", "federation-ca.pem"),
        "was not issued by",
        "relays' CA",
    ),
    (
        "another role's certificate",
        |s| {
            s.copy("gateway/certificate.pem", "certificate.pem");
            s.copy("gateway/key.pem", "key.pem");
        },
        "innsyn://gateway/helsenorge",
        "this register",
    ),
    (
        "no manifest",
        |s| delete(&s.path("data/manifest.toml")),
        "manifest.toml",
        "create",
    ),
    (
        "a column that is not there",
        |s| s.replace("data/manifest.toml", "\"since\"", "\"siden\""),
        "no column `siden`; it has `fnr`, `since`, `status`",
        "column's name",
    ),
    (
        "no file",
        |s| delete(&s.path("data/persons.csv")),
        "persons.csv",
        "put the file there",
    ),
    (
        "an empty file",
        |s| fs::write(s.path("data/persons.csv"), "").unwrap(),
        "it has none",
        "column's name",
    ),
    (
        "rows only",
        |s| s.replace("data/persons.csv", "fnr,since,status\n", ""),
        "looks like data",
        "column names first",
    ),
    (
        "production",
        |s| {
            s.replace(
                "agent.toml",
                "environment = \"test\"",
                "environment = \"production\"",
            );
        },
        "wrong environment",
        "`environment`",
    ),
    (
        "dates of another kind",
        |s| s.replace("data/persons.csv", "2020-01-01", "1. januar 2020"),
        "dates cannot be read",
        "YYYY-MM-DD",
    ),
    (
        "a table that people are shown, without a column",
        |s| shows(s, "persons.csv", "siden"),
        "data/persons.csv` has no column `siden`; it has `fnr`, `since`, `status`",
        "column's name",
    ),
    (
        "a table that people are shown, without its file",
        |s| shows(s, "besok.csv", "since"),
        "`[insight]`: ",
        "put the file there",
    ),
    (
        "a log that is a file",
        |s| fs::write(s.path("log"), "").unwrap(),
        "is a file",
        "use_log.folder",
    ),
    (
        "a log whose keys are gone",
        |s| {
            fs::create_dir(s.path("log"))
                .and_then(|()| fs::write(s.path("log/00000000.seg"), ""))
                .unwrap();
        },
        "log-tag.key",
        "backup",
    ),
];

/// Has the agent show people `column` of the table in `file`.
fn shows(setup: &Setup, file: &str, column: &str) {
    let insight = format!(
        "\n[insight]\n[[insight.table]]\ntitle = \"Registrert\"\ntitle_en = \"Registered\"\n\
         about = \"Når.\"\nabout_en = \"When.\"\nfiles = [\"{file}\"]\nid_column = \"fnr\"\n\
         [[insight.table.column]]\nname = \"{column}\"\nlabel = \"Siden\"\nlabel_en = \"Since\"\n\
         about = \"Når.\"\nabout_en = \"When.\"\n"
    );
    let config = fs::read_to_string(setup.path("agent.toml")).unwrap();
    fs::write(setup.path("agent.toml"), config + &insight).unwrap();
}

#[tokio::test]
async fn tables_that_people_are_shown_are_looked_at_and_named_where_they_can_be_read() {
    let setup = Setup::new();
    shows(&setup, "persons.csv", "since");
    assert_eq!(setup.findings(now()).await, []);
    let all = check(&setup.path("agent.toml"), &TcpDialler, &now()).await;
    let said = all
        .iter()
        .any(|it| it.what == "the tables that people are shown can be read");
    assert!(said, "{all:?}");
}

fn open(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

#[tokio::test]
async fn each_fault_is_named_with_what_to_do() {
    for (fault, break_it, what, what_to_do) in CASES {
        let setup = Setup::new();
        break_it(&setup);
        let findings = setup.findings(now()).await;
        let first = findings
            .first()
            .unwrap_or_else(|| panic!("{fault}: no finding"));
        assert!(first.what.contains(what), "{fault}: {first}");
        assert!(first.what_to_do.contains(what_to_do), "{fault}: {first}");
    }
}

#[tokio::test]
async fn a_certificate_is_read_by_the_clock_and_the_clock_is_named() {
    let setup = Setup::new();
    let at = |days: u32, ahead: bool| -> Arc<dyn Clock> {
        let now = SystemClock.now();
        let by = DAY * days;
        Arc::new(ManualClock::new(if ahead {
            now.plus(by)
        } else {
            now.minus(by)
        }))
    };
    let cases = [
        (
            at(80, true),
            Severity::Warning,
            "expires on",
            "ask for a new one",
        ),
        (at(91, true), Severity::Error, "expired on", "clock"),
        (at(1, false), Severity::Error, "not valid before", "clock"),
    ];
    for (clock, severity, what, what_to_do) in cases {
        let findings = setup.findings(clock).await;
        let first = findings.first().expect("a finding");
        assert_eq!(first.severity, severity, "{first}");
        assert!(
            first.what.contains(what) && first.what_to_do.contains(what_to_do),
            "{first}"
        );
    }
}
