//! The demo as its user sees it: a process, its terminal, and nothing left behind.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

/// How long anything here may take; far more than it does.
const PATIENCE: Duration = Duration::from_mins(3);

/// Demos at once: each is eighty processes.
const AT_ONCE_MAX: usize = 2;

/// How many demos run now, and who waits for one to end.
static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// A place among the demos that run.
struct Place;

impl Place {
    fn wait() -> Self {
        let (running, ended) = &RUNNING;
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = ended
            .wait_while(running, |running| *running >= AT_ONCE_MAX)
            .unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (running, ended) = &RUNNING;
        *running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ended.notify_one();
    }
}

/// A demo with a folder for temporary files of its own.
pub(super) struct Demo {
    child: Child,
    temporary: TempDir,
    _place: Place,
}

impl Demo {
    pub(super) fn start(args: &[&str]) -> Self {
        let place = Place::wait();
        let temporary = tempfile::tempdir().unwrap();
        let says = File::create(temporary.path().join("says.txt")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_innsyn-world"))
            .arg("demo")
            .args(args)
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stderr(says.try_clone().unwrap())
            .stdout(says)
            .spawn()
            .unwrap();
        Self {
            child,
            temporary,
            _place: place,
        }
    }

    /// What it has said.
    pub(super) fn says(&self) -> String {
        fs::read_to_string(self.temporary.path().join("says.txt")).unwrap()
    }

    /// Waits until it has said `what`.
    pub(super) fn wait_for(&mut self, what: &str) {
        let began = Instant::now();
        while !self.says().contains(what) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended: {}", self.says());
            assert!(began.elapsed() < PATIENCE, "no `{what}` in {}", self.says());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until so many of its parts run.
    fn wait_for_parts(&self, parts: usize) {
        let began = Instant::now();
        while processes_of(self.temporary.path()).len() < parts {
            assert!(began.elapsed() < PATIENCE, "no parts: {}", self.says());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until it has ended.
    fn end(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "still up: {}", self.says());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Interrupts it as Ctrl-C does; it ends well and nothing of it is left.
    pub(super) fn interrupt(mut self) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(kill.success());
        assert!(self.end().success(), "{}", self.says());
        self.leaves_nothing();
    }

    fn leaves_nothing(&self) {
        let folder = self.temporary.path();
        let left: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name != "says.txt")
            .collect();
        assert!(left.is_empty(), "left in the temporary folder: {left:?}");
        assert_eq!(processes_of(folder), Vec::<String>::new());
    }
}

/// Where a story failed: interrupted it takes its parts along, and killed it would leave them.
impl Drop for Demo {
    fn drop(&mut self) {
        let began = Instant::now();
        let pid = self.child.id().to_string();
        while !matches!(self.child.try_wait(), Ok(Some(_))) && began.elapsed() < PATIENCE {
            let _gone_meanwhile = Command::new("kill").args(["-INT", &pid]).status();
            thread::sleep(Duration::from_millis(200));
        }
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The command lines of running processes that name `folder`.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(folder))
        .collect()
}

/// What a demo says that ends by itself; it ends well, and nothing of it is left. One for all tests.
fn all_that_is_shown() -> &'static str {
    static SAYS: OnceLock<String> = OnceLock::new();
    SAYS.get_or_init(|| {
        let mut demo = Demo::start(&["--once", "--persons", "2000"]);
        assert!(demo.end().success(), "{}", demo.says());
        demo.leaves_nothing();
        demo.says()
    })
}

/// The lines of a listing: three digits or fewer, and a time.
fn lines_of_listing(says: &str) -> Vec<&str> {
    says.lines()
        .filter(|line| line.get(9..14) == Some(" ms ") || line.get(9..13) == Some(" ms "))
        .collect()
}

#[test]
fn promise_1_the_demo_shows_every_register_once_and_ends() {
    let says = all_that_is_shown();
    let lines = lines_of_listing(says);
    assert_eq!(lines.len(), 83, "{says}");
    assert!(says.contains("83 registers, each with one outcome"));
    for line in says.lines() {
        assert!(line.chars().count() <= 80, "wider than a terminal: {line}");
    }
}

#[test]
fn promise_6_the_demo_shows_a_table_with_its_hidden_cells_and_who_has_not_counted() {
    let says = all_that_is_shown();
    let (_, query) = says.split_once("asks every register to count").unwrap();
    assert!(query.contains("Divided by: Procedure"), "{query}");
    let cells: Vec<&str> = query
        .lines()
        .skip_while(|line| !line.contains("procedure_level_1"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .flat_map(|line| line.split_whitespace().skip(1))
        .collect();
    let hidden = cells.iter().filter(|cell| **cell == "░░░").count();
    assert!(hidden > 0, "{query}");
    let counts = cells.iter().filter_map(|cell| cell.parse::<u64>().ok());
    assert!(counts.clone().count() > hidden, "{query}");
    for count in counts {
        assert!(count >= 5 && count.is_multiple_of(5), "{count} in {query}");
    }
    assert!(query.contains("fewer than 5 persons"));
    // Of the registers that may have the view, one is dead.
    assert!(
        query.contains("Coverage: 51 of 52 registers answered"),
        "{query}"
    );
    assert!(query.contains("missing from the numbers: tvilling"));
    assert!(query.contains("Asked again, the gateway gives the table of"));
}

#[test]
fn the_demo_shows_a_log_that_holds_and_a_dialog_there_and_back() {
    let says = all_that_is_shown();
    for change in ["opted out:", "taken back:"] {
        let line = says.lines().find(|line| line.contains(change)).unwrap();
        assert!(line.contains("in effect at 76 of 77 registers"), "{line}");
    }
    let (before, log) = says.split_once("reads who has used their data").unwrap();
    let (_, dialog) = before.split_once("One dialog, there and back").unwrap();
    let (dialog, research) = dialog.split_once("A researcher with").unwrap();
    let (_, mail) = research.split_once("got an e-mail of the answer").unwrap();
    // Who, what, how often, at how many registers: all but the dead one.
    let everywhere = |who: &str, what: &str| {
        let mut lines = log.lines();
        lines.any(|line| line.contains(who) && line.contains(what) && line.ends_with(" 76"))
    };
    assert!(everywhere("themself", "Look-up"), "{log}");
    assert!(
        everywhere("themself", "Change of a privacy setting"),
        "{log}"
    );
    assert!(everywhere("themself", "Reading of this log"), "{log}");
    let own = "the register Dialog with the register";
    assert!(
        log.lines().any(|line| line.trim().starts_with(own)),
        "{log}"
    );
    let research = log
        .lines()
        .find(|line| line.contains("a researcher"))
        .unwrap();
    assert!(research.contains("counted in a table"), "{log}");
    assert!(
        log.contains("permit helsedataservice.example/demo-1"),
        "{log}"
    );
    assert!(
        log.contains("stand in 76 signed logs, none is missing"),
        "{log}"
    );
    assert!(log.contains("76 of 76 logs continue"), "{log}");
    let witnessed = "76 have been signed by the gateway, and 76 of them by other registers' agents";
    assert!(log.contains(witnessed), "{log}");

    let steps: Vec<&str> = dialog
        .lines()
        .filter(|line| line.contains(" ms  "))
        .collect();
    let said = [
        "asks for a correction",
        "receipt, signed",
        "begins",
        "accepted: «",
        "sees accepted",
    ];
    assert_eq!(steps.len(), said.len(), "{dialog}");
    for (step, said) in steps.iter().zip(said) {
        assert!(step.contains(said), "{said}: {dialog}");
    }
    assert!(mail.contains("Subject: Ny melding / New message"), "{mail}");
    assert!(mail.contains("@example.invalid"), "{mail}");
}

#[test]
fn an_interrupted_demo_ends_and_leaves_nothing() {
    // While the country is invented.
    let mut demo = Demo::start(&["--persons", "1000000", "--listen", "127.0.0.1:0"]);
    demo.wait_for("An invented Norway");
    demo.interrupt();
    // While agents start.
    let mut demo = Demo::start(&["--persons", "2000", "--listen", "127.0.0.1:0"]);
    demo.wait_for("not connected yet");
    demo.wait_for_parts(10);
    demo.interrupt();
}
