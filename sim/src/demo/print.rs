//! What the demo says in the terminal, in 80 columns.
#![expect(clippy::print_stdout, reason = "a program's face")]

use std::time::Duration;

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1::{Registration, StandingSetting, Summary};
use innsyn_proto::wire::types::v1::Outcome;
use tokio::time::Instant;

use super::researching::Papers;
use super::words::{self, EXAMPLES, OUTCOMES};
use crate::country::Asking;
use crate::registers::Listing as RegisterListing;
use crate::sts::Right;
use crate::world::{World, WorldSpec};

mod dialog;
mod lines;
mod research;
mod uses;

pub(super) use dialog::{Dialog, state, told};
pub(super) use research::{again, coverage, question, table};
pub(super) use uses::{held, uses};

/// What a register's name may take of a line.
const NAME_COLUMNS: usize = 32;

pub(super) fn title(spec: &WorldSpec) {
    println!("Innsyn: where am I registered? An invented Norway, on this machine.");
    println!(
        "{} people, seed {}; every person and every number is invented.\n",
        spec.population.persons, spec.population.seed
    );
}

/// How the registers can be asked.
pub(super) fn registers(world: &World) {
    let count = |listing| {
        let mut all = world.country.registers.iter();
        all.by_ref()
            .filter(|register| register.listing == listing)
            .count()
    };
    println!("{} registers:", world.country.registers.len());
    println!(
        "  {:>3}  have an agent: a process with its own data, rules and log of use",
        count(RegisterListing::Live)
    );
    println!(
        "  {:>3}  do not know whom their data is about, and cannot be asked",
        count(RegisterListing::CannotBeAsked)
    );
    println!(
        "  {:>3}  not connected yet\n",
        count(RegisterListing::NotConnected)
    );
}

/// Who asks, and what is not as it should be.
pub(super) fn asking(asking: &Asking, slow: usize, dead: &str) {
    let who = match &asking.right {
        Right::Own => "about themself",
        Right::Parent => "as a parent",
        Right::Guardian(_) => "as a guardian",
        Right::PowerOfAttorney(_) => "by power of attorney",
    };
    println!("{slow} agents are slow and one, `{dead}`, is dead, on purpose.");
    println!(
        "Person {}, born {}, asks {who}. Answers as they come:\n",
        asking.subject.number, asking.subject.born
    );
}

/// Prints a listing as it comes.
#[derive(Debug, Default)]
pub(super) struct Listing {
    lines: usize,
}

impl Listing {
    pub(super) fn registration(&mut self, registration: &Registration, began: Instant) {
        self.lines += 1;
        println!(
            "{}",
            line(self.lines, registration, began.elapsed().as_millis())
        );
    }

    pub(super) fn summary(summary: &Summary) {
        println!(
            "\n{} registers, each with one outcome; {} asked, {} answered, in {} ms.",
            summary.registers, summary.asked, summary.answered, summary.elapsed_ms,
        );
        for words in &OUTCOMES {
            let mut counts = summary.counts.iter();
            let count = counts.find(|count| count.outcome() == words.outcome);
            let registers = count.map_or(0, |count| count.registers);
            let means = if registers == 0 {
                ""
            } else {
                words.means_english
            };
            let line = format!(
                "  {registers:>3} {} {:<15}  {means}",
                words.mark,
                words.english.to_lowercase()
            );
            println!("{}", line.trim_end());
        }
        println!(
            "{}\n",
            if summary.complete {
                "Every register that could be asked answered: the listing is complete."
            } else {
                "Somebody who was asked did not answer, so the listing is not complete."
            }
        );
    }
}

/// What the same person does next.
pub(super) fn opting_out() {
    println!("The same person says no to any use of their data but for care (article 71 of the");
    println!("European health data space), and then takes it back:\n");
}

/// How far a change has come.
pub(super) fn followed(active: bool, standing: &StandingSetting, took: Duration) {
    println!(
        "  {:<13} in effect at {} of {} registers after {} ms",
        if active { "opted out:" } else { "taken back:" },
        standing.effective_at,
        standing.registers,
        took.as_millis(),
    );
}

/// What there is to say of it.
pub(super) fn opted_out() {
    println!("\nIt came to each register sealed, by way of a mailbox that cannot read it. Who");
    println!("has said what stands at the registers alone; the dead one has heard nothing.\n");
}

/// One register's outcome in at most 80 columns.
pub(super) fn line(position: usize, registration: &Registration, ms: u128) -> String {
    let name = registration.register.as_ref();
    let name = cut(name.map_or("", |register| register.name.as_str()));
    let (mark, outcome) = words::of(registration.outcome()).map_or(("?", String::new()), |words| {
        (words.mark, words.english.to_lowercase())
    });
    let mut detail = outcome;
    if let Some(since) = &registration.registered_since {
        detail.push_str(if registration.outcome() == Outcome::Deleted {
            ", there from "
        } else {
            " since "
        });
        detail.push_str(since);
    }
    if let Some((_, reason)) = words::reason(registration.reason()) {
        detail.push_str(": ");
        detail.push_str(reason);
    }
    format!("{position:>3} {ms:>5} ms {mark} {name:<NAME_COLUMNS$} {detail}")
}

/// A name that fits, cut at a word where it does not.
fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_COLUMNS {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_COLUMNS - 1).collect();
    let kept = kept.trim_end_matches([' ', '(', ',', '-', '–']);
    format!("{kept}…")
}

/// What can be tried now.
pub(super) fn invitation(world: &World, papers: &Papers) {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "innsyn-sim".to_owned());
    let (url, folder) = (world.gateway_url(), world.folder.display());
    println!("It stays up until Ctrl-C. Open {url} in a browser, or ask as");
    println!("helsenorge does; a token is good for five minutes:\n");
    println!("  world={folder}");
    println!("  {program} token --world $world \\");
    let person = SystemClock
        .now()
        .date_in_norway()
        .and_then(|today| world.country.find(EXAMPLES[0].story, today));
    println!(
        "    --person {} --national-id-file $world/id > $world/token",
        person.map_or(0, |found| found.subject)
    );
    println!("  printf '{{\"nationalId\": \"%s\"}}' $(cat $world/id) |");
    println!("    curl -sN {url}/v1/registrations \\");
    println!("      -H \"Authorization: Bearer $(cat $world/token)\" \\");
    println!("      -H 'Content-Type: application/json' -H 'Accept: text/event-stream' -d @-\n");
    research::invitation(world, papers, &program);
    println!("Others worth asking about, for `token`:\n");
    let Some(today) = SystemClock.now().date_in_norway() else {
        return;
    };
    for example in &EXAMPLES {
        if let Some(found) = world.country.find(example.story, today) {
            println!(
                "  --person {:<6} --as {:<8} {}",
                found.subject, example.role, example.english
            );
        }
    }
    println!();
}
