//! What one case looks like: its clock, its steps, and what can be said now.

use innsyn_policy::Timestamp;
use innsyn_proto::wire::types::v1::{Case, CaseAct, CaseParty, CaseState, CaseStep, CaseSummary};
use maud::{Markup, html};

use super::super::shell::{self, Tab, hidden, moment};
use super::super::visit::Visit;
use super::Done;
use super::render::{CASES_STYLE, TEXT_MAX, badge, clock, name_of};
use crate::demo::words::cases as words;
use crate::world::World;

/// The page of a case; `done` is what has just become of it, and `message` names what may be said.
pub(super) fn case(
    world: &World,
    visit: &Visit,
    register: &str,
    told: anyhow::Result<Case>,
    done: &Done,
    message: &str,
) -> Markup {
    let main = html! {
        (news(done))
        @match told {
            Err(error) => (shell::refused(&error)),
            Ok(case) => {
                @let summary = case.summary.clone().unwrap_or_default();
                @let here = Here { visit, register, summary: &summary };
                (heading(world, register, &summary))
                ol class="steps" { @for step in &case.steps { (one_step(step)) } }
                (here.more(message, &case.steps))
                @if words::is_open(summary.state()) { (here.desk(world)) }
            }
        }
        form method="post" action="/demo/cases" {
            (hidden(&visit.chosen))
            button class="action second" { "← Alle sakene " span lang="en" { "All cases" } }
        }
    };
    shell::page(visit, Tab::Cases, CASES_STYLE, &main)
}

fn news(done: &Done) -> Markup {
    html! {
        @match done {
            Done::Nothing => {},
            Done::Not(error) => (shell::refused(error)),
            Done::Delivered(receipt) => section class="summary taken" role="status" {
                p class="complete" {
                    "Registeret har det, og har signert en kvittering. "
                    span lang="en" { "The register has it, and has signed a receipt." }
                }
                details {
                    summary { "Kvitteringen " span lang="en" { "The receipt" } }
                    pre tabindex="0" { (receipt) }
                }
            },
            Done::Answered(said) => section class="summary taken" role="status" {
                p class="complete" {
                    "Saksbehandleren har svart. "
                    span lang="en" { "The case handler has answered; the command says:" }
                }
                pre tabindex="0" { (said) }
            },
        }
    }
}

fn heading(world: &World, register: &str, summary: &CaseSummary) -> Markup {
    let (kind, kind_english) = words::kind(summary.kind());
    html! {
        h2 class="heading" {
            (kind) " ved " (name_of(world, register)) " " span lang="en" { (kind_english) }
        }
        p class="stands" { (badge(summary)) " " (clock(summary)) }
    }
}

fn one_step(step: &CaseStep) -> Markup {
    let (act, act_english) = words::act(step.act());
    let (party, party_english) = words::party(step.by());
    let class = if step.by() == CaseParty::Register {
        "by-register"
    } else {
        "by-person"
    };
    html! {
        li class={ "step " (class) } {
            p class="when" {
                (moment(Timestamp::from_micros(step.at_ms.saturating_mul(1_000)))) ", " (party) " "
                span lang="en" { (party_english) }
            }
            h3 { (act) " " span lang="en" { (act_english) } }
            @if !step.text.is_empty() { p class="text" { (step.text) } }
        }
    }
}

/// A case on its page.
struct Here<'a> {
    visit: &'a Visit,
    register: &'a str,
    summary: &'a CaseSummary,
}

impl Here<'_> {
    fn hidden(&self) -> Markup {
        html! {
            (hidden(&self.visit.chosen))
            input type="hidden" name="register" value=(self.register);
            input type="hidden" name="case" value=(hex::encode(&self.summary.case_id));
        }
    }

    /// What the person can say now: more in an open case, once an appeal of an answered one.
    fn more(&self, message: &str, steps: &[CaseStep]) -> Markup {
        let is_open = words::is_open(self.summary.state());
        let can_appeal = matches!(
            self.summary.state(),
            CaseState::Refused | CaseState::Partly | CaseState::Accepted
        ) && steps.iter().all(|step| step.act() != CaseAct::Appeal);
        if !is_open && !can_appeal {
            return html! {
                p class="hint" {
                    "Saken er besvart, også etter klagen. Veien videre er en klage til Datatilsynet. "
                    span lang="en" { "Answered, after the appeal too. The way on is a complaint to Datatilsynet." }
                }
            };
        }
        html! {
            section class="write" {
                h2 {
                    @if is_open { "Skriv mer " span lang="en" { "Write more" } }
                    @else { "Er du uenig? Klag " span lang="en" { "Do you not agree? Appeal" } }
                }
                form method="post" action="/demo/cases/say" {
                    (self.hidden())
                    input type="hidden" name="message" value=(message);
                    input type="hidden" name="act" value=(if is_open { "message" } else { "appeal" });
                    label class="wide" {
                        span { "Det du vil si " span lang="en" { "what you want to say" } }
                        textarea name="text" rows="3" maxlength=(TEXT_MAX) required {}
                    }
                    button class="action" { "Send " span lang="en" { "Send" } }
                }
            }
        }
    }

    /// In the demo, the other end of the dialog.
    fn desk(&self, world: &World) -> Markup {
        let id = hex::encode(&self.summary.case_id);
        let config = world.agent_config(self.register);
        html! {
            section class="write desk" {
                h2 { "Prøv den andre siden: svar som registeret "
                    span lang="en" { "Try the other side: answer as the register" } }
                p class="hint" {
                    "Her sitter registerets saksbehandler i virkeligheten. Skjemaet kjører kommandoen deres. "
                    span lang="en" { "The register’s case handler sits here in reality. The form runs their command:" }
                }
                pre tabindex="0" {
                    "innsyn-agent cases answer " (id.get(..8).unwrap_or_default())
                    " --verdict … --text … --config " (config.display())
                }
                form method="post" action="/demo/cases/answer" {
                    (self.hidden())
                    label {
                        span { "Avgjørelse " span lang="en" { "verdict" } }
                        select name="verdict" required {
                            option value="accepted" { "innvilget / accepted" }
                            option value="partly" { "delvis innvilget / in part" }
                            option value="refused" { "avslått / refused" }
                        }
                    }
                    label class="wide" {
                        span { "Svar og begrunnelse " span lang="en" { "answer and reason" } }
                        textarea name="text" rows="3" maxlength=(TEXT_MAX) required {}
                    }
                    button class="action second" { "Svar som registeret " span lang="en" { "Answer" } }
                }
            }
        }
    }
}
