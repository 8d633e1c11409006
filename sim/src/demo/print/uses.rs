//! What the demo says of the log of use.
#![expect(clippy::print_stdout, reason = "a program's face")]

use innsyn_proto::wire::citizen::v1::{UseKind, UsedBy};

use crate::demo::events::{Event, Proof};

/// What a description may take of a line.
const WHAT_COLUMNS: usize = 45;

/// Who has used the person's data, each kind of use on a line, and whether the logs hold.
pub(in crate::demo) fn uses(events: &[Event<'_>], proof: &Proof) {
    println!("The person reads who has used their data, in the logs of all registers:\n");
    println!(
        "  {:<12} {:<WHAT_COLUMNS$} {:>5} {:>9}",
        "who", "what", "times", "registers"
    );
    for event in events {
        let (told, english) = (event.told, event.told.kind_words.as_ref());
        let what = cut(english.map_or("", |words| words.en.as_str()));
        println!(
            "  {:<12} {what:<WHAT_COLUMNS$} {:>5} {:>9}",
            who(event),
            event.at.len(),
            event.registers.len()
        );
        if !told.project.is_empty() {
            println!("  {:12} “{}”,", "", told.project);
            println!("  {:12} permit {}", "", told.permit);
        }
    }
    println!(
        "\nProof: {} entries stand in {} signed logs, none is missing in between.",
        proof.entries, proof.verified
    );
    shortcomings(proof);
}

/// Whether the logs are what they were when they were read before.
pub(in crate::demo) fn held(proof: &Proof) {
    println!(
        "Read again with the receipts of it, {} of {} logs continue what they showed;",
        proof.continued, proof.verified
    );
    println!(
        "{} have been signed by the gateway, and {} of them by other registers' agents:\nwhoever \
         was shown another log would be found. Nothing was taken back.\n",
        proof.witnessed, proof.witnessed_by_registers
    );
    shortcomings(proof);
}

fn shortcomings(proof: &Proof) {
    for (register, problem) in &proof.wrong {
        println!("  {register} does not hold:\n    {problem}");
    }
}

fn who(event: &Event<'_>) -> &'static str {
    match (event.told.kind(), event.told.by()) {
        (UseKind::Research, _) => "a researcher",
        _ if event.is_by_register() => "the register",
        (_, UsedBy::Oneself) => "themself",
        (_, UsedBy::You) => "you",
        (_, UsedBy::Register) => "the register",
        (_, UsedBy::Other | UsedBy::Unspecified) => "another",
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WHAT_COLUMNS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(WHAT_COLUMNS - 1).collect();
    format!("{kept}…")
}
