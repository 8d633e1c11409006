//! A program that does nothing but record releases, so that it can be killed while it does.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use innsyn_broker::research::ledger::{LedgerConfig, Recorded, Release, ReleaseKey};
use innsyn_policy::{PermitId, RegisterId, Timestamp};
use innsyn_proto::query::QueryName;
use innsyn_proto::wire::research::v1 as wire;

/// Record releases, one after the other, and print each one's number once it is recorded.
#[derive(Debug, clap::Parser)]
pub(crate) struct Args {
    /// The file with the ledger's section of a configuration.
    #[arg(long)]
    ledger: PathBuf,
    /// The number of the first.
    #[arg(long)]
    from: u32,
}

/// Runs until it is killed.
pub(crate) fn main(args: &Args) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&args.ledger)?;
    let ledger: LedgerConfig = serde_json::from_str(&text)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(record_from(&ledger, args.from))
}

async fn record_from(ledger: &LedgerConfig, from: u32) -> anyhow::Result<()> {
    let store = ledger.open().await?;
    let permit = PermitId::new("recorder", "1")?;
    let mut audited = store.releases(&permit).await?.len();
    for number in from.. {
        let recorded = store.record(release(&permit, number)?, audited, u32::MAX);
        match recorded.await? {
            Recorded::New => audited += 1,
            // Recorded by an attempt whose end was not heard of, here or before.
            Recorded::Earlier(_) => audited = store.releases(&permit).await?.len(),
            other => anyhow::bail!("{other:?}"),
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{number}").and_then(|()| out.flush())?;
    }
    Ok(())
}

/// The release `number`: two registers, and a table of some size.
fn release(permit: &PermitId, number: u32) -> anyhow::Result<Release> {
    let mut query = [0; 32];
    let (first, _) = query
        .split_first_chunk_mut()
        .context("32 are more than 4")?;
    *first = number.to_be_bytes();
    let row = wire::Row {
        values: vec![wire::Value {
            value: Some(wire::value::Value::Count(number.into())),
        }],
    };
    let registers = ["nord", "vest"];
    let contributors = registers.map(|id| Ok((RegisterId::parse(id)?, [1; 32])));
    Ok(Release {
        key: ReleaseKey {
            permit: permit.clone(),
            query: QueryName::from_bytes(query),
            contributors: contributors.into_iter().collect::<anyhow::Result<_>>()?,
        },
        at: Timestamp::from_seconds(number.into()),
        words_nb: "personer".to_owned(),
        words_en: "persons".to_owned(),
        table: wire::ReleasedTable {
            rows: vec![row; 500],
            ..wire::ReleasedTable::default()
        },
        audit: vec![1; 1_000],
    })
}
