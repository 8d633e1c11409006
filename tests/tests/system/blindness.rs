//! The relay is blind and the gateway forgets: memory and disk are searched while listings run.
//!
//! Every answer carries the hash of its entry in the log of use: 32 bytes that nobody can guess
//! and that the caller receives. They are the canaries.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use indicatif::ProgressBar;
use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_sim::caller::Caller;
use innsyn_sim::country::Role;
use innsyn_sim::processes::{Part, Starter, http, wait_until_ready};
use innsyn_sim::scan::{Scanner, Searched, Secret, Sighting};
use innsyn_sim::world::{World, WorldSpec};
use rand::rngs::StdRng;
use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const PERSONS: u32 = 2_000;
const SEED: u64 = 5;
/// A wait that only a failing test sits out.
const LONG: Duration = Duration::from_mins(1);

/// A world whose parts are processes.
struct Running {
    world: World,
    /// Relay and gateway; once the same process.
    relay: Part,
    gateway: Option<Part>,
    agents: Vec<Part>,
}

impl Running {
    /// Starts everything with `agents` agents; `leaky` puts relay and gateway into the broker
    /// that leaks.
    async fn start(folder: &Path, agents: usize, leaky: bool) -> Self {
        let mut spec = WorldSpec::new(PERSONS, SEED);
        spec.log_filter = "trace".to_owned();
        let world = World::build(folder, &spec, &SystemClock, &ProgressBar::hidden()).unwrap();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_innsyn-world"));
        let (starter, http) = (Starter::new(program.clone()), http().unwrap());
        let ready = |at| format!("http://{at}/readyz");
        let mut relay = if leaky {
            let (relay, gateway) = (world.relay_config(), world.gateway_config());
            let args = ["leaky-broker", "--relay", relay.to_str().unwrap()];
            let args = [&args[..], &["--gateway", gateway.to_str().unwrap()]].concat();
            let log = world.folder.join("relay/log.txt");
            Part::start("leaky broker", &program, &args, &log).unwrap()
        } else {
            starter.relay(&world).unwrap()
        };
        wait_until_ready(&http, &mut relay, &ready(world.relay_status()))
            .await
            .unwrap();
        let gateway = (!leaky).then(|| starter.gateway(&world).unwrap());
        let agents = world.live().take(agents);
        let agents: Vec<Part> = agents
            .map(|register| starter.agent(&world, register.id().as_str(), None).unwrap())
            .collect();
        let connected = async {
            let url = format!("{}/readyz", world.gateway_url());
            loop {
                if let Ok(response) = http.get(&url).send().await
                    && let Ok(ready) = response.json::<serde_json::Value>().await
                    && ready["registersConnected"].as_u64() == Some(agents.len() as u64)
                {
                    return;
                }
                sleep(Duration::from_millis(25)).await;
            }
        };
        let connected = timeout(LONG, connected).await;
        assert!(connected.is_ok(), "not all agents connected");
        Self {
            world,
            relay,
            gateway,
            agents,
        }
    }

    fn brokers(&self) -> impl Iterator<Item = &Part> {
        [Some(&self.relay), self.gateway.as_ref()]
            .into_iter()
            .flatten()
    }

    /// Starts a listing about each of the first `listings` persons; one agent stands still, so
    /// that none can end. Stops relay and gateway when every listing has had an answer, hands
    /// them to `look`, and lets everything go on. Returns a scanner that knows every id asked
    /// about and every canary that came.
    async fn looked_at_mid_listing(
        &self,
        listings: u32,
        look: impl AsyncFnOnce(&Self),
    ) -> (Scanner, Counts) {
        let hung = self.agents.last().unwrap();
        hung.signal(Signal::STOP).unwrap();
        let mut scanner = Scanner::default();
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut under_way = JoinSet::new();
        let (now, mut random) = (SystemClock.now(), rand::make_rng::<StdRng>());
        let caller = Caller::connect(self.world.gateway(), None).await.unwrap();
        for number in 0..listings {
            let country = &self.world.country;
            let asking = country.asking(number, Role::Oneself, None, now).unwrap();
            scanner.add_national_id(&asking.subject.id);
            let mut question = self.world.question(&asking, now, &mut random).unwrap();
            question.deadline_ms = Some(10_000);
            let (caller, tell) = (caller.clone(), tell.clone());
            under_way.spawn(async move {
                let listing = caller.list(&question, |registration| {
                    if !registration.use_log_leaf.is_empty() {
                        let _test_has_failed =
                            tell.send((number, registration.use_log_leaf.clone()));
                    }
                });
                listing.await.unwrap()
            });
        }
        drop(tell);

        let (mut answered, mut counts) = (BTreeSet::new(), Counts::default());
        let mut canary = |leaf: &[u8]| {
            scanner.add_canary(leaf.try_into().unwrap());
            counts.canaries += 1;
        };
        while answered.len() < listings as usize {
            let (number, leaf) = timeout(LONG, told.recv()).await.unwrap().unwrap();
            answered.insert(number);
            canary(&leaf);
        }
        for part in self.brokers() {
            part.signal(Signal::STOP).unwrap();
        }
        assert!(
            under_way.try_join_next().is_none(),
            "a listing ended before it was looked at"
        );
        look(self).await;
        for part in self.brokers().chain([hung]) {
            part.signal(Signal::CONT).unwrap();
        }

        while let Some((_, leaf)) = timeout(LONG, told.recv()).await.unwrap() {
            canary(&leaf);
        }
        for summary in under_way.join_all().await {
            counts.registers += summary.registers;
            counts.answered += summary.answered;
        }
        (scanner, counts)
    }
}

/// What the listings came to.
#[derive(Debug, Default)]
struct Counts {
    registers: u32,
    answered: u32,
    canaries: u32,
}

/// Writes all of the memory of `part`, which has been stopped, to a file beginning with `prefix`.
pub(super) async fn dump(part: &Part, prefix: &Path) -> PathBuf {
    let pid = part.pid().unwrap().to_string();
    let gcore = Command::new("gcore")
        .args(["-a", "-o", prefix.to_str().unwrap(), &pid])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("gdb is installed");
    let path = PathBuf::from(format!("{}.{pid}", prefix.display()));
    assert!(path.exists(), "no dump of {}: {gcore:?}", part.name);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let resident = resident.unwrap().trim().trim_end_matches(" kB");
    let resident: u64 = resident.parse().unwrap();
    let dumped = fs::metadata(&path).unwrap().len();
    assert!(
        dumped >= resident * 1024,
        "{dumped} bytes of {resident} KiB"
    );
    path
}

/// The files that `part` has open, but for devices and sockets.
pub(super) fn open_files(part: &Part) -> Vec<PathBuf> {
    let folder = format!("/proc/{}/fd", part.pid().unwrap());
    fs::read_dir(folder)
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
        .filter(|path| path.is_file())
        .collect()
}

/// How many different secrets of one kind were seen.
fn different(sightings: &[Sighting], secret: Secret) -> usize {
    let of_kind = sightings.iter().filter(|seen| seen.secret == secret);
    of_kind
        .map(|seen| seen.number)
        .collect::<BTreeSet<_>>()
        .len()
}

fn contains(path: &Path, text: &str) -> bool {
    let bytes = fs::read(path).unwrap();
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

#[expect(clippy::print_stdout, reason = "the figures of the run")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_2_the_relay_holds_no_id_and_no_answer_in_memory_or_on_disk() {
    const LISTINGS: u32 = 200;
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("world"), 20, false).await;
    let gateway = running.gateway.as_ref().unwrap();

    let (mut relay_dump, mut gateway_dump, mut files) = (None, None, Vec::new());
    let look = async |running: &Running| {
        let began = Instant::now();
        relay_dump = Some(dump(&running.relay, &folder.path().join("relay")).await);
        gateway_dump = Some(dump(gateway, &folder.path().join("gateway")).await);
        files = open_files(&running.relay);
        println!("dumped in {:?}", began.elapsed());
    };
    let (scanner, counts) = running.looked_at_mid_listing(LISTINGS, look).await;
    println!("{counts:?}, {scanner:?}");
    assert!(counts.canaries >= 19 * LISTINGS, "{counts:?}");

    // The relay: neither in its memory …
    let relay_dump = relay_dump.unwrap();
    let (bytes, seen) = scanner.file(&relay_dump).unwrap();
    println!("relay: {bytes} bytes of memory, {} sightings", seen.len());
    assert_eq!(seen, []);
    // (which was really the relay's, at work)
    assert!(contains(&relay_dump, "innsyn://node/"));
    assert!(contains(&relay_dump, "innsyn://gateway/"));
    // … nor on its disk; and it has no disk elsewhere.
    let relay_folder = running.world.folder.join("relay");
    for file in &files {
        assert!(
            file.starts_with(&relay_folder),
            "{} is open",
            file.display()
        );
    }
    nothing_in("relay", &scanner.folder(&relay_folder).unwrap());

    // The same scanner sees them where they must be, so that the above means something …
    let (bytes, seen) = scanner.file(&gateway_dump.unwrap()).unwrap();
    let ids = different(&seen, Secret::NationalId);
    let canaries = different(&seen, Secret::Canary);
    println!("gateway: {bytes} bytes of memory, {ids} ids, {canaries} canaries");
    assert_eq!(ids, LISTINGS as usize, "every question was under way");
    assert!(canaries > 0);
    // … and the gateway keeps none of them.
    let gateway_folder = running.world.folder.join("gateway");
    for file in open_files(gateway) {
        assert!(
            file.starts_with(&gateway_folder),
            "{} is open",
            file.display()
        );
    }
    nothing_in("gateway", &scanner.folder(&gateway_folder).unwrap());
}

#[expect(clippy::print_stdout, reason = "the figures of the run")]
fn nothing_in(part: &str, searched: &Searched) {
    println!(
        "{part}: {} bytes in {} files on disk",
        searched.bytes, searched.files
    );
    assert_eq!(searched.marked, [], "in the {part}'s folder");
    // At `trace` the log is where the most would be.
    assert!(
        searched.files >= 4 && searched.bytes > 4_000,
        "{searched:?}"
    );
}

#[expect(clippy::print_stdout, reason = "the figures of the run")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_leaks_is_caught_in_memory_and_on_disk() {
    const LISTINGS: u32 = 20;
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("world"), 3, true).await;

    let mut relay_dump = None;
    let look = async |running: &Running| {
        relay_dump = Some(dump(&running.relay, &folder.path().join("relay")).await);
    };
    let (scanner, _) = running.looked_at_mid_listing(LISTINGS, look).await;

    let (_, in_memory) = scanner.file(&relay_dump.unwrap()).unwrap();
    let on_disk = scanner.folder(&running.world.folder.join("relay")).unwrap();
    let [log] = &on_disk.marked[..] else {
        panic!("only the log should be marked: {on_disk:?}");
    };
    for (place, seen) in [("memory", &in_memory), ("log", &log.sightings)] {
        let ids = different(seen, Secret::NationalId);
        let canaries = different(seen, Secret::Canary);
        println!("leaky {place}: {ids} ids, {canaries} canaries");
        assert_eq!(ids, LISTINGS as usize, "{place}");
        assert!(canaries > 0, "{place}");
    }
}
