//! What the researcher's page looks like: Norwegian, with English beside it.

use std::collections::BTreeMap;

use innsyn_proto::wire::research::v1 as wire;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use wire::variable::Type;
use wire::{RegisterState as State, Variable, View};

use super::super::shell::{STYLE, banner, head};
use super::{chart, table};
use crate::demo::pivot::Pivot;
use crate::demo::questions::READY;
use crate::demo::words::refusals::REASONS;
use crate::world::World;

const RESEARCH_STYLE: &str = include_str!("research.css");
const TITLE: &str = "Spør alle registre – Innsyn";

/// The page on which a question is chosen; `catalogue` is what can be asked about.
pub(super) fn choose(
    world: &World,
    catalogue: Result<wire::CatalogueResponse, anyhow::Error>,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="nb" {
            (head(TITLE))
            body {
                style { (PreEscaped(RESEARCH_STYLE)) }
                (banner())
                main class="researcher" {
                    h1 { "Spør alle registre " span lang="en" { "Ask every register" } }
                    p {
                        "Spørsmålet går til registrene. Hvert register teller hos seg selv, uten dem som har reservert seg, og bare summer forlater det. "
                        span lang="en" {
                            "The question goes to the registers. Each counts at home, without those who have said no, and only sums leave it."
                        }
                    }
                    div class="examples" {
                        @for (at, ready) in READY.iter().enumerate() {
                            form method="post" action="/demo/research" {
                                input type="hidden" name="ready" value=(at);
                                button {
                                    strong { (ready.norwegian) }
                                    span lang="en" { (ready.english) }
                                }
                            }
                        }
                    }
                    h2 { "Eller med SQL " span lang="en" { "Or in SQL" } }
                    (sql_form(READY[0].sql))
                    h2 { "Det som kan spørres om " span lang="en" { "What can be asked about" } }
                    @match catalogue {
                        Ok(catalogue) => (published(world, &catalogue)),
                        Err(error) => section class="summary refused" {
                            p { "Registrene er ikke klare ennå. Last siden på nytt om litt. "
                                span lang="en" { "The registers are not ready yet; load this page again." } }
                            p lang="en" { (error.to_string()) }
                        },
                    }
                }
            }
        }
    }
}

fn sql_form(sql: &str) -> Markup {
    html! {
        form class="sql" method="post" action="/demo/research" {
            label {
                span class="hint" { "Én " code { "SELECT" } " over ett av utsnittene nedenfor "
                    span lang="en" { "One SELECT over one of the views below" } }
                textarea name="sql" rows="5" spellcheck="false" maxlength="4000" required { (sql) }
            }
            button { "Spør " span lang="en" { "Ask" } }
        }
    }
}

/// The views, each once, with the registers that publish it.
fn published(world: &World, catalogue: &wire::CatalogueResponse) -> Markup {
    let mut views: BTreeMap<&str, Vec<&View>> = BTreeMap::new();
    for view in &catalogue.views {
        views.entry(&view.name).or_default().push(view);
    }
    html! {
        div class="catalogue" {
            @for same in views.values() {
                @if let Some(view) = same.first() {
                    details {
                        summary {
                            b { (view.label_nb) } " " code { (view.name) } " "
                            small {
                                @if let [only] = same.as_slice() { (name_of(world, &only.register_id)) }
                                @else { (same.len()) " registre " span lang="en" { "registers" } }
                            }
                        }
                        ul { @for variable in &view.variables { li { (of_variable(variable)) } } }
                    }
                }
            }
        }
        @if !catalogue.registers_silent.is_empty() {
            p class="silent" {
                "Har ikke fortalt hva de har: " (names_of(world, catalogue.registers_silent.iter())) ". "
                span lang="en" { "These have not told what they hold." }
            }
        }
    }
}

fn of_variable(variable: &Variable) -> Markup {
    let kind = match &variable.r#type {
        Some(Type::Code(code)) => format!("kode ({})", code.system),
        Some(Type::Number(number)) => format!("tall ({})", number.unit),
        Some(Type::Date(_)) => "dato, i hele måneder".to_owned(),
        None => String::new(),
    };
    html! {
        code { (variable.name) } " " (variable.label_nb) ", " (kind) " "
        span lang="en" { (variable.label_en) }
    }
}

/// The beginning of a run's page, before the gateway has said anything.
pub(super) fn beginning(sql: &str) -> Markup {
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"nb\">"))
        (head(TITLE))
        (PreEscaped("<body>"))
        style { (PreEscaped(RESEARCH_STYLE)) }
        (banner())
        (PreEscaped("<main class=\"researcher\">"))
        p class="back" { a href="/research" { "← Spør om noe annet " span lang="en" { "Ask something else" } } }
        details class="asked" {
            summary { "Spørsmålet i SQL " span lang="en" { "The question in SQL" } }
            (sql_form(sql))
        }
    }
}

/// The frame of a run that has begun: the question in words, and a place for each register.
pub(super) fn frame(world: &World, started: &wire::RunStarted) -> Markup {
    let nothing = wire::DryRunResponse::default();
    let plan = started.plan.as_ref().unwrap_or(&nothing);
    html! {
        h1 { "Registrene teller " span lang="en" { "The registers are counting" } }
        section class="words" {
            div { @for line in plan.words_nb.lines() { p { (line) } } }
            div lang="en" { @for line in plan.words_en.lines() { p { (line) } } }
        }
        (PreEscaped("<div class=\"run\"><template shadowrootmode=\"open\">"))
        style { (PreEscaped(STYLE)) (PreEscaped(RESEARCH_STYLE)) }
        section class="progress" part="progress" {
            div class="bar" style={ "--registers: " (plan.registers.len()) } { slot name="bar" {} }
            p class="of" {
                (count(plan.registers.len(), "register er spurt", "registre er spurt")) " "
                span lang="en" { (count(plan.registers.len(), "register is asked", "registers are asked")) }
            }
            ul class="waiting" part="waiting" {
                @for register in &plan.registers {
                    slot name={ "waiting-" (register) } { li { (name_of(world, register)) } }
                }
            }
        }
        div role="status" { slot name="result" {} }
        (PreEscaped("</template>"))
    }
}

/// A step of the bar, when a register is through.
pub(super) fn progress(progress: &wire::RegisterProgress) -> Markup {
    let class = match progress.state() {
        State::Answered => "answered",
        State::Refused => "refused",
        State::Silent => "silent",
        State::Unspecified | State::Asked | State::Held | State::Running => return html! {},
    };
    html! {
        span slot={ "waiting-" (progress.register_id) } hidden {}
        i slot="bar" class=(class) title=(progress.register_id) {}
    }
}

/// The table, the picture and who has counted, and the end of the page.
pub(super) fn released(world: &World, released: &wire::ReleasedTable) -> Markup {
    let pivot = Pivot::of(released);
    html! {
        section slot="result" class="result" {
            (coverage(world, released))
            (chart::of(&pivot))
            (table::of(&pivot, released))
        }
        style {
            ".run::part(waiting)"
            // Nobody was asked again.
            @if released.is_earlier { ", .run::part(progress)" }
            " { display: none }"
        }
        (end())
    }
}

/// Who has counted, and who has not.
fn coverage(world: &World, released: &wire::ReleasedTable) -> Markup {
    let of = |wanted: State| {
        let registers = released.registers.iter();
        registers
            .filter(move |one| one.state() == wanted)
            .map(|one| &one.register_id)
    };
    let (answered, asked) = (of(State::Answered).count(), released.registers.len());
    html! {
        div class="summary coverage" {
            p class="complete" {
                (answered) " av " (asked) " registre har svart. "
                span lang="en" { (answered) " of " (asked) " registers have answered." }
            }
            @for (state, norwegian, english) in [
                (State::Silent, "Svarte ikke, og mangler i tallene", "Silent, and missing from the numbers"),
                (State::Refused, "Avslo", "Refused"),
                (State::Held, "Venter på den som bestemmer der", "Waiting for their steward"),
            ] {
                @if of(state).next().is_some() {
                    p { (norwegian) ": " b { (names_of(world, of(state))) } ". " span lang="en" { (english) "." } }
                }
            }
            @for (reason, norwegian, english) in REASONS {
                @let of = || {
                    let registers = released.registers.iter();
                    let of = registers.filter(move |one| one.refusal_reason() == reason);
                    of.map(|one| &one.register_id)
                };
                @if of().next().is_some() {
                    p class="why" { b { (names_of(world, of())) } ": " (norwegian) ". " span lang="en" { (english) "." } }
                }
            }
            @let of_refusals = released.registers.iter().filter_map(|one| one.refusal_receipt.as_ref());
            @let receipts: Vec<_> = released.receipts.iter().chain(of_refusals).collect();
            @if !receipts.is_empty() {
                details class="receipts" {
                    summary {
                        "Registrenes kvitteringer (" (receipts.len()) ") "
                        span lang="en" { "What the registers have signed" }
                    }
                    @for receipt in receipts {
                        pre lang="en" { (receipt.text) }
                    }
                }
            }
            @if released.is_earlier {
                p class="earlier" {
                    "Dette er den samme tabellen som er gitt ut før: like spørsmål får like svar. "
                    span lang="en" { "This table was released before: equal questions get equal answers." }
                }
            }
        }
    }
}

/// What went wrong, and the end of the page; the frame may not have been sent.
pub(super) fn failure(error: &anyhow::Error) -> Markup {
    let status = error.downcast_ref::<tonic::Status>();
    let message = status.map_or_else(|| error.to_string(), |status| status.message().to_owned());
    html! {
        section slot="result" class="summary refused" {
            p class="complete" { "Ingen tabell. " span lang="en" { "No table." } }
            p lang="en" { (message) }
        }
        (end())
    }
}

/// `number` and what they are.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn name_of(world: &World, register: &str) -> String {
    let known = world.country.registers.get(register);
    known.map_or_else(|| register.to_owned(), |register| register.name.clone())
}

fn names_of<'a>(world: &World, registers: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<String> = registers.map(|one| name_of(world, one)).collect();
    names.join(", ")
}

fn end() -> Markup {
    html! { (PreEscaped("</div></main></body></html>")) }
}
