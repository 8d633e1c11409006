//! What the page looks like: Norwegian, with English beside it.

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1::{Registration, Summary};
use innsyn_proto::wire::types::v1::{Outcome, Reason};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::country::Asking;
use crate::demo::print::{STORIES, in_words};
use crate::sts::Right;
use crate::world::World;

const STYLE: &str = include_str!("page.css");

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

fn banner() -> Markup {
    html! {
        header {
            a class="name" href="/" { "Innsyn" }
            span class="invented" {
                "Oppfunnet Norge – ingen virkelige personer eller opplysninger. "
                span lang="en" { "An invented Norway: nobody and nothing here is real." }
            }
        }
    }
}

/// The page on which a person is chosen.
pub(super) fn choose(world: &World) -> Markup {
    let today = SystemClock.now().date_in_norway();
    let living = world.country.population.living();
    html! {
        (DOCTYPE)
        html lang="nb" {
            (head("Innsyn: hvor er jeg registrert?"))
            body {
                (banner())
                main {
                    h1 { "Hvor er jeg registrert? " span lang="en" { "Where am I registered?" } }
                    p {
                        "Velg en oppdiktet person. Alle registre blir spurt, og hvert av dem svarer selv. "
                        span lang="en" {
                            "Choose an invented person. Every register is asked, and each answers for itself."
                        }
                    }
                    div class="stories" {
                        @if let Some(today) = today {
                            @for (story, english, role) in STORIES {
                                @if let Some(found) = world.country.find(story, today) {
                                    form method="post" action="/demo/listing" {
                                        input type="hidden" name="person" value=(found.subject);
                                        input type="hidden" name="role" value=(role);
                                        button {
                                            strong { (norwegian(english)) }
                                            span lang="en" { (english) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    form class="any" method="post" action="/demo/listing" {
                        label {
                            "Person nummer " span lang="en" { "person number" }
                            input type="number" name="person" min="0" max=(living.saturating_sub(1)) value="0" required;
                        }
                        label {
                            "spurt av " span lang="en" { "asked by" }
                            select name="role" {
                                option value="oneself" { "personen selv / the person" }
                                option value="parent" { "en forelder / a parent" }
                                option value="guardian" { "en verge / a guardian" }
                                option value="poa" { "en med fullmakt / by power of attorney" }
                            }
                        }
                        button { "Spør / Ask" }
                    }
                }
            }
        }
    }
}

fn norwegian(english: &str) -> &'static str {
    match english {
        "somebody in many registers" => "en som står i mange registre",
        "somebody in no register at all" => "en som ikke står i noe register",
        "a child, asked about by a parent" => "et barn, spurt om av en forelder",
        "a child of 12 to 15: sensitive ones are withheld" => {
            "et barn på 12 til 15: følsomme registre holdes tilbake"
        }
        "a 17-year-old, whose parent has no right any more" => {
            "en 17-åring, der forelderen ikke lenger har rett"
        }
        "somebody who was deleted from a register" => "en som er slettet fra et register",
        "somebody with a D-number" => "en med D-nummer",
        _ => "en som har gitt fullmakt",
    }
}

/// The frame of a listing: a slot for the summary, and one for each register.
pub(super) fn frame(world: &World, asking: &Asking) -> Markup {
    let (right, right_en) = match asking.right {
        Right::Own => ("spurt om seg selv", "asking about themself"),
        Right::Parent => ("spurt om av en forelder", "asked about by a parent"),
        Right::Guardian(_) => ("spurt om av en verge", "asked about by a guardian"),
        Right::PowerOfAttorney(_) => ("spurt om med fullmakt", "asked about by power of attorney"),
    };
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"nb\">"))
        (head("Innsyn: hvor er jeg registrert?"))
        (PreEscaped("<body>"))
        (banner())
        (PreEscaped("<main>"))
        h1 {
            "Person " (asking.subject.number) ", født " (asking.subject.born) ", " (right) " "
            span lang="en" { (right_en) }
        }
        (PreEscaped("<div class=\"listing\"><template shadowrootmode=\"open\">"))
        style { (PreEscaped(STYLE)) }
        slot name="summary" {
            p class="waiting" {
                "Spør " (world.country.registers.len()) " registre … "
                span lang="en" { "asking them all" }
            }
        }
        div class="registers" {
            @for register in world.country.registers.iter() {
                slot name={ "r-" (register.id()) } {
                    div class="register" {
                        b { (register.name) }
                        small { "venter …" }
                    }
                }
            }
        }
        (PreEscaped("</template>"))
    }
}

/// One register's outcome, for its slot.
pub(super) fn registration(registration: &Registration) -> Markup {
    let (mark, words) = in_words(registration.outcome());
    let register = registration.register.as_ref();
    let reason = reason(registration.reason());
    html! {
        div slot={ "r-" (registration.register_id) } class={ "register " (class(registration.outcome())) }
            title=(register.map_or("", |register| register.description.as_str())) {
            b { (register.map_or("", |register| register.name.as_str())) }
            small {
                (mark) " " (words)
                @if let Some(since) = &registration.registered_since { " siden " (since) }
                @if let Some((norwegian, english)) = reason {
                    br; (norwegian) " " span lang="en" { (english) }
                }
            }
        }
    }
}

/// The account, for its slot, and the end of the page.
pub(super) fn summary(summary: &Summary) -> Markup {
    html! {
        section slot="summary" class="summary" {
            p {
                (summary.registers) " registre, hvert med ett utfall: "
                (summary.asked) " spurt, " (summary.answered) " svarte, på " (summary.elapsed_ms) " ms. "
                @if summary.complete {
                    "Svaret er fullstendig. " span lang="en" { "The answer is complete." }
                } @else {
                    "Svaret er ikke fullstendig. " span lang="en" { "The answer is not complete, and says so." }
                }
            }
            ul class="legend" {
                @for count in &summary.counts {
                    @let (mark, words) = in_words(count.outcome());
                    li class=(class(count.outcome())) { (mark) " " (words) " " b { (count.registers) } }
                }
            }
        }
        (end())
    }
}

/// What went wrong, for the summary's slot, and the end of the page.
pub(super) fn failure(error: &anyhow::Error) -> Markup {
    let message = error
        .downcast_ref::<tonic::Status>()
        .map_or_else(|| error.to_string(), |status| status.message().to_owned());
    html! {
        section slot="summary" class="summary refused" {
            p {
                b { "Avslått. " span lang="en" { "Refused." } } " " (message)
            }
            p {
                "Ingen registre ble spurt. " span lang="en" { "No register was asked." }
            }
        }
        (end())
    }
}

/// A page that says why there is no question.
pub(super) fn cannot_ask(error: &anyhow::Error) -> Markup {
    html! {
        (DOCTYPE)
        html lang="nb" {
            (head("Innsyn"))
            body {
                (banner())
                main { section class="summary refused" { p { (error.to_string()) } } (back()) }
            }
        }
    }
}

fn back() -> Markup {
    html! {
        p { a href="/" { "Spør på nytt " span lang="en" { "Ask again" } } }
    }
}

fn end() -> Markup {
    html! { (PreEscaped("</div>")) (back()) (PreEscaped("</main></body></html>")) }
}

const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Registered => "registered",
        Outcome::NotRegistered => "not-registered",
        Outcome::Deleted => "deleted",
        Outcome::Withheld => "withheld",
        Outcome::CannotBeAsked => "cannot-be-asked",
        Outcome::NoAnswer => "no-answer",
        Outcome::NotConnected | Outcome::Unspecified => "not-connected",
    }
}

/// A reason, as far as a citizen is told, in Norwegian and English.
const fn reason(reason: Reason) -> Option<(&'static str, &'static str)> {
    match reason {
        Reason::Unspecified => None,
        Reason::AreaNotCovered => Some(("fullmakten gjelder ikke her", "not covered")),
        Reason::SensitiveFromTwelve => Some((
            "fra 12 år vises dette bare for barnet selv",
            "shown to the child only",
        )),
        Reason::Deidentified => Some(("har ingen navn eller nummer", "holds no identities")),
        Reason::Pseudonymous => Some(("har bare pseudonymer", "holds pseudonyms only")),
        Reason::Timeout => Some(("ikke innen fristen", "not by the deadline")),
        Reason::Unresponsive => Some(("har ikke svart en stund", "has not answered for a while")),
        Reason::Down | Reason::RelayDown => Some(("er nede nå", "is down now")),
        Reason::LogUnavailable => {
            Some(("kan ikke skrive loggen sin", "cannot write its log of use"))
        }
        Reason::OverCap | Reason::Overloaded => {
            Some(("for mange spørsmål nå", "too many questions"))
        }
        Reason::Refused => Some(("avslo", "refused")),
        Reason::SourceUnavailable => Some(("når ikke sine data", "cannot reach its data")),
        Reason::InvalidAnswer => Some(("svarte uforståelig", "answered unintelligibly")),
    }
}
