//! What `verify-uses` says.
#![expect(clippy::print_stdout, reason = "the command's answer")]

use std::path::Path;

use innsyn_proto::uselog::checked::Checked;
use innsyn_proto::wire::citizen::v1 as wire;
use wire::UsesOutcome as Outcome;

use super::again::Again;

/// Every register on a line.
pub(super) fn registers(uses: &wire::ListUsesResponse, again: &Again) {
    println!(
        "{:<14} {:<16} {:>5} {:>9} {:>9} {:>4}  receipt",
        "register", "log", "uses", "entries", "witnessed", "by"
    );
    for register in &uses.registers {
        let checked = again.get(&register.register_id);
        println!(
            "{}",
            line(register, checked.and_then(|checked| checked.as_ref().ok()))
        );
    }
}

fn line(register: &wire::RegisterUses, checked: Option<&Checked>) -> String {
    let outcome = register.outcome().as_str_name();
    let outcome = outcome.strip_prefix("USES_OUTCOME_").unwrap_or(outcome);
    let id = &register.register_id;
    let Some(checked) = checked else {
        let line = format!("{id:<14} {outcome:<16} {}", register.problem);
        return line.trim_end().to_owned();
    };
    let continued = if checked.continues_receipt {
        "continued"
    } else {
        "-"
    };
    format!(
        "{id:<14} {outcome:<16} {:>5} {:>9} {:>9} {:>4}  {continued}",
        register.uses.len(),
        checked.head.size(),
        checked.witnessed_entries(),
        checked.witnesses.len(),
    )
}

/// What was checked of those that hold, by which mechanism, and whom it was not checked of.
pub(super) fn checks(uses: &wire::ListUsesResponse, again: &Again) {
    let holding: Vec<&Checked> = again
        .values()
        .filter_map(|checked| checked.as_ref().ok())
        .collect();
    let of = |check: fn(&Checked) -> bool| holding.iter().filter(|checked| check(checked)).count();
    let chained: usize = holding.iter().map(|checked| checked.entries.len()).sum();
    let counted: usize = holding.iter().map(|checked| checked.counted.len()).sum();
    let fewest = holding.iter().map(|checked| checked.witnesses.len()).min();
    let disputed = uses.registers.iter().filter(|register| {
        let verified = register.verified.as_ref();
        verified.is_some_and(|verified| !verified.disputed_by.is_empty())
    });
    let continued = of(|checked| checked.continues_receipt);
    println!(
        "\n{} logs hold, checked by the gateway and again here. What was checked of them:",
        holding.len()
    );
    let checks = [
        (
            "inclusion",
            format!("{chained} entries about the person stand in logs that registers have signed"),
        ),
        (
            "chain",
            "they are numbered without a gap, and each names the one before: none is left out"
                .to_owned(),
        ),
        (
            "research",
            format!("{counted} queries that counted the person, each in what was committed to"),
        ),
        (
            "witness",
            format!(
                "{} logs continue what others have signed, each what {} and more have: everybody is \
                 shown the same",
                of(|checked| checked.witnessed_entries() > 0),
                fewest.unwrap_or(0)
            ),
        ),
        (
            "receipt",
            match continued {
                0 => "none was given: with --receipt FILE the next reading is held to this one"
                    .to_owned(),
                logs => {
                    format!(
                        "{logs} logs continue those of the reading before: nothing is taken back"
                    )
                }
            },
        ),
    ];
    for (mechanism, what) in checks {
        println!("  {mechanism:<10} {what}");
    }
    for register in disputed {
        let verified = register.verified.as_ref();
        let by = verified.map(|verified| verified.disputed_by.join(", "));
        let by = by.unwrap_or_default();
        println!(
            "Disputed, without a proof: {}, by {by}",
            register.register_id
        );
    }
    for (outcome, what) in [
        (Outcome::NotVerified, "do not hold"),
        (Outcome::NoAnswer, "did not answer"),
        (Outcome::Refused, "refused"),
        (Outcome::Withheld, "do not tell whoever asks here"),
    ] {
        let names = names(uses, outcome);
        if !names.is_empty() {
            println!("Not checked, because they {what}: {names}");
        }
    }
}

/// The registers of which `outcome` is told.
pub(super) fn names(uses: &wire::ListUsesResponse, outcome: Outcome) -> String {
    let registers = uses.registers.iter();
    let names: Vec<&str> = registers
        .filter(|register| register.outcome() == outcome)
        .map(|register| register.register_id.as_str())
        .collect();
    names.join(", ")
}

/// Where the receipts are.
pub(super) fn kept(receipts: usize, file: &Path) {
    println!("{receipts} receipts are in {}", file.display());
}
