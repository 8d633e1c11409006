//! The parts of a world as processes: this program again, as broker or agent.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use innsyn_policy::Clock;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::telemetry;
use innsyn_proto::tunnel::TcpDialler;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::bench::Layer;
use crate::world::World;

/// How often a part that starts is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(25);
/// How long a part may take to start.
const START_MAX: Duration = Duration::from_mins(1);
/// How long a part may take to stop; a gateway lets open listings end first.
const STOP_MAX: Duration = Duration::from_secs(20);
/// So many lines of a log say why a part ended.
const LAST_LINES: usize = 5;

/// A running part. It is killed when this is dropped.
#[derive(Debug)]
pub struct Part {
    child: Child,
    log: PathBuf,
    /// What it was called when it was started.
    pub name: String,
}

impl Part {
    /// Starts `program` with `args`; what it writes goes to `log`.
    pub fn start(
        name: impl Into<String>,
        program: &Path,
        args: &[&str],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let name = name.into();
        let path = log;
        let log = File::options()
            .create(true)
            .append(true)
            .open(path)
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self {
            child,
            log: path.to_owned(),
            name,
        })
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.trim_end().lines().collect();
        let last = lines.len().saturating_sub(LAST_LINES);
        lines.get(last..).unwrap_or_default().join("\n")
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) -> anyhow::Result<()> {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid
            .and_then(rustix::process::Pid::from_raw)
            .with_context(|| format!("{} has ended", self.name))?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }

    /// Tells it to stop and waits until it has; kills it if that takes too long.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        if self.signal(rustix::process::Signal::TERM).is_err() {
            return Ok(());
        }
        match timeout(STOP_MAX, self.child.wait()).await {
            Ok(ended) => {
                ended?;
            }
            Err(_) => self.kill().await?,
        }
        Ok(())
    }
}

/// How the parts of a world are started.
#[derive(Debug, Clone)]
pub struct Starter {
    program: PathBuf,
}

impl Starter {
    /// Starts parts as `program`, which is this program or one that takes the same arguments.
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Starts parts as the running program.
    pub fn this_program() -> anyhow::Result<Self> {
        Ok(Self::new(std::env::current_exe()?))
    }

    /// Starts the relay.
    pub fn relay(&self, world: &World) -> anyhow::Result<Part> {
        let config = world.relay_config();
        self.broker("relay", &config, &world.folder.join("relay/log.txt"))
    }

    /// Starts the gateway.
    pub fn gateway(&self, world: &World) -> anyhow::Result<Part> {
        let config = world.gateway_config();
        self.broker("gateway", &config, &world.folder.join("gateway/log.txt"))
    }

    /// Starts the research gateway, of a world whose registers have views.
    pub fn research_gateway(&self, world: &World) -> anyhow::Result<Part> {
        let config = world.research_gateway_config();
        let log = world.folder.join("research/log.txt");
        self.broker("research gateway", &config, &log)
    }

    fn broker(&self, name: &str, config: &Path, log: &Path) -> anyhow::Result<Part> {
        let config = config.to_string_lossy();
        Part::start(
            name,
            &self.program,
            &["broker", "run", "--config", &config],
            log,
        )
    }

    /// Starts the gateway with the demo's page beside its API.
    pub fn gateway_with_page(&self, world: &World) -> anyhow::Result<Part> {
        let folder = world.folder.to_string_lossy();
        let log = world.folder.join("gateway/log.txt");
        Part::start(
            "gateway",
            &self.program,
            &["demo-gateway", "--world", &folder],
            &log,
        )
    }

    /// Starts the agents of `registers` in one process.
    pub fn agents(&self, world: &World, registers: &[String]) -> anyhow::Result<Part> {
        let folder = world.folder.to_string_lossy();
        let registers = registers.join(",");
        let log = world.folder.join("agents.log.txt");
        let args = ["agents", "--world", &folder, "--registers", &registers];
        Part::start("agents", &self.program, &args, &log)
    }

    /// Starts the gateway without some layers.
    pub fn reduced_gateway(&self, world: &World, without: &[Layer]) -> anyhow::Result<Part> {
        let (folder, without) = (world.folder.to_string_lossy(), names(without));
        let log = world.folder.join("gateway/log.txt");
        let args = ["reduced-gateway", "--world", &folder, "--without", &without];
        Part::start("gateway", &self.program, &args, &log)
    }

    /// Starts the agents of `registers` in one process, without some layers.
    pub fn reduced_agents(
        &self,
        world: &World,
        registers: &[String],
        without: &[Layer],
    ) -> anyhow::Result<Part> {
        let (folder, without) = (world.folder.to_string_lossy(), names(without));
        let registers = registers.join(",");
        let log = world.folder.join("agents.log.txt");
        let args = [
            "reduced-agents",
            "--world",
            &folder,
            "--registers",
            &registers,
            "--without",
            &without,
        ];
        Part::start("agents", &self.program, &args, &log)
    }

    /// Starts a part of the naive design, which says in `out` where it listens.
    pub fn naive(&self, name: &str, args: &[&str], log: &Path) -> anyhow::Result<Part> {
        Part::start(name, &self.program, &[&["naive"], args].concat(), log)
    }

    /// Runs `innsyn-agent cases` with `args` and the register's configuration, as its case handler
    /// does, with `says` on its standard input; what it answers.
    pub async fn case_handler(
        &self,
        world: &World,
        register: &str,
        args: &[&str],
        says: &str,
    ) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program)
            .args(["agent", "cases"])
            .args(args)
            .arg("--config")
            .arg(world.agent_config(register))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut input) = command.stdin.take() {
            input.write_all(says.as_bytes()).await?;
        }
        let ended = command.wait_with_output().await?;
        anyhow::ensure!(
            ended.status.success(),
            "the case handler at `{register}`: {}",
            String::from_utf8_lossy(&ended.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    }

    /// Starts one agent, with every reading from the network late by `delay` if there is one.
    pub fn agent(
        &self,
        world: &World,
        register: &str,
        delay: Option<Duration>,
    ) -> anyhow::Result<Part> {
        let config = world.agent_config(register);
        let config = config.to_string_lossy();
        let log = world.agent_folder(register).join("log.txt");
        let name = format!("agent {register}");
        match delay {
            None => {
                let args = ["agent", "run", "--config", &config];
                Part::start(name, &self.program, &args, &log)
            }
            Some(delay) => {
                let delay = delay.as_millis().to_string();
                let args = [
                    "slow-agent",
                    "--delay-ms",
                    &delay,
                    "run",
                    "--config",
                    &config,
                ];
                Part::start(name, &self.program, &args, &log)
            }
        }
    }
}

/// The names of `layers`, as a command line takes them.
fn names(layers: &[Layer]) -> String {
    let values = layers.iter().filter_map(ValueEnum::to_possible_value);
    let names: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
    names.join(",")
}

/// Runs the agents of `registers` in this process until `stop`; all agents of the world in
/// `folder` if none is named.
pub async fn run_agents(
    folder: &Path,
    registers: &[String],
    stop: CancellationToken,
) -> anyhow::Result<()> {
    run_agents_as(folder, registers, |config| {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let progress = Arc::new(innsyn_agent::sources::Silent);
        innsyn_agent::run(config, Arc::new(TcpDialler), clock, progress, stop.clone())
    })
    .await
}

/// Runs the agents of `registers` in this process, each as `run` does it.
pub async fn run_agents_as<F>(
    folder: &Path,
    registers: &[String],
    run: impl Fn(innsyn_agent::config::Config) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut registers = registers.to_vec();
    if registers.is_empty() {
        for entry in std::fs::read_dir(folder.join("agents"))? {
            registers.push(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    telemetry::start(&telemetry::TelemetryConfig::default())?;
    let mut agents = JoinSet::new();
    for register in registers {
        let config = innsyn_agent::config::Config::load(
            &folder.join("agents").join(&register).join("agent.toml"),
        )?;
        let agent = Box::pin(run(config));
        agents.spawn(async move { agent.await.with_context(|| format!("agent {register}")) });
    }
    while let Some(ended) = agents.join_next().await {
        ended??;
    }
    Ok(())
}

/// A client for the parts' own health and metrics, on loopback and in clear.
pub fn http() -> anyhow::Result<reqwest::Client> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()?)
}

/// Waits until `url` answers with a success. Fails when `part` has ended or takes too long.
pub async fn wait_until_ready(
    http: &reqwest::Client,
    part: &mut Part,
    url: &str,
) -> anyhow::Result<()> {
    let ends = Instant::now() + START_MAX;
    loop {
        if let Ok(response) = http.get(url).send().await
            && response.status().is_success()
        {
            return Ok(());
        }
        anyhow::ensure!(
            !part.has_ended(),
            "{} ended: {}",
            part.name,
            part.last_words()
        );
        anyhow::ensure!(
            Instant::now() < ends,
            "{} is not ready after {START_MAX:?}",
            part.name
        );
        sleep(ASK_EVERY).await;
    }
}
