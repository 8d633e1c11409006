//! Settings in words, in Norwegian and in English.

use innsyn_proto::wire::citizen::v1::SettingKind;
use innsyn_proto::wire::types::v1::Purpose;

/// What kind it is.
pub(in crate::demo) const fn kind(kind: SettingKind) -> (&'static str, &'static str) {
    match kind {
        SettingKind::Consent => ("Samtykke", "Consent"),
        SettingKind::Reservation => ("Reservasjon", "Reservation"),
        SettingKind::Block => ("Sperring", "Block"),
        SettingKind::Unspecified => ("Innstilling", "Setting"),
    }
}

/// What follows when it is on; the purposes come after it.
pub(in crate::demo) const fn means(kind: SettingKind) -> (&'static str, &'static str) {
    match kind {
        SettingKind::Consent => (
            "Når det er på, kan opplysningene dine brukes til",
            "When on, your data may be used for",
        ),
        SettingKind::Reservation | SettingKind::Block | SettingKind::Unspecified => (
            "Når den er på, brukes opplysningene dine ikke til",
            "When on, your data are not used for",
        ),
    }
}

/// Purposes as a list in a sentence.
pub(in crate::demo) fn purposes(purposes: impl Iterator<Item = Purpose>) -> (String, String) {
    let (norwegian, english): (Vec<_>, Vec<_>) = purposes.map(purpose).unzip();
    (listed(&norwegian, "eller"), listed(&english, "or"))
}

const fn purpose(purpose: Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::Unspecified => ("noe annet", "anything else"),
        Purpose::OwnInsight => ("ditt eget innsyn", "your own insight"),
        Purpose::Treatment => ("helsehjelp", "health care"),
        Purpose::QualityImprovement => ("kvalitetsforbedring", "improving quality"),
        Purpose::Research => ("forskning", "research"),
        Purpose::Administration => ("statistikk og styring", "statistics and administration"),
    }
}

fn listed(words: &[&str], or: &str) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [all @ .., last] => format!("{} {or} {last}", all.join(", ")),
    }
}
