//! What the demo says of a researcher's query.
#![expect(clippy::print_stdout, reason = "a program's face")]

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::ProgressBar;
use innsyn_policy::Timestamp;
use innsyn_proto::wire::research::v1 as wire;
use wire::RegisterState as State;

use super::lines;
use crate::demo::pivot::{Cell, Pivot, Row};
use crate::demo::researching::Papers;
use crate::demo::words::refusals::REASONS;
use crate::world::World;

/// What a label may take of a line.
const LABEL_COLUMNS: usize = 24;
/// What a value takes.
const VALUE_COLUMNS: usize = 12;
/// Rows that are printed; the page shows all.
const ROWS_MAX: usize = 30;
/// Lines of a receipt that are printed; the page shows all.
const RECEIPT_LINES: [&str; 5] = [
    "settings-read:",
    "settings-age-s:",
    "smallest-cell:",
    "steward-rule:",
    "persons-excluded-about:",
];
/// Names of registers that are printed.
const NAMES_MAX: usize = 4;

/// The question in words, above `bar`.
pub(in crate::demo) fn question(words: &str, bar: &ProgressBar) {
    bar.suspend(|| {
        println!("A researcher with a data permit asks every register to count. In words:\n");
        for line in words.lines() {
            lines::wrapped("  ", "    ", line);
        }
        println!();
    });
}

/// The table with its hidden cells.
pub(in crate::demo) fn table(table: &wire::ReleasedTable) {
    let pivot = Pivot::of(table);
    println!("{}", header(&pivot));
    for row in pivot.rows.iter().take(ROWS_MAX) {
        println!("{}", line(row));
    }
    if let Some(more) = pivot
        .rows
        .len()
        .checked_sub(ROWS_MAX)
        .filter(|more| *more > 0)
    {
        println!("  … and {more} more");
    }
    let (shown, hidden) = pivot.counts();
    println!("\n{shown} cells are shown and {hidden} hidden:");
    let k = table.smallest_cell;
    for (cell, means) in [
        (
            Cell::Few,
            format!(
                "fewer than {k} persons (of a mean {}), or hidden to protect such a cell",
                2 * k
            ),
        ),
        (
            Cell::Dominance,
            "one person could make most of the number".to_owned(),
        ),
        (
            Cell::Unnamed,
            "not in the table, which does not tell whether anybody is there".to_owned(),
        ),
    ] {
        if pivot.has(cell) {
            println!("  {}  {means}", mark(cell));
        }
    }
    println!(
        "Counts are rounded to multiples of {}.{}",
        table.rounding_base,
        if table.counts_registrations {
            " Registers may share persons, so that\nregistrations are counted: a person once for each register."
        } else {
            ""
        }
    );
}

/// Who has counted.
pub(in crate::demo) fn coverage(table: &wire::ReleasedTable, took: Duration) {
    let of = |wanted: State| {
        let registers = table.registers.iter();
        registers
            .filter(move |one| one.state() == wanted)
            .map(|one| one.register_id.as_str())
    };
    println!(
        "\nCoverage: {} of {} registers answered, in {} ms. Only sums left them.",
        of(State::Answered).count(),
        table.registers.len(),
        took.as_millis()
    );
    for (state, what) in [
        (State::Silent, "silent, and missing from the numbers"),
        (State::Refused, "refused"),
        (State::Held, "waiting for the steward"),
    ] {
        let count = of(state).count();
        if count > 0 {
            let names: Vec<&str> = of(state).take(NAMES_MAX).collect();
            let more = if count > NAMES_MAX { ", …" } else { "" };
            println!("  {what}: {}{more}", names.join(", "));
        }
    }
    for (reason, _, why) in REASONS {
        let registers = table.registers.iter();
        let of = registers.filter(|one| one.refusal_reason() == reason);
        let names: Vec<&str> = of.map(|one| one.register_id.as_str()).collect();
        if !names.is_empty() {
            println!("    of these, {why}: {}", names.join(", "));
        }
    }
    println!("Each has logged the query, and whom it counted, before it answered.");
    if let Some(receipt) = table.receipts.first() {
        println!(
            "\n{} have signed what they counted over and by which rules; {} says:",
            table.receipts.len(),
            receipt.register_id
        );
        let lines = receipt.text.lines();
        for line in lines.filter(|line| RECEIPT_LINES.iter().any(|one| line.starts_with(one))) {
            println!("  {line}");
        }
    }
}

/// The same table, given again.
pub(in crate::demo) fn again(table: &wire::ReleasedTable) {
    if table.is_earlier {
        let at = Timestamp::from_seconds(table.released_at);
        let date = at.date_in_norway().map(|date| date.to_string());
        println!(
            "Asked again, the gateway gives the table of {}, and nothing new is\ntold of anybody.\n",
            date.unwrap_or_default()
        );
    } else {
        println!("Asked again, the registers counted anew: their data have changed.\n");
    }
}

/// How a researcher goes on from here.
pub(in crate::demo) fn invitation(world: &World, papers: &Papers, program: &str) {
    let Some(gateway) = world.research_gateway() else {
        return;
    };
    let (token, folder) = (papers.token.display(), world.folder.display());
    println!(
        "As the researcher, in a browser: {}/research",
        world.gateway_url()
    );
    println!("In Python, after `pip install clients/python`:\n");
    println!("  import innsyn");
    println!("  mine = \"{folder}/researcher\"");
    println!("  client = innsyn.connect(\"{gateway}\",");
    println!("      token_file=mine + \".token\", permit_file=mine + \".permit\", insecure=True)");
    println!("  view = client.catalogue().treatments");
    println!("  query = view.query().first().by(view.procedure.level(1), view.sex)");
    println!("  print(client.run(query.measure(innsyn.persons())).pandas())\n");
    println!("With ADBC or any other client of Arrow Flight SQL: grpc://{gateway},");
    println!("the token as bearer token, the permit as the header `innsyn-data-permit`.");
    println!("A token is good for five minutes; this makes another:\n");
    println!("  {program} token --researcher --world $world \\");
    println!("    > {token}\n");
}

fn header(pivot: &Pivot) -> String {
    let mut line = format!("  {:<LABEL_COLUMNS$}", cut(&pivot.groups.join(", ")));
    for series in &pivot.series {
        let _infallible = write!(line, "{series:>VALUE_COLUMNS$}");
    }
    line
}

/// One row in at most 80 columns, if it has at most four values.
fn line(row: &Row) -> String {
    let mut line = format!("  {:<LABEL_COLUMNS$}", cut(&row.labels.join(", ")));
    for cell in &row.cells {
        let text = match cell {
            Cell::Count(count) => count.to_string(),
            Cell::Real(real) => format!("{real:.1}"),
            hidden => mark(*hidden).to_owned(),
        };
        let _infallible = write!(line, "{text:>VALUE_COLUMNS$}");
    }
    line
}

/// How a value that is not shown is shown.
const fn mark(cell: Cell) -> &'static str {
    match cell {
        Cell::Few => "░░░",
        Cell::Dominance => "▒▒▒",
        Cell::Unnamed => "·",
        Cell::Count(_) | Cell::Real(_) => "",
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() < LABEL_COLUMNS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LABEL_COLUMNS - 2).collect();
    format!("{kept}…")
}
