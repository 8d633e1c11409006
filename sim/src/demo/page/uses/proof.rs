//! Whether the logs hold, and what that means.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};

use super::super::shell::hidden;
use super::super::visit::Visit;
use crate::demo::events::Proof;

/// The account of the check, and what can be done with it; `receipts` are what the person keeps.
pub(super) fn of(visit: &Visit, proof: &Proof, receipts: &[String]) -> Markup {
    let holds = proof.wrong.is_empty();
    html! {
        section class={ "summary proof " (if holds { "holds" } else { "refused" }) } {
            @if holds {
                p class="complete" {
                    "✓ " (proof.verified) " registre har vist loggen sin, og alt stemmer. "
                    span lang="en" { (proof.verified) " registers have shown their logs, and everything holds." }
                }
            } @else {
                (wrong(proof))
            }
            (shortcomings(proof))
            (meaning(proof))
            (keep(visit, receipts))
        }
    }
}

fn wrong(proof: &Proof) -> Markup {
    html! {
        div role="alert" {
            p class="complete" {
                "✗ Loggen hos " (proof.wrong.len()) " register stemmer ikke, og blir ikke vist. "
                span lang="en" { (proof.wrong.len()) " logs do not hold, and are not shown." }
            }
            ul {
                @for (register, problem) in &proof.wrong {
                    li { b { (register) } ": " span lang="en" { (problem) } }
                }
            }
        }
        p { (proof.verified) " andre har vist loggen sin, og de stemmer. "
            span lang="en" { (proof.verified) " others have shown theirs, and they hold." } }
    }
}

fn shortcomings(proof: &Proof) -> Markup {
    html! {
        @if !proof.silent.is_empty() {
            p {
                "Svarte ikke: " b { (proof.silent.join(", ")) } ". Listen kan mangle det som står der. "
                span lang="en" { "No answer: what stands there may be missing." }
            }
        }
        @if proof.withheld > 0 {
            p {
                (proof.withheld) " registre viser ikke loggen til den som spør her. "
                span lang="en" { "registers do not show it to whoever asks here." }
            }
        }
        @if proof.held_back > 0 {
            p {
                (proof.held_back) " oppføringer holdes tilbake en tid, slik loven krever; de blir vist senere. "
                span lang="en" { "entries are held back for a time, as the law demands." }
            }
        }
    }
}

/// What was checked, by which mechanism, and what cannot be.
fn meaning(proof: &Proof) -> Markup {
    html! {
        details {
            summary { "Hva er kontrollert? " span lang="en" { "What was checked?" } }
            ul class="checks" {
                (check("Ingenting er funnet på", "Nothing is made up",
                    &format!("{} oppføringer står i loggene som registrene har signert.", proof.entries),
                    &format!("Inclusion proofs: {} entries stand in the logs that registers have signed.", proof.entries)))
                (check("Ingenting mangler", "Nothing is left out",
                    "Oppføringene om deg er nummerert uten hull, og hver av dem sier hvor den forrige står.",
                    "Chain: the entries about you are numbered without a gap, and each says where the one before stands."))
                (check("Alle ser den samme loggen", "Everybody is shown the same log",
                    &format!("{} logger fortsetter det som andre har sett og signert; for {} av dem er også andre registre vitner.", proof.witnessed, proof.witnessed_by_registers),
                    &format!("Witnesses: {} logs continue what others have seen and signed; of {} of them, other registers are witnesses too.", proof.witnessed, proof.witnessed_by_registers)))
                @if proof.continued > 0 {
                    (check("Ingenting er tatt tilbake", "Nothing was taken back",
                        &format!("{} logger fortsetter kvitteringene fra forrige gang du leste.", proof.continued),
                        &format!("Receipts: {} logs continue those of your last reading.", proof.continued)))
                }
            }
            p class="hint" {
                "Det som ikke kan kontrolleres herfra: at registeret har ført alt det gjør i sine egne systemer, utenom Innsyn. "
                span lang="en" { "What cannot be checked from here: that the register logs what it does in its own systems, outside Innsyn." }
            }
        }
    }
}

fn check(norwegian: &str, english: &str, how: &str, how_english: &str) -> Markup {
    html! {
        li {
            b { (norwegian) } ". " (how) " "
            span lang="en" { (english) ". " (how_english) }
        }
    }
}

/// Receipts to keep, and files to take away.
fn keep(visit: &Visit, receipts: &[String]) -> Markup {
    let json = serde_json::to_string(receipts).unwrap_or_default();
    let file = BASE64_STANDARD.encode(&json);
    html! {
        div class="actions" {
            @if !receipts.is_empty() {
                form method="post" action="/demo/uses" {
                    (hidden(&visit.chosen))
                    input type="hidden" name="receipts" value=(json);
                    button class="action" {
                        "Les igjen, og hold registrene til dette "
                        span lang="en" { "Read again, and hold them to it" }
                    }
                }
                a class="action second" download="kvitteringer.json"
                    href={ "data:application/json;base64," (file) } {
                    "Lagre kvitteringene " span lang="en" { "Save the receipts" }
                }
            }
            @for (form, norwegian, english) in [
                ("csv", "Last ned som regneark (CSV)", "as a table"),
                ("fhir", "Last ned som FHIR", "as AuditEvents"),
            ] {
                form method="post" action="/demo/uses/file" {
                    (hidden(&visit.chosen))
                    input type="hidden" name="form" value=(form);
                    button class="action second" { (norwegian) " " span lang="en" { (english) } }
                }
            }
        }
    }
}
