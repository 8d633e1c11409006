//! What the demo says of a dialog.
#![expect(clippy::print_stdout, reason = "a program's face")]

use innsyn_proto::wire::types::v1::CaseState;
use tokio::time::Instant;

use super::lines;

/// Prints a dialog as it goes.
#[derive(Debug)]
pub(in crate::demo) struct Dialog {
    pub(in crate::demo) began: Instant,
}

impl Dialog {
    pub(in crate::demo) fn begins(register: &str) {
        println!("One dialog, there and back: the same person writes to `{register}`.\n");
    }

    /// One step.
    pub(in crate::demo) fn says(&self, who: &str, what: &str) {
        let ms = self.began.elapsed().as_millis();
        let first = format!("  {ms:>5} ms  {who:<12}  ");
        lines::wrapped(&first, &" ".repeat(first.chars().count()), what);
    }

    pub(in crate::demo) fn ends(register: &str) {
        println!(
            "\nEvery register was called each time, with as many bytes, so that nobody on the"
        );
        println!("way can tell which; the case is at `{register}` alone, its steps in its log.\n");
    }
}

/// The e-mail that tells of an answer.
pub(in crate::demo) fn told(message: &str) {
    println!("Meanwhile the person got an e-mail of the answer. Whoever reads it on the way");
    println!("learns neither from which register nor what about:\n");
    let wanted = ["To:", "Subject:", "You have"];
    for line in message.lines() {
        if wanted.iter().any(|wanted| line.starts_with(wanted)) {
            lines::wrapped("  ", "    ", line);
        }
    }
    println!();
}

/// A state in words.
pub(in crate::demo) const fn state(state: CaseState) -> &'static str {
    match state {
        CaseState::Unspecified => "unknown",
        CaseState::Received => "received",
        CaseState::InProgress => "in progress",
        CaseState::Accepted => "accepted",
        CaseState::Partly => "accepted in part",
        CaseState::Refused => "refused",
        CaseState::Appealed => "appealed",
    }
}
