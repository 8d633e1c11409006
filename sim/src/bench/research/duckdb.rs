//! DuckDB beside us: a Python process that is asked one query at a time.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const SCRIPT: &str = include_str!("duckdb.py");

/// A running DuckDB. It is killed when this is dropped.
pub(super) struct DuckDb {
    _child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    pub(super) about: About,
}

/// What it is.
#[derive(Debug, Clone, serde::Serialize, Deserialize)]
pub(super) struct About {
    version: String,
    threads: u64,
    /// The size of the pooled file.
    bytes: u64,
}

/// An answer.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    /// How long the query took, as its own process saw it.
    pub(super) ms: f64,
    pub(super) rows: Vec<Vec<serde_json::Value>>,
}

impl DuckDb {
    /// Starts it over the data in `pooled` with `python`, which has the package `duckdb`.
    pub(super) async fn start(python: &Path, pooled: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(python)
            .arg("-c")
            .arg(SCRIPT)
            .arg(pooled)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{}` cannot be started", python.display()))?;
        let to = child.stdin.take().context("no way to ask DuckDB")?;
        let from = child.stdout.take().context("no way to hear DuckDB")?;
        let mut from = BufReader::new(from).lines();
        let about = next(&mut from).await?;
        Ok(Self {
            _child: child,
            to,
            from,
            about,
        })
    }

    pub(super) async fn ask(&mut self, sql: &str) -> anyhow::Result<Answer> {
        self.to.write_all(format!("{sql}\n").as_bytes()).await?;
        next(&mut self.from).await
    }
}

async fn next<T: DeserializeOwned>(from: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<T> {
    let line = from.next_line().await?;
    let line = line.context("DuckDB has ended; what it said stands above")?;
    Ok(serde_json::from_str(&line)?)
}
