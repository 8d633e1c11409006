//! The file of what people can say yes or no to, the same at gateways and agents.
//!
//! ```toml
//! [[definition]]
//! id = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"     # definisjonGuid
//! part = "HDIR"                                   # partKode: who is responsible for it
//! register = "hunt"                               # without it: national, at every register
//! kind = "reservation"                            # or "consent" or "block"
//! purposes = ["research"]                         # what it covers
//! identifiability = ["aggregate"]                 # without it: however the data are used
//! variables = ["stays.diagnosis"]                 # without it: all
//! legal_ground = "Regulation (EU) 2025/327 art. 71"
//! text_version = 1
//! name = "Reservasjon mot sekundærbruk"
//! name_en = "Opt-out of secondary use"
//! may_end = false                                 # whether one may say until when
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use innsyn_policy::setting::definition::Scope;
use innsyn_policy::{
    Covers, DefinitionId, Identifiability, PartCode, Purpose, RegisterId, SettingDefinition,
    SettingKind, VariableName, Variables,
};
use serde::Deserialize;

/// Definitions of one file, bounded: a change is checked against each of them.
const DEFINITIONS_MAX: usize = 10_000;
/// The longest name or legal ground, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;

/// Everything that a setting can be about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingDefinitions(BTreeMap<DefinitionId, Arc<SettingDefinition>>);

/// Why a file of definitions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// It cannot be read.
    #[error("`{}`, with the definitions of settings, cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("the definitions of settings are not written as they should be")]
    Syntax(#[from] Box<toml::de::Error>),
    /// One makes no sense.
    #[error("definition `{id}`: {what}")]
    Definition {
        /// Which one, as it is written.
        id: String,
        /// What is wrong.
        what: String,
    },
    /// Two have one id.
    #[error("definition `{0}` is there twice")]
    Twice(DefinitionId),
    /// There are too many.
    #[error("there are more than {DEFINITIONS_MAX} definitions")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    definition: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    part: String,
    register: Option<String>,
    kind: Kind,
    purposes: Vec<String>,
    identifiability: Option<Vec<String>>,
    variables: Option<Vec<String>>,
    legal_ground: String,
    text_version: u32,
    name: String,
    name_en: String,
    #[serde(default)]
    may_end: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Consent,
    Reservation,
    Block,
}

impl SettingDefinitions {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Self, DefinitionsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| DefinitionsError::Unreadable(path.to_owned(), error))?;
        Self::parse(&text)
    }

    /// Reads definitions.
    pub fn parse(text: &str) -> Result<Self, DefinitionsError> {
        let file: File = toml::from_str(text).map_err(Box::new)?;
        if file.definition.len() > DEFINITIONS_MAX {
            return Err(DefinitionsError::TooMany);
        }
        let mut definitions = BTreeMap::new();
        for row in file.definition {
            let id = row.id.clone();
            let definition = row
                .read()
                .map_err(|what| DefinitionsError::Definition { id, what })?;
            let id = definition.id;
            if definitions.insert(id, Arc::new(definition)).is_some() {
                return Err(DefinitionsError::Twice(id));
            }
        }
        Ok(Self(definitions))
    }

    /// The definition called `id`.
    pub fn get(&self, id: &DefinitionId) -> Option<&Arc<SettingDefinition>> {
        self.0.get(id)
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<SettingDefinition>> {
        self.0.values()
    }
}

impl Row {
    fn read(self) -> Result<SettingDefinition, String> {
        let said = |error: &dyn std::error::Error| error.to_string();
        for (name, text) in [
            ("legal_ground", &self.legal_ground),
            ("name", &self.name),
            ("name_en", &self.name_en),
        ] {
            if text.trim().is_empty() || text.chars().count() > TEXT_CHARACTERS_MAX {
                return Err(format!("`{name}` is 1 to {TEXT_CHARACTERS_MAX} characters"));
            }
        }
        let purposes = all(&self.purposes, "purposes", |text| {
            let mut purposes = Purpose::ALL.into_iter();
            purposes.find(|it| it.name() == text)
        })?;
        let identifiability = match &self.identifiability {
            None => Identifiability::ALL.to_vec(),
            Some(names) => all(names, "identifiability", |text| {
                let mut all = Identifiability::ALL.into_iter();
                all.find(|it| it.name() == text)
            })?,
        };
        let variables = match &self.variables {
            None => Variables::All,
            Some(names) => {
                let names = all(names, "variables", |text| VariableName::parse(text).ok())?;
                Variables::Only(Arc::new(names.into_iter().collect()))
            }
        };
        let definition = SettingDefinition {
            id: DefinitionId::parse(&self.id).map_err(|error| said(&error))?,
            part: PartCode::parse(&self.part).map_err(|error| said(&error))?,
            scope: match &self.register {
                None => Scope::National,
                Some(id) => Scope::Register(RegisterId::parse(id).map_err(|error| said(&error))?),
            },
            kind: match self.kind {
                Kind::Consent => SettingKind::Consent,
                Kind::Reservation => SettingKind::Reservation,
                Kind::Block => SettingKind::Block,
            },
            covers: Covers::new(purposes, identifiability, variables),
            legal_ground: self.legal_ground,
            text_version: self.text_version,
            name_nb: self.name,
            name_en: self.name_en,
            may_end: self.may_end,
        };
        match definition.check() {
            Ok(()) => Ok(definition),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Each of `texts`, read; the first that cannot be is named.
fn all<T>(texts: &[String], key: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let read = |text: &String| read(text).ok_or_else(|| format!("`{key}` has no `{text}`"));
    texts.iter().map(read).collect()
}
