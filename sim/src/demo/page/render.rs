//! What the page looks like: Norwegian, with English beside it.
//!
//! A listing is a frame with one group for each outcome, what matters most first, and a place for
//! each register that is waited for. Both are slots. A register that has answered sends a card
//! for the slot of its outcome, and an empty element for the place where it was waited for.

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_proto::wire::citizen::v1::{Registration, Summary};
use innsyn_proto::wire::types::v1::{InsightMethod, Register};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use tonic::Code;

use super::shell::{self, STYLE, Tab, back, banner, head, norwegian_date};
use super::visit::Visit;
use crate::country::AskingError;
use crate::demo::words::{self, EXAMPLES, OUTCOMES, Words};
use crate::world::World;

const TITLE: &str = "Hvor er jeg registrert? – Innsyn";

/// The page on which a person is chosen.
pub(super) fn choose(world: &World) -> Markup {
    let today = SystemClock.now().date_in_norway();
    let living = world.country.population.living();
    html! {
        (DOCTYPE)
        html lang="nb" {
            (head(TITLE))
            body {
                (banner())
                main {
                    h1 { "Hvor er jeg registrert? " span lang="en" { "Where am I registered?" } }
                    p {
                        "Velg en oppdiktet person. Alle registre blir spurt nå, hvert av dem svarer selv, og svaret blir ikke lagret. "
                        span lang="en" {
                            "Choose an invented person. Every register is asked now, each answers for itself, and the answer is kept nowhere."
                        }
                    }
                    p {
                        "Derfra ser du også innstillingene til personen, hvem som har brukt opplysningene, og sakene med registrene. "
                        span lang="en" {
                            "From there you see the person’s settings too, who has used their data, and their cases with registers."
                        }
                    }
                    div class="examples" {
                        @if let Some(today) = today {
                            @for example in &EXAMPLES {
                                @if let Some(found) = world.country.find(example.story, today) {
                                    form method="post" action="/demo/listing" {
                                        input type="hidden" name="person" value=(found.subject);
                                        input type="hidden" name="role" value=(example.role);
                                        button {
                                            strong { (example.norwegian) }
                                            span lang="en" { (example.english) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    h2 { "Eller hvem som helst " span lang="en" { "Or anybody" } }
                    form class="any" method="post" action="/demo/listing" {
                        label {
                            span { "Person nummer " span lang="en" { "person number" } }
                            input type="number" name="person" min="0" max=(living.saturating_sub(1)) value="0" required;
                        }
                        label {
                            span { "Hvem spør? " span lang="en" { "who asks?" } }
                            select name="role" {
                                option value="oneself" { "personen selv / the person" }
                                option value="parent" { "en forelder / a parent" }
                                option value="guardian" { "en verge / a guardian" }
                                option value="poa" { "en med fullmakt / by power of attorney" }
                            }
                        }
                        button { "Spør " span lang="en" { "Ask" } }
                    }
                }
            }
        }
    }
}

/// The frame of a listing.
pub(super) fn frame(world: &World, visit: &Visit) -> Markup {
    html! {
        (shell::beginning(visit, Tab::Listing, ""))
        (PreEscaped("<div class=\"listing\"><template shadowrootmode=\"open\">"))
        style { (PreEscaped(STYLE)) }
        div role="status" {
            slot name="summary" {
                p class="summary" {
                    "Spør " (world.country.registers.len()) " registre … "
                    span lang="en" { "Asking them all …" }
                }
            }
        }
        @for words in &OUTCOMES {
            (group(words))
        }
        section class="group" part="waiting" {
            h2 { "Venter på " span lang="en" { "Waiting for" } }
            ul class="waiting" {
                @for register in world.country.registers.iter() {
                    slot name={ "waiting-" (register.id()) } { li { (register.name) } }
                }
            }
        }
        (PreEscaped("</template>"))
    }
}

fn group(words: &Words) -> Markup {
    html! {
        section class={ "group " (words.class) } part=(words.class) {
            h2 {
                span class="mark" aria-hidden="true" { (words.mark) } " "
                (words.norwegian) " " span lang="en" { (words.english) }
            }
            p class="means" { (words.means) " " span lang="en" { (words.means_english) } }
            div class="registers" {
                slot name=(words.class) { p class="none" { "ingen ennå " span lang="en" { "none yet" } } }
            }
        }
    }
}

/// One register's outcome, for the slot of its group.
pub(super) fn registration(registration: &Registration) -> Markup {
    let words = words::of(registration.outcome());
    let class = words.map_or("not-connected", |words| words.class);
    let nameless = Register::default();
    let register = registration.register.as_ref().unwrap_or(&nameless);
    html! {
        span slot={ "waiting-" (registration.register_id) } hidden {}
        details class={ "register " (class) } slot=(class) {
            summary {
                b { (register.name) }
                @if let Some(words) = words { span class="outcome" { (words.norwegian) } }
                @if let Some(since) = &registration.registered_since {
                    small { "siden " time datetime=(since) { (norwegian_date(since)) } }
                }
                @if let Some((norwegian, english)) = words::reason(registration.reason()) {
                    small { (norwegian) " " span lang="en" { (english) } }
                }
            }
            p lang="en" { (register.name_en) }
            p { (register.description) }
            p { "Ansvarlig: " (register.controller) ". Kontakt: " (register.contact_email) }
            (insight(register))
        }
    }
}

fn insight(register: &Register) -> Markup {
    html! {
        @match register.insight_method() {
            InsightMethod::LiveQuery => p { "Du kan se hva som står der, direkte." },
            InsightMethod::Dialog => p { "Du kan be registeret om å få se hva som står der." },
            InsightMethod::Link => p { "Du kan se hva som står der, på " (register.insight_link) },
            InsightMethod::Unspecified => {}
        }
    }
}

/// The account, for its slot, and the end of the page.
pub(super) fn summary(summary: &Summary) -> Markup {
    let is_empty = |words: &&Words| {
        let mut counts = summary.counts.iter();
        !counts.any(|count| count.outcome() == words.outcome && count.registers > 0)
    };
    html! {
        section slot="summary" class="summary" {
            p {
                (summary.registers) " registre, hvert med ett utfall: "
                (summary.asked) " ble spurt og " (summary.answered) " svarte, på " (summary.elapsed_ms) " ms. "
                span lang="en" {
                    (summary.registers) " registers, each with one outcome: " (summary.asked) " asked, "
                    (summary.answered) " answered, in " (summary.elapsed_ms) " ms."
                }
            }
            p class="complete" {
                @if summary.complete {
                    "Svaret er fullstendig. " span lang="en" { "The answer is complete." }
                } @else {
                    "Svaret er ikke fullstendig: noen svarte ikke. "
                    span lang="en" { "The answer is not complete: somebody did not answer." }
                }
            }
            ul class="counts" {
                @for words in &OUTCOMES {
                    @for count in summary.counts.iter().filter(|count| count.outcome() == words.outcome) {
                        li class=(words.class) { (words.mark) " " (words.norwegian) " " b { (count.registers) } }
                    }
                }
            }
        }
        style {
            ".listing::part(waiting)"
            @for words in OUTCOMES.iter().filter(is_empty) { ", .listing::part(" (words.class) ")" }
            " { display: none }"
        }
        (end())
    }
}

/// What went wrong, for the summary's slot, and the end of the page.
pub(super) fn failure(error: &anyhow::Error) -> Markup {
    let status = error.downcast_ref::<tonic::Status>();
    let message = status.map_or_else(|| error.to_string(), |status| status.message().to_owned());
    // The gateway refuses before it asks; what breaks later may have been asked already.
    let refused = status.is_some_and(|status| {
        let code = status.code();
        matches!(
            code,
            Code::Unauthenticated | Code::PermissionDenied | Code::InvalidArgument
        )
    });
    html! {
        section slot="summary" class="summary refused" {
            @if refused {
                p class="complete" {
                    "Avslått: den som spør, har ikke rett til å få vite dette. Ingen registre ble spurt. "
                    span lang="en" { "Refused: whoever asks has no right to know. No register was asked." }
                }
            } @else {
                p class="complete" {
                    "Noe gikk galt, og svaret er ikke fullstendig. Prøv igjen. "
                    span lang="en" { "Something went wrong, and the answer is not complete. Try again." }
                }
            }
            p lang="en" { (message) }
        }
        style {
            ".listing::part(waiting)"
            @if refused { @for words in &OUTCOMES { ", .listing::part(" (words.class) ")" } }
            " { display: none }"
        }
        (end())
    }
}

/// A page that says why there is no question.
pub(super) fn cannot_ask(error: &anyhow::Error) -> Markup {
    let norwegian = match error.downcast_ref::<AskingError>() {
        Some(AskingError::NotAmongTheLiving { living, .. }) => {
            format!("Velg et nummer fra 0 til {}.", living.saturating_sub(1))
        }
        Some(AskingError::NoParent(_)) => {
            "Ingen forelder til denne personen er med. Barn bor hos sine; prøv 2 eller 3."
                .to_owned()
        }
        Some(AskingError::NobodyElse(_)) => {
            "Det finnes ingen annen voksen som kan spørre.".to_owned()
        }
        None => "Skjemaet kunne ikke brukes.".to_owned(),
    };
    html! {
        (DOCTYPE)
        html lang="nb" {
            (head("Kan ikke spørre – Innsyn"))
            body {
                (banner())
                main {
                    (back())
                    h1 { "Kan ikke spørre " span lang="en" { "Cannot ask" } }
                    section class="summary refused" {
                        p { (norwegian) }
                        p lang="en" { (error.to_string()) }
                    }
                }
            }
        }
    }
}

fn end() -> Markup {
    html! { (PreEscaped("</div>")) (shell::end()) }
}
