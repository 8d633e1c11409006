//! What a person's cases look like: Norwegian, with English beside it.

use innsyn_proto::wire::citizen::v1::ListCasesResponse;
use innsyn_proto::wire::types::v1::{CaseStanding, CaseState, CaseSummary};
use maud::{Markup, html};

use super::super::shell::{self, Tab, hidden, norwegian_date};
use super::super::visit::Visit;
use crate::demo::words::cases as words;
use crate::world::World;

pub(super) const CASES_STYLE: &str = include_str!("cases.css");
/// The longest text, in characters that a browser counts; the register counts 4,000 bytes.
pub(super) const TEXT_MAX: u32 = 2_000;

/// The cases at every register; `error` is why a new one was not opened, and `message` names the one
/// that may be.
pub(super) fn cases(
    world: &World,
    visit: &Visit,
    cases: anyhow::Result<ListCasesResponse>,
    error: Option<&anyhow::Error>,
    message: &str,
) -> Markup {
    let main = html! {
        @if let Some(error) = error { (shell::refused(error)) }
        p {
            "En sak står hos registeret den gjelder, og ingen andre steder. Alle registre blir spurt på samme måte, så ingen underveis kan se hvem du skriver til. "
            span lang="en" {
                "A case is at the register that it is about, and nowhere else. All registers are called alike, so that nobody on the way can see whom you write to."
            }
        }
        @match cases {
            Err(error) => (shell::refused(&error)),
            Ok(cases) => (all(world, visit, &cases)),
        }
        (opening(world, visit, message))
    };
    shell::page(visit, Tab::Cases, CASES_STYLE, &main)
}

fn all(world: &World, visit: &Visit, cases: &ListCasesResponse) -> Markup {
    let told = cases.registers.iter().filter(|at| at.not_told.is_none());
    let there = cases.registers.iter().any(|at| !at.cases.is_empty());
    html! {
        @if there {
            ul class="cases" {
                @for at in &cases.registers {
                    @for case in &at.cases { li { (summary(world, visit, &at.register_id, case)) } }
                }
            }
        } @else {
            p class="none" { "Ingen saker ennå. " span lang="en" { "No cases yet." } }
        }
        p class="hint" {
            (told.count()) " av " (cases.registers.len()) " registre har svart på om de har saker"
            @if !cases.complete { "; noen som kunne svart, gjorde det ikke" } ". "
            span lang="en" { "registers have told whether they have cases." }
        }
    }
}

fn summary(world: &World, visit: &Visit, register: &str, case: &CaseSummary) -> Markup {
    let (kind, kind_english) = words::kind(case.kind());
    html! {
        form method="post" action="/demo/cases/one" {
            (hidden(&visit.chosen))
            input type="hidden" name="register" value=(register);
            input type="hidden" name="case" value=(hex::encode(&case.case_id));
            button class="case" {
                strong { (kind) " ved " (name_of(world, register)) }
                span lang="en" { (kind_english) }
                (badge(case))
                (clock(case))
            }
        }
    }
}

/// How the case stands.
pub(super) fn badge(case: &CaseSummary) -> Markup {
    let (state, state_english) = words::state(case.state());
    let class = match case.state() {
        CaseState::Accepted | CaseState::Partly => "done",
        CaseState::Refused | CaseState::Unspecified => "not-done",
        CaseState::Received | CaseState::InProgress | CaseState::Appealed => "open",
    };
    html! { span class={ "badge " (class) } { (state) " " span lang="en" { (state_english) } } }
}

/// Until when the law gives time.
pub(super) fn clock(case: &CaseSummary) -> Markup {
    let due = norwegian_date(&case.due);
    html! {
        span class="clock" {
            @if words::is_open(case.state()) {
                "Svar innen " time datetime=(case.due) { (due) }
                @if case.extended { ", utsatt én gang" }
                @match case.standing() {
                    CaseStanding::Overdue => b { ". Fristen er ute" },
                    CaseStanding::PastTarget => ". Målet på 30 dager er passert",
                    CaseStanding::InTime | CaseStanding::Unspecified => {}
                }
                " " span lang="en" { "an answer is due by then" }
            } @else {
                "Besvart" @if case.standing() == CaseStanding::Overdue { " for sent" } " "
                span lang="en" { "answered" }
            }
        }
    }
}

/// The form of a new case.
fn opening(world: &World, visit: &Visit, message: &str) -> Markup {
    let mut registers: Vec<_> = world.live().collect();
    registers.sort_by(|one, other| one.name.cmp(&other.name));
    html! {
        section class="write" {
            h2 { "Skriv til et register " span lang="en" { "Write to a register" } }
            form method="post" action="/demo/cases/open" {
                (hidden(&visit.chosen))
                input type="hidden" name="message" value=(message);
                label {
                    span { "Register " span lang="en" { "register" } }
                    select name="register" required {
                        @for register in registers {
                            option value=(register.id()) { (register.name) }
                        }
                    }
                }
                label {
                    span { "Hva ber du om? " span lang="en" { "what do you ask for?" } }
                    select name="kind" required {
                        @for (kind, value) in &words::KINDS {
                            option value=(value) { (words::kind(*kind).0) " / " (words::kind(*kind).1) }
                        }
                    }
                }
                label class="wide" {
                    span { "Det du vil si " span lang="en" { "what you want to say" } }
                    textarea name="text" rows="4" maxlength=(TEXT_MAX) required {}
                }
                button class="action" { "Send " span lang="en" { "Send" } }
            }
        }
    }
}

pub(super) fn name_of(world: &World, register: &str) -> String {
    let known = world.country.registers.get(register);
    known.map_or_else(|| register.to_owned(), |register| register.name.clone())
}
