//! E-mail servers and SMS services that are spoken to over TLS, with somebody who listens on the
//! way: nobody's address is ever said in clear, and where TLS cannot be had, nothing is sent.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use innsyn_broker::gateway::notification::{NotificationConfig, Teller};
use innsyn_policy::{NationalId, NumberRules};
use tempfile::TempDir;
use tokio::time::sleep;

use super::servers::{Ca, Kind, Server, Tap};
use crate::system::fleet::until;

const KARI: &str = "01817010055";
const ADDRESS: &str = "kari@example.invalid";
const NUMBER: &str = "4799900017";
/// How long it is waited for what must not come.
const WHILE: Duration = Duration::from_secs(2);

/// How a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Tls,
    Starttls,
    InClear,
}

/// A server, who listens before it, and what is configured of the CA that vouches for it.
#[derive(Clone, Copy)]
struct Case {
    kind: Kind,
    speaks: Speaks,
    /// What `security` says.
    security: &'static str,
    /// The name in its certificate.
    name: &'static str,
    /// Whether `ca_file` is the CA that signed it.
    is_its_ca: bool,
    /// Whether a message arrives.
    arrives: bool,
}

const fn good(kind: Kind, speaks: Speaks, security: &'static str) -> Case {
    Case {
        kind,
        speaks,
        security,
        name: "localhost",
        is_its_ca: true,
        arrives: true,
    }
}

/// The same, where nothing may be sent.
const fn bad(case: Case) -> Case {
    Case {
        arrives: false,
        ..case
    }
}

fn cases() -> Vec<Case> {
    use Kind::{Mail, Sms};
    use Speaks::{InClear, Starttls, Tls};
    let with_another_ca = |case| {
        bad(Case {
            is_its_ca: false,
            ..case
        })
    };
    let with_another_name = |case| {
        bad(Case {
            name: "elsewhere.example",
            ..case
        })
    };
    vec![
        good(Mail, Tls, "tls"),
        good(Mail, Starttls, "starttls"),
        good(Sms, Tls, "tls"),
        with_another_ca(good(Mail, Tls, "tls")),
        with_another_ca(good(Mail, Starttls, "starttls")),
        with_another_ca(good(Sms, Tls, "tls")),
        with_another_name(good(Mail, Tls, "tls")),
        with_another_name(good(Mail, Starttls, "starttls")),
        with_another_name(good(Sms, Tls, "tls")),
        // What is demanded and not to be had: the server has no TLS at all.
        bad(good(Mail, InClear, "starttls")),
        bad(good(Mail, InClear, "tls")),
        bad(good(Sms, InClear, "tls")),
    ]
}

async fn server(case: &Case, ca: &Ca, folder: &Path) -> Server {
    let [certificate, key] = ca.certifies(case.name, folder);
    let files = [certificate.as_str(), key.as_str()];
    let security = match case.speaks {
        Speaks::Tls => "tls",
        Speaks::Starttls => "starttls",
        Speaks::InClear => "none",
    };
    let tls: Vec<&str> = match (case.kind, case.speaks) {
        (_, Speaks::InClear) => Vec::new(),
        (Kind::Mail, _) => [security].into_iter().chain(files).collect(),
        (Kind::Sms, _) => files.to_vec(),
    };
    Server::start(case.kind, &folder.join("taken.jsonl"), 0, &tls).await
}

/// Who tells Kari, by the server at `port`.
fn teller(case: &Case, port: u16, ca: &Ca, folder: &Path) -> Arc<Teller> {
    let vouches = folder.join("ca.pem");
    if case.is_its_ca {
        ca.write(&vouches);
    } else {
        Ca::new().write(&vouches);
    }
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(file("password"), "secret").unwrap();
    let ca = match case.security {
        "none" => String::new(),
        _ => format!(", ca_file = \"{}\"", vouches.to_str().unwrap()),
    };
    let server = format!(
        "host = \"localhost\", port = {port}, security = \"{}\"{ca}",
        case.security
    );
    let (service, address) = match case.kind {
        Kind::Mail => (
            format!("smtp = {{ {server} }}\nfrom = \"a@example.invalid\""),
            ADDRESS.to_owned(),
        ),
        Kind::Sms => (
            format!(
                "sms = {{ {server}, system_id = \"innsyn\", password_file = \"{}\", from = \
                 \"Helsenorge\" }}",
                file("password")
            ),
            format!("+{NUMBER}"),
        ),
    };
    fs::write(file("addresses.csv"), format!("{KARI},{address}\n")).unwrap();
    let text = format!(
        "{service}\naddress_book = \"{}\"\nmemory = \"{}\"\n",
        file("addresses.csv"),
        file("notified")
    );
    let config: NotificationConfig = toml::from_str(&text).unwrap();
    config.open(NumberRules::default()).unwrap()
}

async fn tried(case: Case) {
    let told = format!("{:?} {:?} {}", case.kind, case.speaks, case.security);
    let told = format!("{told} {} {}", case.name, case.is_its_ca);
    let (folder, ca) = (TempDir::new().unwrap(), Ca::new());
    let folder = folder.path();
    let server = server(&case, &ca, folder).await;
    let tap = Tap::before(server.port).await;
    let teller = teller(&case, tap.port, &ca, folder);
    let kari = NationalId::parse(KARI, NumberRules::default()).unwrap();
    let key = [7; 32];
    teller.tell(key, kari);
    if case.arrives {
        until("it is told", async || teller.is_done(&key)).await;
    } else {
        until("it was tried", async || tap.is_tried()).await;
        sleep(WHILE).await;
        teller.tell(key, kari);
        sleep(WHILE).await;
        assert!(!teller.is_done(&key), "{told}");
    }
    let messages = usize::from(case.arrives);
    assert_eq!(server.messages().len(), messages, "{told}");
    for address in [ADDRESS, NUMBER] {
        assert!(!tap.heard(address), "{told}");
    }
}

async fn all_of(kind: Kind) {
    let cases = cases().into_iter().filter(|case| case.kind == kind);
    futures::future::join_all(cases.map(tried)).await;
}

#[tokio::test]
async fn area_1_notification_by_mail_is_never_in_clear_and_waits_where_tls_cannot_be_had() {
    all_of(Kind::Mail).await;
}

#[tokio::test]
async fn area_1_notification_by_sms_is_never_in_clear_and_waits_where_tls_cannot_be_had() {
    all_of(Kind::Sms).await;
}

/// Who listens would hear an address that is said in clear.
#[tokio::test]
async fn an_address_that_is_said_in_clear_on_loopback_is_heard() {
    for (kind, address) in [(Kind::Mail, ADDRESS), (Kind::Sms, NUMBER)] {
        let (folder, ca) = (TempDir::new().unwrap(), Ca::new());
        let case = good(kind, Speaks::InClear, "none");
        let server = server(&case, &ca, folder.path()).await;
        let tap = Tap::before(server.port).await;
        let teller = teller(&case, tap.port, &ca, folder.path());
        let kari = NationalId::parse(KARI, NumberRules::default()).unwrap();
        teller.tell([7; 32], kari);
        until("it is told", async || teller.is_done(&[7; 32])).await;
        assert!(tap.heard(address), "{kind:?}");
    }
}
