//! What every page has around it: head, banner, whose page it is, and the ways from there.

use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use axum::response::Response;
use innsyn_policy::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use tonic::Code;

use super::visit::{Chosen, Visit};
use crate::sts::Right;

pub(super) const STYLE: &str = include_str!("page.css");
/// Nothing is run, loaded or sent anywhere else. Styles stand in the pages, since those that are sent
/// as answers come bring their own.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// One of a person's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Listing,
    Settings,
    Uses,
    Cases,
}

/// The pages, with where they are and what they are called.
const TABS: [(Tab, &str, &str, &str); 4] = [
    (
        Tab::Listing,
        "/demo/listing",
        "Hvor er jeg registrert?",
        "Where am I registered?",
    ),
    (
        Tab::Settings,
        "/demo/settings",
        "Mine innstillinger",
        "My settings",
    ),
    (
        Tab::Uses,
        "/demo/uses",
        "Hvem har brukt opplysningene mine?",
        "Who has used my data?",
    ),
    (Tab::Cases, "/demo/cases", "Mine saker", "My cases"),
];

/// Says what the browser may do with a page.
pub(super) async fn secured(mut response: Response) -> Response {
    let value = HeaderValue::from_static(CONTENT_SECURITY);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, value);
    response
}

pub(super) fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

pub(super) fn banner() -> Markup {
    html! {
        header {
            a class="name" href="/" { "Innsyn" }
            nav aria-label="Innsyn" {
                a href="/" { "Min side " span lang="en" { "My page" } }
                a href="/research" { "Forskning " span lang="en" { "Research" } }
            }
            p class="invented" {
                "Et oppdiktet Norge: ingen personer eller opplysninger her er virkelige. "
                span lang="en" { "An invented Norway: nobody and nothing here is real." }
            }
        }
    }
}

/// A page that is sent whole.
pub(super) fn page(visit: &Visit, tab: Tab, style: &str, main: &Markup) -> Markup {
    html! {
        (beginning(visit, tab, style))
        (main)
        (end())
    }
}

/// The beginning of a person's page, up to and with its heading.
pub(super) fn beginning(visit: &Visit, tab: Tab, style: &str) -> Markup {
    let (norwegian, english) = name(tab);
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"nb\">"))
        (head(&format!("{norwegian} – Innsyn")))
        (PreEscaped("<body>"))
        style { (PreEscaped(style)) }
        (banner())
        (PreEscaped("<main>"))
        (back())
        (person(visit))
        (tabs(&visit.chosen, tab))
        h1 { (norwegian) " " span lang="en" { (english) } }
    }
}

pub(super) fn end() -> Markup {
    html! { (PreEscaped("</main></body></html>")) }
}

pub(super) fn name(tab: Tab) -> (&'static str, &'static str) {
    let mut tabs = TABS.iter();
    let found = tabs.find(|(one, ..)| *one == tab);
    found.map_or(("", ""), |(_, _, norwegian, english)| (norwegian, english))
}

fn person(visit: &Visit) -> Markup {
    let subject = visit.asking.subject.number;
    let born = norwegian_date(&visit.asking.subject.born.to_string());
    let (who, who_english) = match visit.asking.right {
        Right::Own => ("spør om seg selv", "asking about themself"),
        Right::Parent => ("en forelder spør", "a parent asks"),
        Right::Guardian(_) => ("en verge spør", "a guardian asks"),
        Right::PowerOfAttorney(_) => ("en med fullmakt spør", "asked by power of attorney"),
    };
    html! {
        p class="person" {
            b { "Person " (subject) } ", født " (born) ": " (who) " "
            span lang="en" { (who_english) }
        }
    }
}

fn tabs(chosen: &Chosen, current: Tab) -> Markup {
    html! {
        nav class="tabs" aria-label="Min side" {
            @for (tab, action, norwegian, english) in &TABS {
                form method="post" action=(action) {
                    (hidden(chosen))
                    button aria-current=[(*tab == current).then_some("page")] {
                        (norwegian) " " span lang="en" { (english) }
                    }
                }
            }
        }
    }
}

/// Whose page a form is of.
pub(super) fn hidden(chosen: &Chosen) -> Markup {
    html! {
        input type="hidden" name="person" value=(chosen.person);
        input type="hidden" name="role" value=(chosen.role);
    }
}

pub(super) fn back() -> Markup {
    html! {
        p class="back" { a href="/" { "← Velg en annen " span lang="en" { "Choose another" } } }
    }
}

/// Why there is nothing to show: what the gateway or the register said, in its own words too.
pub(super) fn refused(error: &anyhow::Error) -> Markup {
    let status = error.downcast_ref::<tonic::Status>();
    let message = status.map_or_else(|| error.to_string(), |status| status.message().to_owned());
    let (norwegian, english) = match status.map(tonic::Status::code) {
        Some(Code::PermissionDenied | Code::Unauthenticated) => (
            "Avslått: den som spør, har ikke rett til dette.",
            "Refused: whoever asks has no right to this.",
        ),
        Some(Code::InvalidArgument | Code::NotFound) => (
            "Det kunne ikke brukes slik det var skrevet.",
            "It could not be used as it was written.",
        ),
        Some(Code::FailedPrecondition | Code::AlreadyExists) => (
            "Det går ikke nå, slik saken står.",
            "Not as the case stands.",
        ),
        Some(Code::Unavailable | Code::ResourceExhausted) => (
            "Registeret kunne ikke ta imot nå. Prøv igjen: det blir gjort én gang.",
            "The register could not take it now. Try again: it is done once.",
        ),
        _ => (
            "Noe gikk galt. Prøv igjen.",
            "Something went wrong. Try again.",
        ),
    };
    html! {
        section class="summary refused" role="alert" {
            p class="complete" { (norwegian) " " span lang="en" { (english) } }
            p lang="en" { (message) }
        }
    }
}

/// `2013-09-11` as Norwegians write it, 11.09.2013.
pub(super) fn norwegian_date(iso: &str) -> String {
    let parts: Vec<&str> = iso.split('-').rev().collect();
    parts.join(".")
}

/// A moment as a clock in Norway shows it.
pub(super) fn moment(at: Timestamp) -> Markup {
    let at = jiff::Timestamp::from_microsecond(at.as_micros());
    let zoned = at.and_then(|at| at.in_tz("Europe/Oslo"));
    html! {
        @if let Ok(zoned) = zoned {
            time datetime=(zoned.timestamp()) { (zoned.strftime("%d.%m.%Y kl. %H:%M")) }
        }
    }
}
