//! No log, no answer: a full disk, and the order of sync and answer as the kernel sees them.

#![expect(clippy::print_stdout, reason = "what was measured")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use innsyn_proto::wire::types::v1::Reason;
use innsyn_sim::processes::Part;
use innsyn_sim::world::WorldSpec;
use tempfile::TempDir;

use super::fleet::{Fleet, Prepared, until};
use super::log_reading::uses;

mod strace;

/// A small disk in memory, gone when this is dropped.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    fn mount(folder: &Path) -> Self {
        let we = fs::metadata("/proc/self").unwrap().uid();
        assert_eq!(we, 0, "only root can mount the small disk of this test");
        fs::create_dir_all(folder).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(folder)
            .status();
        assert!(mount.unwrap().success(), "tmpfs cannot be mounted");
        Self {
            folder: folder.to_owned(),
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut filler = fs::File::create(self.filler()).unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: an agent may still hold its files.
        let unmounted = Command::new("umount").arg("-l").arg(&self.folder).status();
        assert!(unmounted.unwrap().success(), "the small disk stays mounted");
    }
}

/// What an agent says of its readiness, and in what words.
async fn readyz(fleet: &Fleet, register: &str) -> (bool, String) {
    let status = fleet.world.agent_status(register).unwrap();
    let url = format!("http://{status}/readyz");
    let response = fleet.http.get(url).send().await.unwrap();
    (
        response.status().is_success(),
        response.text().await.unwrap(),
    )
}

#[tokio::test]
async fn promise_4_with_a_full_disk_under_its_log_an_agent_answers_nothing() {
    let folder = TempDir::new().unwrap();
    let mut spec = WorldSpec::new(2000, 7);
    spec.logs = Some(folder.path().to_owned());
    let world = Prepared::new(&spec, 3);
    let full = world.registers()[0].clone();
    let log = folder.path().join(&full);
    let disk = SmallDisk::mount(&log);
    let mut fleet = world.start().await;
    let caller = fleet.caller().await;
    let citizens = fleet.citizens(30);
    let citizen = &citizens[0];
    let listing = fleet.list(&caller, citizen, None).await;
    assert!(listing.summary.complete, "{:?}", listing.silent());
    assert!(readyz(&fleet, &full).await.0);

    disk.fill();
    // A few entries still fit into blocks that the files have already.
    until("there is no room", async || {
        let listing = fleet.list(&caller, citizen, None).await;
        !listing.summary.complete
    })
    .await;
    let entries = uses(&log).len();
    for citizen in &citizens {
        let listing = fleet.list(&caller, citizen, None).await;
        let silent = listing.silent().into_iter().collect::<Vec<_>>();
        assert_eq!(silent, [(full.as_str(), Reason::LogUnavailable)]);
        assert_eq!(listing.leaf(&full), None);
    }
    assert_eq!(uses(&log).len(), entries);
    let (ready, why) = readyz(&fleet, &full).await;
    assert!(!ready);
    assert!(
        why.contains("the disk of the log of use is full"),
        "it says why: {why}"
    );

    disk.make_room();
    for citizen in &citizens {
        let listing = fleet.list(&caller, citizen, None).await;
        assert!(listing.summary.complete, "{:?}", listing.silent());
    }
    let (ready, why) = readyz(&fleet, &full).await;
    assert!(ready, "{why}");
    assert_eq!(uses(&log).len(), entries + citizens.len());
    // It still holds the mounted files.
    fleet.stop(&full).await;
}

/// An agent under strace answers one question after the other. For each, the commit must be
/// written and its sync have returned before anything of an answer's size goes to the relay.
#[tokio::test]
async fn promise_4_the_sync_has_returned_before_the_answer_is_written() {
    let mut fleet = Fleet::start(&WorldSpec::new(2000, 8), 1).await;
    let register = fleet.registers().swap_remove(0);
    fleet.stop(&register).await;
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let config = fleet.world.agent_config(&register);
    let program = env!("CARGO_BIN_EXE_innsyn-world");
    let (trace_text, config) = (trace.to_string_lossy(), config.to_string_lossy());
    let args = [
        // The agent is our child and strace its own: what is told to stop is the agent.
        "-D",
        "-f",
        "-ttt",
        "-yy",
        "-s",
        "0",
        "-e",
        "trace=fdatasync,fsync,pwrite64,sendto,sendmsg,write,writev",
        "-o",
        &trace_text,
        program,
        "agent",
        "run",
        "--config",
        &config,
    ];
    let agent = Part::start(
        "strace",
        Path::new("strace"),
        &args,
        &folder.path().join("log"),
    );
    fleet.insert(&register, agent.unwrap());

    let caller = fleet.caller().await;
    let citizens = fleet.citizens(100);
    let citizen = &citizens[0];
    until("the agent is back", async || {
        let listing = fleet.list(&caller, citizen, None).await;
        listing.summary.complete
    })
    .await;
    let mut listings = Vec::new();
    for citizen in &citizens {
        let began = strace::now();
        let listing = fleet.list(&caller, citizen, None).await;
        assert!(listing.summary.complete, "{:?}", listing.silent());
        listings.push(began..strace::now());
    }
    fleet.stop(&register).await;

    until("strace has written all", async || {
        let text = fs::read_to_string(&trace).unwrap();
        text.trim_end().ends_with("+++")
    })
    .await;
    let calls = strace::read(&trace);
    let slowest = strace::hold_against(&calls, &listings);
    println!("{} answers, each after its sync: {slowest}", listings.len());
}
