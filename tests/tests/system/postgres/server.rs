//! A PostgreSQL server of our own: new, on a free port, with TLS, and gone when it is dropped.
//!
//! It needs Debian's `postgresql` package. The server refuses to run as root; then it runs as the
//! `postgres` user that the package makes.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Who may log in how: the Unix socket is trusted, the network must bring a password.
const HBA: &str = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

/// Everything else is as PostgreSQL has it.
const SETTINGS: &str = "listen_addresses = '127.0.0.1'\nssl = on\nfsync = off\n\
    ssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\nlog_statement = 'none'\n";

/// Signs a server's certificate.
pub(in crate::system) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(in crate::system) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    pub(in crate::system) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key for a server on loopback.
    fn issue(&self) -> (String, String) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

/// A running server, with a role `innsyn` that may log in and nothing else.
pub(in crate::system) struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    ca: String,
}

impl Server {
    pub(in crate::system) fn start() -> Self {
        let programs = programs().expect("PostgreSQL is installed (apt install postgresql)");
        let folder = tempfile::tempdir().expect("a folder");
        // The socket stands in it, and its owner is another account.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("rights");
        hand_over(folder.path());
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a free port")
            .port();
        let authority = Authority::new();
        let server = Self {
            folder,
            programs,
            port,
            ca: authority.pem(),
        };
        server.initialise(&authority);
        server.pg_ctl(&["start", "--wait", "--silent", "--log", "/dev/null"]);
        server
    }

    pub(in crate::system) const fn port(&self) -> u16 {
        self.port
    }

    /// The certificate that the server's comes from, as PEM.
    pub(in crate::system) fn ca(&self) -> &str {
        &self.ca
    }

    /// Where the Unix socket is.
    pub(in crate::system) fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs statements as the owner of everything.
    pub(in crate::system) async fn run(&self, statements: &str) {
        let outcome = self.owner().await.batch_execute(statements).await;
        outcome.unwrap_or_else(|error| panic!("`{statements}`: {error:?}"));
    }

    /// Runs statements as the owner of everything, in another database.
    pub(in crate::system) async fn run_in(&self, database: &str, statements: &str) {
        let outcome = self
            .owner_in(database)
            .await
            .batch_execute(statements)
            .await;
        outcome.unwrap_or_else(|error| panic!("`{statements}`: {error:?}"));
    }

    /// The code with which a query of the owner fails, if it does.
    pub(in crate::system) async fn fails(&self, query: &str) -> Option<String> {
        let outcome = self.owner().await.query(query, &[]).await;
        let error = outcome.err()?;
        error.code().map(|state| state.code().to_owned())
    }

    /// How many rows a table has.
    pub(in crate::system) async fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        let row = self.owner().await.query_one(&query, &[]).await;
        row.expect("a count").get(0)
    }

    async fn owner(&self) -> tokio_postgres::Client {
        self.owner_in("postgres").await
    }

    async fn owner_in(&self, database: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::Config::new()
            .host_path(self.socket_folder())
            .port(self.port)
            .user("postgres")
            .dbname(database)
            .connect(NoTls)
            .await
            .expect("the owner may log in");
        tokio::spawn(connection);
        client
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn initialise(&self, authority: &Authority) {
        let data = self.data();
        let mut initdb = self.program("initdb");
        initdb.args(["--username=postgres", "--no-sync", "--auth=trust", "-D"]);
        succeed(initdb.arg(&data));

        let (certificate, key) = authority.issue();
        let settings = format!(
            "{SETTINGS}port = {}\nunix_socket_directories = '{}'\n",
            self.port,
            self.folder.path().display()
        );
        let files = [
            ("postgresql.conf", settings),
            ("pg_hba.conf", HBA.to_owned()),
            ("server.pem", certificate),
            ("server.key", key),
        ];
        for (name, content) in files {
            let path = data.join(name);
            fs::write(&path, content).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("rights");
            hand_over(&path);
        }
        // Roles can be made before the server listens to anybody.
        let mut single = self.program("postgres");
        single.args(["--single", "-D"]).arg(&data).arg("postgres");
        let script = self.folder.path().join("role.sql");
        fs::write(&script, "CREATE ROLE innsyn LOGIN\n").expect("a file");
        succeed(single.stdin(fs::File::open(script).expect("a file")));
    }

    fn pg_ctl(&self, arguments: &[&str]) {
        let mut pg_ctl = self.program("pg_ctl");
        succeed(pg_ctl.args(arguments).arg("-D").arg(self.data()));
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.folder.path());
        if let Some((user, group)) = other_account() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.pg_ctl(&["stop", "--wait", "--silent", "--mode", "immediate"]);
    }
}

/// Debian's newest version, or what else the usual places have.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<PathBuf> = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    folders.extend(["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    folders.into_iter().find(|folder| {
        ["initdb", "pg_ctl", "postgres"]
            .iter()
            .all(|p| folder.join(p).exists())
    })
}

/// User and group to run as, where we are root.
fn other_account() -> Option<(u32, u32)> {
    let we = fs::metadata("/proc/self").expect("our own process").uid();
    if we != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").expect("the accounts");
    let account = accounts.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = account.expect("a user called postgres").split(':').skip(2);
    let mut number = || fields.next()?.parse().ok();
    number().zip(number())
}

fn hand_over(path: &Path) {
    if let Some((user, group)) = other_account() {
        chown(path, Some(user), Some(group)).expect("root may give files away");
    }
}

/// Output is shown only when it failed. Nothing is inherited: a server that keeps our standard
/// output open would keep the test command from ending.
fn succeed(command: &mut Command) {
    let log = tempfile::tempfile().expect("a file");
    let out = log.try_clone().expect("the file again");
    let status = command.stdout(out).stderr(log).status();
    let status = status.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
