//! What the log of use looks like: Norwegian, with English beside it.
//!
//! What is shown can be narrowed down to a kind of use without asking the registers again.

use innsyn_policy::Timestamp;
use innsyn_proto::wire::citizen::v1::{ListUsesResponse, Use, UseKind, UsedBy, Words};
use maud::{Markup, PreEscaped, html};

use super::super::shell::{self, Tab, moment};
use super::super::visit::Visit;
use super::proof;
use crate::demo::events::{self, Event, Proof};
use crate::sts::Right;

const USES_STYLE: &str = include_str!("uses.css");

/// The kinds of use, as the page calls them.
const KINDS: [(UseKind, &str, &str, &str); 5] = [
    (UseKind::Listing, "listing", "Oppslag", "Look-ups"),
    (UseKind::Research, "research", "Forskning", "Research"),
    (UseKind::Dialog, "dialog", "Saker", "Dialogs"),
    (
        UseKind::SettingChange,
        "setting",
        "Innstillinger",
        "Settings",
    ),
    (
        UseKind::LogReading,
        "reading",
        "Lesing av loggen",
        "Readings",
    ),
];

/// The uses, and whether the logs hold; with what the person keeps of them.
pub(super) fn uses(visit: &Visit, uses: anyhow::Result<(Vec<String>, ListUsesResponse)>) -> Markup {
    let main = html! {
        @match uses {
            Err(error) => (shell::refused(&error)),
            Ok((receipts, uses)) => {
                p {
                    "Hvert register fører en logg over all bruk gjennom Innsyn. Her leses alle loggene nå; at du leser, står der også. "
                    span lang="en" {
                        "Every register logs all use by way of Innsyn. All logs are read now; that you read stands there too."
                    }
                }
                (proof::of(visit, &Proof::of(&uses), &receipts))
                (log(visit, &uses))
            }
        }
    };
    shell::page(visit, Tab::Uses, USES_STYLE, &main)
}

/// A page that says why there is no file.
pub(super) fn no_file(visit: &Visit, error: &anyhow::Error) -> Markup {
    shell::page(visit, Tab::Uses, USES_STYLE, &shell::refused(error))
}

fn log(visit: &Visit, uses: &ListUsesResponse) -> Markup {
    let events = events::in_a_row(events::questions(uses));
    html! {
        div class="log" {
            (filter(&events))
            ol class="events" {
                @for event in &events { (one(visit, event)) }
            }
        }
        style { (PreEscaped(filtering())) }
    }
}

/// One choice for all, and one for each kind that is there.
fn filter(events: &[Event<'_>]) -> Markup {
    let count = |kind: UseKind| events.iter().filter(|it| it.told.kind() == kind).count();
    html! {
        fieldset class="filter" {
            legend { "Vis " span lang="en" { "Show" } }
            label {
                input type="radio" name="kind" id="kind-all" checked;
                " Alt (" (events.len()) ") " span lang="en" { "All" }
            }
            @for (kind, class, norwegian, english) in &KINDS {
                @if count(*kind) > 0 {
                    label {
                        input type="radio" name="kind" id={ "kind-" (class) };
                        " " (norwegian) " (" (count(*kind)) ") " span lang="en" { (english) }
                    }
                }
            }
        }
    }
}

/// Hides what is not of the kind that was chosen.
fn filtering() -> String {
    let rules = KINDS.iter().map(|(_, class, ..)| {
        format!(".log:has(#kind-{class}:checked) .event:not(.{class}) {{ display: none }}\n")
    });
    rules.collect()
}

fn one(visit: &Visit, event: &Event<'_>) -> Markup {
    let told = event.told;
    let kind = KINDS.iter().find(|(kind, ..)| *kind == told.kind());
    let (who, who_english) = who(visit, event);
    html! {
        li class={ "event " (kind.map_or("", |(_, class, ..)| class)) } {
            p class="when" { (when(event)) }
            h2 { (both(told.kind_words.as_ref())) }
            dl {
                dt { "Hvem " span lang="en" { "Who" } }
                dd { (who) (organisation(event)) " " span lang="en" { (who_english) } }
                dt { "Formål " span lang="en" { "What for" } }
                dd { (both(told.purpose_words.as_ref())) }
                dt { "Grunnlag " span lang="en" { "Legal ground" } }
                dd { (both(told.basis_words.as_ref()))
                    @if !told.permit.is_empty() { (permit(told)) } }
                dt { "Utfall " span lang="en" { "Outcome" } }
                dd { (both(told.decision_words.as_ref())) }
                dt { "Hvor " span lang="en" { "Where" } }
                dd { (places(event)) }
            }
        }
    }
}

fn permit(told: &Use) -> Markup {
    html! {
        div class="permit" {
            "Prosjekt: " b { "«" (told.project) "»" } ", tillatelse " (told.permit) ". "
            "Bare summer forlot registrene. "
            span lang="en" { "Project and permit. Only sums left the registers." }
        }
    }
}

fn when(event: &Event<'_>) -> Markup {
    let at = |at: &jiff::Timestamp| moment(Timestamp::from_micros(at.as_microsecond()));
    let (last, first) = (event.at.iter().max(), event.at.iter().min());
    html! {
        @if let Some(last) = last { (at(last)) }
        @if event.at.len() > 1 {
            ", " (event.at.len()) " ganger"
            @if let Some(first) = first { ", første gang " (at(first)) }
            " " span lang="en" { (event.at.len()) " times" }
        }
    }
}

/// The registers that have it, by name.
fn places(event: &Event<'_>) -> Markup {
    let mut names: Vec<&str> = event.registers.values().copied().collect();
    names.sort_unstable();
    html! {
        @if let [only] = names.as_slice() {
            (only)
        } @else {
            details {
                summary { (names.len()) " registre " span lang="en" { "registers" } }
                ul { @for name in &names { li { (name) } } }
            }
        }
    }
}

fn who(visit: &Visit, event: &Event<'_>) -> (&'static str, &'static str) {
    let is_own = visit.asking.right == Right::Own;
    match (event.told.kind(), event.told.by()) {
        (UseKind::Research, _) => ("En forsker", "A researcher"),
        _ if event.is_by_register() => ("Registerets saksbehandler", "The register’s case handler"),
        (_, UsedBy::Oneself) if is_own => ("Du selv", "You"),
        (_, UsedBy::Oneself) => ("Personen selv", "The person"),
        (_, UsedBy::You) => ("Du, for personen", "You, for the person"),
        (_, UsedBy::Register) => ("Registeret, fra papir", "The register, from paper"),
        (_, UsedBy::Other | UsedBy::Unspecified) => ("Noen andre", "Somebody else"),
    }
}

/// Through whom; they stand under a name or a number.
fn organisation(event: &Event<'_>) -> Markup {
    let name = event.told.organisation.as_str();
    html! {
        @if event.is_by_register() || name.is_empty() {}
        @else if name.bytes().all(|byte| byte.is_ascii_digit()) { ", organisasjon " (name) }
        @else { ", gjennom " (name) }
    }
}

fn both(words: Option<&Words>) -> Markup {
    html! {
        @if let Some(words) = words { (words.nb) " " span lang="en" { (words.en) } }
    }
}
