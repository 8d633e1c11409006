//! What `verify-uses` says.
#![expect(clippy::print_stdout, reason = "the command's answer")]

use std::path::Path;

use innsyn_proto::wire::citizen::v1 as wire;
use wire::{UseKind, UsesOutcome as Outcome};

/// Every register on a line.
pub(super) fn registers(uses: &wire::ListUsesResponse) {
    println!(
        "{:<14} {:<16} {:>5} {:>9} {:>9}  receipt",
        "register", "log", "uses", "entries", "witnessed"
    );
    for register in &uses.registers {
        println!("{}", line(register));
    }
}

fn line(register: &wire::RegisterUses) -> String {
    let outcome = register.outcome().as_str_name();
    let outcome = outcome.strip_prefix("USES_OUTCOME_").unwrap_or(outcome);
    let id = &register.register_id;
    let Some(verified) = &register.verified else {
        let line = format!("{id:<14} {outcome:<16} {}", register.problem);
        return line.trim_end().to_owned();
    };
    let continued = if verified.continues_receipt {
        "continued"
    } else {
        "-"
    };
    format!(
        "{id:<14} {outcome:<16} {:>5} {:>9} {:>9}  {continued}",
        register.uses.len(),
        verified.log_entries,
        verified.witnessed_entries,
    )
}

/// What was checked of those that hold, by which mechanism, and whom it was not checked of.
pub(super) fn checks(uses: &wire::ListUsesResponse) {
    let holding: Vec<_> = uses.registers.iter().filter_map(checked).collect();
    let of = |check: fn(&wire::Verified) -> bool| {
        holding
            .iter()
            .filter(|(_, verified)| check(verified))
            .count()
    };
    let chained: u64 = holding.iter().map(|(_, verified)| verified.chained).sum();
    let all = holding.iter().flat_map(|(register, _)| &register.uses);
    let counted = all.filter(|told| told.kind() == UseKind::Research).count();
    let continued = of(|verified| verified.continues_receipt);
    println!("\n{} logs hold. What was checked of them:", holding.len());
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
                "{} logs continue what others have signed: everybody is shown the same",
                of(|verified| verified.witnessed_entries > 0)
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

fn checked(register: &wire::RegisterUses) -> Option<(&wire::RegisterUses, &wire::Verified)> {
    let holds = register.outcome() == Outcome::Verified;
    let verified = register.verified.as_ref().filter(|_| holds)?;
    Some((register, verified))
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
