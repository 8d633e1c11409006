//! A released table in HTML: what is hidden is hatched, and told why.

use innsyn_proto::wire::research::v1 as wire;
use maud::{Markup, html};

use crate::demo::pivot::{Cell, Pivot};

/// The table, and what its marks mean.
pub(super) fn of(pivot: &Pivot, released: &wire::ReleasedTable) -> Markup {
    html! {
        div class="scroll" tabindex="0" {
            table {
                thead { tr {
                    @for group in &pivot.groups { th scope="col" { (group) } }
                    @for series in &pivot.series { th scope="col" class="number" { (named(series)) } }
                } }
                tbody {
                    @for row in &pivot.rows { tr {
                        @for label in &row.labels { th scope="row" { (named(label)) } }
                        @for cell in &row.cells { (value(*cell)) }
                    } }
                }
            }
        }
        (legend(pivot, released))
    }
}

fn value(cell: Cell) -> Markup {
    html! {
        @match cell {
            Cell::Count(count) => td class="number" { (count) },
            Cell::Real(real) => td class="number" { (decimal(real)) },
            Cell::Few => td class="number few" { span { "skjult" } },
            Cell::Dominance => td class="number dominance" { span { "skjult" } },
            Cell::Unnamed => td class="number unnamed" { "·" },
        }
    }
}

/// The label of a group, in Norwegian where it is a word that everybody publishes alike.
pub(super) fn named(label: &str) -> &str {
    match label {
        "female" => "kvinner",
        "male" => "menn",
        "event" => "hendelse",
        "exit" => "gikk ut",
        "beyond" => "fulgt til slutten",
        "persons" => "personer",
        "registrations" => "registreringer",
        "events" => "hendelser",
        other => other,
    }
}

/// A number as Norwegians write it.
pub(super) fn decimal(real: f64) -> String {
    format!("{real:.1}").replace('.', ",")
}

fn legend(pivot: &Pivot, released: &wire::ReleasedTable) -> Markup {
    let (shown, hidden) = pivot.counts();
    let k = released.smallest_cell;
    html! {
        div class="legend" {
            p {
                (shown) " tall vises og " (hidden) " er skjult. Alle er avrundet til nærmeste "
                (released.rounding_base) ". "
                span lang="en" {
                    (shown) " values are shown and " (hidden) " hidden. All are rounded to multiples of "
                    (released.rounding_base) "."
                }
            }
            @if pivot.has(Cell::Few) {
                p { span class="swatch few" {} " Færre enn " (k) " personer (for et gjennomsnitt " (2 * k) "), eller skjult for at en slik celle ikke skal kunne regnes ut. "
                    span lang="en" { "Fewer than " (k) " persons (for a mean " (2 * k) "), or hidden so that no such cell can be worked out." } }
            }
            @if pivot.has(Cell::Dominance) {
                p { span class="swatch dominance" {} " Én person kunne stå for det meste av tallet. "
                    span lang="en" { "One person could make most of the number." } }
            }
            @if pivot.has(Cell::Unnamed) {
                p { span class="swatch unnamed" { "·" } " Ikke med i tabellen; det sier ikke om noen er der. "
                    span lang="en" { "Not in the table, which does not tell whether anybody is there." } }
            }
            @if released.counts_registrations {
                p { "Registre kan ha de samme personene. Derfor telles registreringer: en person én gang for hvert register. "
                    span lang="en" { "Registers may share persons, so registrations are counted: a person once for each register." } }
            }
        }
    }
}
