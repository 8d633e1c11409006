//! What Personvernkomponenten and we say to each other, and what it means here.
//!
//! Written from the public description (helsenorge.atlassian.net, pages 2328952849, 2328854548 and
//! 1874198557) and from how other registers' clients use it; **not verified against the real one**.
//! ASSUMED are the answer of `SjekkInnbyggersPiStatus` beyond `aktiv`, the body of
//! `LagreInnbyggersPersonvernInnstilling`, and `gyldigTil` for an end that the person has chosen.
//! Fields that we do not know are passed over: the description adds some within a version.

use std::fmt;
use std::sync::Arc;

use innsyn_policy::{DefinitionId, NationalId, SettingDefinition, SettingKind, Timestamp};
use serde::{Deserialize, Serialize};

use crate::settings::KeptSettings;
use crate::sources::{Numbers, moment};

/// One setting of one person, as Personvernkomponenten has it.
#[derive(Clone, PartialEq, Eq)]
pub struct PvkSetting {
    /// Whose.
    pub person: NationalId,
    /// What it is a yes or no to.
    pub definition: DefinitionId,
    /// Whether the consent, reservation or block stands.
    pub active: bool,
    /// Counts the changes of this person's setting of this definition there, from 1.
    pub sequence: i64,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// Until when it stands (excluded), if that was said.
    pub until: Option<Timestamp>,
}

impl fmt::Debug for PvkSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PvkSetting(***)")
    }
}

/// Why something is no setting of this register's. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotASetting {
    /// No national id, or none that belongs in this environment.
    #[error("`innbyggerFnr` is not a national id that is taken here")]
    Person,
    /// Nothing that Personvernkomponenten writes here.
    #[error("`definisjonGuid` is not a definition that is taken here")]
    Definition,
    /// The definition is another party's.
    #[error("`partKode` is not the definition's own")]
    Part,
    /// The definition is of another kind.
    #[error("`typePi` is not the definition's own")]
    Kind,
    /// Nothing to order it by.
    #[error("`sekvensnummer` is missing or less than 1")]
    Sequence,
    /// No time.
    #[error("`tidspunkt` or `gyldigTil` is not a time")]
    Time,
}

impl NotASetting {
    /// Its stable name.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Person => "not_a_person",
            Self::Definition => "unknown_definition",
            Self::Part => "other_part",
            Self::Kind => "other_kind",
            Self::Sequence => "no_sequence",
            Self::Time => "not_a_time",
        }
    }
}

/// What is pushed to the register.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pushed {
    innbygger_fnr: String,
    definisjon_guid: String,
    part_kode: Option<String>,
    type_pi: Option<String>,
    aktiv: bool,
    #[serde(alias = "sequenceNumber")]
    sekvensnummer: Option<i64>,
    #[serde(alias = "sistEndretTidspunkt")]
    tidspunkt: Option<String>,
    gyldig_til: Option<String>,
}

/// What is asked of one person.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked<'a> {
    pub(super) innbygger_fnr: &'a str,
    pub(super) definisjon_guid: String,
    pub(super) definisjon_navn: &'a str,
    pub(super) part_kode: &'a str,
}

/// What is answered of one person.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    aktiv: bool,
    #[serde(alias = "sequenceNumber")]
    sekvensnummer: Option<i64>,
    #[serde(alias = "tidspunkt")]
    sist_endret_tidspunkt: Option<String>,
    gyldig_til: Option<String>,
}

/// One page of everybody whose setting stands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageAnswer {
    definisjon_guid: String,
    paging_reference: serde_json::Value,
    personvern_innstillinger: Vec<OnPage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnPage {
    innbygger_fnr: String,
    sekvensnummer: Option<i64>,
    sist_endret_tidspunkt: Option<String>,
    gyldig_til: Option<String>,
}

/// What is said of one person.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written<'a> {
    #[serde(flatten)]
    pub(super) of: Asked<'a>,
    pub(super) type_pi: &'static str,
    pub(super) aktiv: bool,
    pub(super) tidspunkt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gyldig_til: Option<String>,
}

/// What is answered to that.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenAnswer {
    pub(super) retur_kode: String,
}

/// A no. Its `message` may have a person in it and is not looked at.
#[derive(Deserialize)]
pub(super) struct ErrorAnswer {
    pub(super) code: String,
}

/// A page that was understood.
pub(super) struct Page {
    pub(super) settings: Vec<PvkSetting>,
    /// What asks for the next one.
    pub(super) next: Option<String>,
}

/// What Personvernkomponenten calls a kind.
pub(super) const fn kind_name(kind: SettingKind) -> &'static str {
    match kind {
        SettingKind::Consent => "samtykke",
        SettingKind::Reservation => "reservasjon",
        SettingKind::Block => "tilgangsbegrensning",
    }
}

/// A time as it is written there: ISO 8601, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros());
    at.map_or_else(|_| String::new(), |at| at.to_string())
}

/// Reads what is said, by what this register knows.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) kept: Arc<KeptSettings>,
    pub(super) numbers: Numbers,
}

impl Reader {
    /// The definition called `id`, if Personvernkomponenten writes it here.
    pub(super) fn definition(&self, id: &DefinitionId) -> Option<&Arc<SettingDefinition>> {
        let is_written = self.kept.elsewhere().writes(id);
        self.kept.definitions().get(id).filter(|_| is_written)
    }

    pub(super) fn pushed(&self, pushed: &Pushed) -> Result<PvkSetting, NotASetting> {
        let id = DefinitionId::parse(&pushed.definisjon_guid).ok();
        let definition = id.and_then(|id| self.definition(&id));
        let definition = definition.ok_or(NotASetting::Definition)?;
        if let Some(part) = &pushed.part_kode
            && !part.eq_ignore_ascii_case(definition.part.as_str())
        {
            return Err(NotASetting::Part);
        }
        if let Some(kind) = &pushed.type_pi
            && !kind.eq_ignore_ascii_case(kind_name(definition.kind))
        {
            return Err(NotASetting::Kind);
        }
        Ok(PvkSetting {
            person: self.person(&pushed.innbygger_fnr)?,
            definition: definition.id,
            active: pushed.aktiv,
            sequence: sequence(pushed.sekvensnummer)?,
            changed_at: needed(pushed.tidspunkt.as_deref())?,
            until: given(pushed.gyldig_til.as_deref())?,
        })
    }

    /// What `status` says of `person`; `None` if that has never said anything.
    #[expect(clippy::unused_self, reason = "it is one of the reader's three")]
    pub(super) fn status(
        &self,
        status: &Status,
        person: &NationalId,
        definition: &DefinitionId,
    ) -> Result<Option<PvkSetting>, NotASetting> {
        if !status.aktiv && status.sekvensnummer.unwrap_or(0) == 0 {
            return Ok(None);
        }
        Ok(Some(PvkSetting {
            person: *person,
            definition: *definition,
            active: status.aktiv,
            sequence: sequence(status.sekvensnummer)?,
            changed_at: needed(status.sist_endret_tidspunkt.as_deref())?,
            until: given(status.gyldig_til.as_deref())?,
        }))
    }

    pub(super) fn page(
        &self,
        answer: &PageAnswer,
        definition: &DefinitionId,
    ) -> Result<Page, NotASetting> {
        if DefinitionId::parse(&answer.definisjon_guid) != Ok(*definition) {
            return Err(NotASetting::Definition);
        }
        let settings = answer.personvern_innstillinger.iter().map(|on_page| {
            Ok(PvkSetting {
                person: self.person(&on_page.innbygger_fnr)?,
                definition: *definition,
                active: true,
                sequence: sequence(on_page.sekvensnummer)?,
                changed_at: needed(on_page.sist_endret_tidspunkt.as_deref())?,
                until: given(on_page.gyldig_til.as_deref())?,
            })
        });
        let settings: Result<Vec<_>, NotASetting> = settings.collect();
        // A number or a string of one, and 0 at the end.
        let next = match &answer.paging_reference {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Ok(Page {
            settings: settings?,
            next: (next != "0" && next != "null" && !next.is_empty()).then_some(next),
        })
    }

    fn person(&self, text: &str) -> Result<NationalId, NotASetting> {
        let person =
            NationalId::parse(text, self.numbers.rules).map_err(|_| NotASetting::Person)?;
        let admitted = self.numbers.environment.admit_citizen(&person);
        admitted.map_err(|_| NotASetting::Person)?;
        Ok(person)
    }
}

fn sequence(given: Option<i64>) -> Result<i64, NotASetting> {
    let given = given.filter(|number| *number >= 1);
    given.ok_or(NotASetting::Sequence)
}

fn needed(text: Option<&str>) -> Result<Timestamp, NotASetting> {
    given(text)?.ok_or(NotASetting::Time)
}

fn given(text: Option<&str>) -> Result<Option<Timestamp>, NotASetting> {
    text.map(|text| moment::instant(text).ok_or(NotASetting::Time))
        .transpose()
}
