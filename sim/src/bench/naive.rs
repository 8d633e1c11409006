//! The design that one would write first, to compare with: a tonic server that makes one unary
//! TLS call to every agent for every listing.
//!
//! Connections are kept, `TCP_NODELAY` is on, TLS 1.3 with server certificates on both hops.
//! There is no tunnel, no log, no token and no decision: everything that would cost is left out.

#[cfg(test)]
mod generated;
mod part;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use futures::future::BoxFuture;
use innsyn_broker::enrolment;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::identity::Identity;
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;

use crate::caller::client_tls;
use crate::load::{Listed, MakeListing};
use crate::processes::{Part, Starter};

#[allow(
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
mod wire {
    include!("../../generated/innsyn.sim.naive.rs");
}

pub use part::{NaivePart, run};
use part::{PERSONS, addresses, connect, id};
use wire::Asked;
use wire::naive_client::NaiveClient;

/// Days that the certificates are valid.
const CERTIFICATE_DAYS: u32 = 2;

/// How a part is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runtime {
    OneThread,
    AllCores,
}

impl Runtime {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OneThread => "one thread",
            Self::AllCores => "all cores",
        }
    }
}

/// The naive design, up, once on each runtime.
pub(super) struct NaiveFederation {
    pub(super) nodes: usize,
    one_thread: Up,
    all_cores: Up,
    ca: PathBuf,
}

struct Up {
    gateway: Part,
    /// One with all agents, or one for each.
    agents: Vec<Part>,
    address: SocketAddr,
}

impl NaiveFederation {
    /// Starts it with `nodes` agents, all in one process or in `processes`.
    pub(super) async fn start(
        folder: &Path,
        nodes: usize,
        processes: bool,
    ) -> anyhow::Result<Self> {
        let folder = folder.join("naive");
        let (ca, tls) = (folder.join("ca"), folder.join("tls"));
        enrolment::init(&ca, &SystemClock)?;
        let identity = Identity::Relay("naive".parse()?);
        let hosts = ["localhost".to_owned()];
        enrolment::issue(&ca, &identity, &hosts, CERTIFICATE_DAYS, &tls, &SystemClock)?;
        let agents = if processes {
            vec![1; nodes]
        } else {
            vec![nodes]
        };
        Ok(Self {
            nodes,
            one_thread: Up::start(&folder, &tls, &agents, Runtime::OneThread).await?,
            all_cores: Up::start(&folder, &tls, &agents, Runtime::AllCores).await?,
            ca: ca.join(enrolment::RELAY_CA_FILE),
        })
    }

    fn up(&self, runtime: Runtime) -> &Up {
        match runtime {
            Runtime::OneThread => &self.one_thread,
            Runtime::AllCores => &self.all_cores,
        }
    }

    /// Gateway and agents.
    pub(super) fn parts(&self, runtime: Runtime) -> (&Part, &[Part]) {
        let up = self.up(runtime);
        (&up.gateway, &up.agents)
    }

    pub(super) async fn caller(&self, runtime: Runtime) -> anyhow::Result<NaiveCaller> {
        let channel = connect(self.up(runtime).address, client_tls(&self.ca)?).await?;
        Ok(NaiveCaller {
            client: NaiveClient::new(channel),
            nodes: self.nodes,
        })
    }
}

impl Up {
    /// Starts a process for each of `agents`, which says how many are in it.
    async fn start(
        folder: &Path,
        tls: &Path,
        agents: &[usize],
        runtime: Runtime,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(runtime.name().replace(' ', "-"));
        std::fs::create_dir_all(&folder)?;
        let starter = Starter::this_program()?;
        let log = folder.join("log.txt");
        let tls = tls.to_string_lossy();
        let start = |role: &str, args: &[&str], out: &Path| {
            let out = out.to_string_lossy();
            let mut all = vec![role, "--tls", &tls, "--out", &out];
            all.extend(args);
            if runtime == Runtime::AllCores {
                all.push("--all-cores");
            }
            starter.naive(&format!("naive {role}"), &all, &log)
        };
        let (mut parts, mut files) = (Vec::new(), Vec::new());
        for (number, nodes) in agents.iter().enumerate() {
            let file = folder.join(format!("agents-{number}"));
            parts.push(start("agents", &["--nodes", &nodes.to_string()], &file)?);
            files.push(file);
        }
        for (file, part) in files.iter().zip(&mut parts) {
            wait_for(file, part).await?;
        }
        let file = folder.join("gateway");
        let agents: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        let mut args = vec!["--agents"];
        args.extend(agents.iter().map(AsRef::as_ref));
        let mut gateway = start("gateway", &args, &file)?;
        wait_for(&file, &mut gateway).await?;
        let address = *addresses(&[file])?.first().context("no address")?;
        Ok(Self {
            gateway,
            agents: parts,
            address,
        })
    }
}

async fn wait_for(file: &Path, part: &mut Part) -> anyhow::Result<()> {
    let ends = Instant::now() + Duration::from_secs(30);
    while !file.exists() {
        anyhow::ensure!(!part.has_ended(), "{} ended; its log says why", part.name);
        anyhow::ensure!(Instant::now() < ends, "{} does not start", part.name);
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Asks the naive gateway.
pub(super) struct NaiveCaller {
    client: NaiveClient<Channel>,
    nodes: usize,
}

impl MakeListing for NaiveCaller {
    fn listing(&self, number: u64) -> BoxFuture<'_, anyhow::Result<Listed>> {
        Box::pin(async move {
            let asked = Asked {
                national_id: id(number % u64::from(2 * PERSONS)),
            };
            let listed = self.client.clone().list(asked).await?.into_inner();
            anyhow::ensure!(listed.found.len() == self.nodes, "not every agent answered");
            Ok(Listed {
                complete: true,
                ..Listed::default()
            })
        })
    }
}
