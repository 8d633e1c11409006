//! A ledger in PostgreSQL, which several gateways share.
//!
//! The connection is encrypted and the server's certificate verified, name included, unless the
//! server is on this machine. The role needs the right to make tables, once; then to select from
//! and insert into its own, and to update `innsyn_ledger` and lock rows of `innsyn_permit`.

use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode, Postgres};

use super::open::{OpenLedgerError, known};
use super::sql::{Dialect, SqlStore};

/// Connections of one gateway at once.
const CONNECTIONS_MAX: u32 = 8;
/// How long a call waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that is told to forget writes is told not to, in our sessions; nothing waits for ever.
const SESSION: &str = "\
    SELECT set_config('synchronous_commit', 'on', false) \
        WHERE current_setting('synchronous_commit') = 'off'; \
    SET statement_timeout = '10s'; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '30s'";
/// Gateways that start at once make the tables one after the other.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(7166117721)";
const EXISTS: &str = "SELECT to_regclass('innsyn_ledger') IS NOT NULL";
const SCHEMA: &str = "\
    CREATE TABLE innsyn_ledger (version BIGINT NOT NULL, checks BIGINT NOT NULL); \
    CREATE TABLE innsyn_permit ( \
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
        issuer TEXT NOT NULL, \
        name TEXT NOT NULL, \
        UNIQUE (issuer, name) \
    ); \
    CREATE TABLE innsyn_release ( \
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
        permit BIGINT NOT NULL REFERENCES innsyn_permit, \
        query BYTEA NOT NULL, \
        contributors BYTEA NOT NULL, \
        released_at BIGINT NOT NULL, \
        words_nb TEXT NOT NULL, \
        words_en TEXT NOT NULL, \
        released BYTEA NOT NULL, \
        audit BYTEA NOT NULL, \
        UNIQUE (permit, query, contributors) \
    ); \
    CREATE TABLE innsyn_contributor ( \
        release BIGINT NOT NULL REFERENCES innsyn_release, \
        register TEXT NOT NULL, \
        snapshot BYTEA NOT NULL, \
        PRIMARY KEY (release, register) \
    ); \
    INSERT INTO innsyn_ledger (version, checks) VALUES (1, 0)";

impl Dialect for Postgres {
    // Each statement sees what was committed before it began, so the one that counts sees what
    // the last holder of the permit's row has written.
    const BEGIN: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    const HOLD_PERMIT: &'static str =
        "SELECT number FROM innsyn_permit WHERE issuer = $1 AND name = $2 FOR UPDATE";
    // serialization_failure, deadlock_detected, lock_not_available; admin_shutdown, crash_shutdown,
    // cannot_connect_now.
    const CONFLICTS: &'static [&'static str] =
        &["40001", "40P01", "55P03", "57P01", "57P02", "57P03"];
}

/// Opens the ledger at the URL in `url_file`, and makes its tables if they are not there. A server
/// elsewhere must show a certificate of the authority in `ca_file`, or of a public one.
pub(super) async fn open(
    url_file: &Path,
    ca_file: Option<&Path>,
) -> Result<SqlStore<Postgres>, OpenLedgerError> {
    let mut options = options_in(url_file)?;
    if let Some(ca_file) = ca_file {
        let pem = std::fs::read(ca_file)
            .map_err(|error| OpenLedgerError::Certificate(ca_file.to_owned(), error))?;
        options = options.ssl_root_cert_from_pem(pem);
    }
    let host = host(&options);
    prepared(options).await.map_err(|error| error.of_host(host))
}

/// Where the URL in `url_file` leads, never in clear over a network.
pub(crate) fn options_in(url_file: &Path) -> Result<PgConnectOptions, OpenLedgerError> {
    let url = std::fs::read_to_string(url_file)
        .map_err(|error| OpenLedgerError::Secret(url_file.to_owned(), error))?;
    options(url.trim()).map_err(|error| error.of_url(url_file))
}

/// Where the URL leads, never in clear over a network.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, OpenLedgerError> {
    let is_url = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    if !is_url {
        return Err(OpenLedgerError::NoUrl);
    }
    // What is wrong with it could quote the password.
    let options = PgConnectOptions::from_str(url).map_err(|_| OpenLedgerError::NoUrl)?;
    let options = options.application_name("innsyn-broker");
    if is_local(&options) {
        return Ok(options);
    }
    match options.get_ssl_mode() {
        PgSslMode::VerifyFull => Ok(options),
        // What it is unless the URL says.
        PgSslMode::Prefer => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
        mode => Err(OpenLedgerError::Unverified {
            host: host(&options),
            mode: format!("{mode:?}"),
        }),
    }
}

async fn prepared(options: PgConnectOptions) -> Result<SqlStore<Postgres>, OpenLedgerError> {
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SESSION).execute(connection).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    let mut transaction = pool.begin_with(Postgres::BEGIN).await?;
    sqlx::query(ONE_AT_A_TIME)
        .execute(&mut *transaction)
        .await?;
    let (exists,): (bool,) = sqlx::query_as(EXISTS).fetch_one(&mut *transaction).await?;
    if !exists {
        sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
    }
    known(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(SqlStore::new(pool))
}

/// Where the server is, as it is named.
fn host(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    }
}

/// Whether the server is on this machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address: IpAddr| address.is_loopback())
}
