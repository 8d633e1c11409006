//! What a person's settings look like: Norwegian, with English beside it.

use std::time::Duration;

use innsyn_policy::Timestamp;
use innsyn_proto::wire::citizen::v1::{
    ChangeSettingResponse, ListSettingsResponse, SettingDefinition, StandingSetting,
};
use maud::{Markup, PreEscaped, html};

use super::super::shell::{self, STYLE, Tab, hidden, moment};
use super::super::visit::Visit;
use crate::demo::following::Followed;
use crate::demo::words::{self, settings as words_of};
use crate::world::World;

const SETTINGS_STYLE: &str = include_str!("settings.css");

/// All definitions, with what was said of each.
pub(super) fn settings(
    world: &World,
    visit: &Visit,
    told: anyhow::Result<(Vec<SettingDefinition>, ListSettingsResponse)>,
) -> Markup {
    let main = html! {
        @match told {
            Err(error) => (shell::refused(&error)),
            Ok((definitions, listed)) => {
                p {
                    "Det du sier her, gjelder hos registrene selv. Innsyn spør dem nå, og lagrer ikke hva du har sagt. "
                    span lang="en" {
                        "What you say here holds at the registers themselves. Innsyn asks them now, and keeps nothing of what you have said."
                    }
                }
                @for definition in &definitions {
                    (setting(world, visit, definition, standing(definition, &listed)))
                }
                (away(world, &listed))
            }
        }
    };
    shell::page(visit, Tab::Settings, SETTINGS_STYLE, &main)
}

fn standing<'a>(
    definition: &SettingDefinition,
    listed: &'a ListSettingsResponse,
) -> Option<&'a StandingSetting> {
    let mut settings = listed.settings.iter();
    settings.find(|setting| setting.definition_id == definition.id)
}

fn setting(
    world: &World,
    visit: &Visit,
    definition: &SettingDefinition,
    standing: Option<&StandingSetting>,
) -> Markup {
    let is_on = standing.is_some_and(|standing| standing.active);
    html! {
        section class="setting" {
            div class="what" {
                h2 id={ "name-" (definition.id) } {
                    (definition.name) " " span lang="en" { (definition.name_en) }
                }
                (means(world, definition))
            }
            (switch(visit, definition, is_on))
            div class="stands" { (stands(standing)) }
        }
    }
}

/// What follows when it is on, where, and why.
fn means(world: &World, definition: &SettingDefinition) -> Markup {
    let (where_to, where_to_english) = if definition.register_id.is_empty() {
        ("alle registre".to_owned(), "every register".to_owned())
    } else {
        let name = name_of(world, &definition.register_id);
        (name.clone(), name)
    };
    let (norwegian, english) = words_of::means(definition.kind());
    let (purposes, purposes_english) = words_of::purposes(definition.purposes());
    html! {
        p { (norwegian) " " (purposes) ". " span lang="en" { (english) " " (purposes_english) "." } }
        p class="hint" {
            (words_of::kind(definition.kind()).0) " ved " (where_to) ". Grunnlag: " (definition.legal_ground) ". "
            span lang="en" { (words_of::kind(definition.kind()).1) " at " (where_to_english) "." }
        }
    }
}

/// A switch that says the opposite of what stands.
fn switch(visit: &Visit, definition: &SettingDefinition, is_on: bool) -> Markup {
    html! {
        form class="switch" method="post" action="/demo/settings/change" {
            (hidden(&visit.chosen))
            input type="hidden" name="definition" value=(definition.id);
            input type="hidden" name="active" value=(!is_on);
            button role="switch" aria-checked=(is_on) aria-labelledby={ "name-" (definition.id) } {
                span class="track" aria-hidden="true" { span class="knob" {} }
                span class="state" {
                    @if is_on { "På " span lang="en" { "on" } } @else { "Av " span lang="en" { "off" } }
                }
            }
        }
    }
}

/// Where it is in effect, with a picture.
fn stands(standing: Option<&StandingSetting>) -> Markup {
    let Some(standing) = standing else {
        return html! {
            p class="hint" {
                "Du har ikke sagt noe om dette. Da gjelder det loven sier for hvert register. "
                span lang="en" { "You have said nothing about this: what the law says of each register holds." }
            }
        };
    };
    let (at, of) = (standing.effective_at, standing.registers);
    html! {
        p {
            @if standing.active { "Slått på " } @else { "Slått av " }
            (moment(Timestamp::from_seconds(standing.since)))
            ". " b { "Gjelder ved " (at) " av " (of) " registre. " }
            span lang="en" { "In effect at " (at) " of " (of) " registers." }
        }
        div class="cells" role="img" aria-label={ (at) " av " (of) " registre" } {
            @for cell in 0..of { i class=[(cell < at).then_some("has")] {} }
        }
    }
}

/// Registers that did not say, and those that refuse until they know.
fn away(world: &World, listed: &ListSettingsResponse) -> Markup {
    let silent = listed.registers.iter().filter(|at| {
        // Those that cannot be asked have nothing that settings are about.
        !at.answered && words::reason(at.reason()).is_some() && is_live(world, &at.register_id)
    });
    let silent: Vec<String> = silent.map(|at| name_of(world, &at.register_id)).collect();
    let answered = listed.registers.iter().filter(|at| at.answered);
    let behind = answered.filter(|at| !at.is_current).count();
    html! {
        @if !silent.is_empty() {
            p class="away" {
                b { (silent.join(", ")) } " er ikke der nå. Det du har sagt, venter forseglet, og ingen underveis kan lese det. "
                span lang="en" { "Not there now: what you have said waits, sealed, and nobody on the way can read it." }
            }
        }
        @if behind > 0 {
            p class="away" {
                (behind) " registre kan ikke vise at de har alle innstillinger, og avslår forskning til de kan. "
                span lang="en" { "registers cannot show that they have every setting, and refuse research until they can." }
            }
        }
    }
}

fn is_live(world: &World, register: &str) -> bool {
    world.live().any(|live| live.id().as_str() == register)
}

/// The page of a change that was not made.
pub(super) fn not_changed(visit: &Visit, error: &anyhow::Error) -> Markup {
    let main = html! { (shell::refused(error)) (to_settings(visit)) };
    shell::page(visit, Tab::Settings, SETTINGS_STYLE, &main)
}

/// The beginning of the page of a change, with an empty square for each register that it is for.
pub(super) fn changed(
    visit: &Visit,
    definition: &SettingDefinition,
    active: bool,
    changed: &ChangeSettingResponse,
) -> Markup {
    let at = Timestamp::from_micros(changed.sequence);
    html! {
        (shell::beginning(visit, Tab::Settings, SETTINGS_STYLE))
        h2 { (definition.name) " " span lang="en" { (definition.name_en) } }
        (PreEscaped("<div class=\"following\"><template shadowrootmode=\"open\">"))
        style { (PreEscaped(STYLE)) (PreEscaped(SETTINGS_STYLE)) }
        ol class="way" {
            li class="done" {
                b { @if active { "Slått på" } @else { "Slått av" } }
                " " (moment(at)) ". Beskjeden ligger trygt, og går forseglet til alle registre. "
                span lang="en" {
                    (if active { "Switched on." } else { "Switched off." }) " It is kept, and goes sealed to every register."
                }
            }
            li {
                b { "Gjelder ved " slot name="count" { "0" } " av " (changed.registers) " registre" }
                " " span lang="en" { "in effect at so many registers" }
                div class="cells" aria-hidden="true" {
                    @for cell in 0..changed.registers { slot name={ "cell-" (cell) } { i {} } }
                }
            }
        }
        div role="status" {
            slot name="outcome" { p class="hint" { "Registrene følger … " span lang="en" { "The registers follow …" } } }
        }
        (PreEscaped("</template>"))
    }
}

/// Fills the squares from `filled` to `now`, and says how many it is.
pub(super) fn further(filled: u32, now: u32) -> Markup {
    html! {
        @for cell in filled..now { i slot={ "cell-" (cell) } class="has" {} }
        b slot="count" { (now) }
    }
}

/// Where it is in effect at last, and the end of the page.
pub(super) fn followed(
    world: &World,
    visit: &Visit,
    followed: &Followed,
    took: Duration,
) -> Markup {
    let (at, of) = (followed.standing.effective_at, followed.standing.registers);
    html! {
        section slot="outcome" class="summary" {
            p class="complete" {
                "Gjelder ved " (at) " av " (of) " registre etter " (took.as_millis()) " ms. "
                span lang="en" { "In effect at " (at) " of " (of) " registers after " (took.as_millis()) " ms." }
            }
            (away(world, &followed.listed))
        }
        (ended(visit))
    }
}

/// What went wrong while registers followed, and the end of the page.
pub(super) fn lost(visit: &Visit, error: &anyhow::Error) -> Markup {
    html! {
        div slot="outcome" {
            p {
                "Endringen er tatt imot, men vi vet ikke hvor langt den er kommet. "
                span lang="en" { "The change is kept, but it is not known how far it has come." }
            }
            (shell::refused(error))
        }
        (ended(visit))
    }
}

fn ended(visit: &Visit) -> Markup {
    html! { (PreEscaped("</div>")) (to_settings(visit)) (shell::end()) }
}

fn to_settings(visit: &Visit) -> Markup {
    html! {
        form method="post" action="/demo/settings" {
            (hidden(&visit.chosen))
            button class="action" { "Til innstillingene " span lang="en" { "To the settings" } }
        }
    }
}

fn name_of(world: &World, register: &str) -> String {
    let known = world.country.registers.get(register);
    known.map_or_else(|| register.to_owned(), |register| register.name.clone())
}
