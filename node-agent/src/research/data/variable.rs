//! `[[view.variable]]`: one variable of a published view.
//!
//! What may be written depends on its `type`; a `number` that has no `centre` has the middle of
//! its clip bounds.

use innsyn_proto::wire::research::v1 as wire;
use serde::Deserialize;
use wire::Variable;
use wire::variable::Type;

use super::error::ViewFault;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum RawVariable {
    Code {
        name: String,
        label_nb: String,
        label_en: String,
        #[serde(default)]
        of_person: bool,
        system: String,
        version: String,
        #[serde(default)]
        level_characters: Vec<u32>,
        #[serde(default)]
        is_dimension: bool,
    },
    Number {
        name: String,
        label_nb: String,
        label_en: String,
        #[serde(default)]
        of_person: bool,
        unit: String,
        #[serde(default)]
        is_integer: bool,
        clip_from: Option<f64>,
        clip_to: Option<f64>,
        centre: Option<f64>,
    },
    Date {
        name: String,
        label_nb: String,
        label_en: String,
        #[serde(default)]
        of_person: bool,
    },
}

/// The variable that `table` describes.
pub(super) fn read(table: toml::Value) -> Result<Variable, ViewFault> {
    let raw: RawVariable = table
        .try_into()
        .map_err(|error: toml::de::Error| ViewFault::Syntax(error.message().to_owned()))?;
    let (name, labels, of_person, of_type) = match raw {
        RawVariable::Code {
            name,
            label_nb,
            label_en,
            of_person,
            system,
            version,
            level_characters,
            is_dimension,
        } => {
            let rise = level_characters.is_sorted_by(|one, next| one < next);
            if !rise || level_characters.first() == Some(&0) {
                return Err(ViewFault::Levels);
            }
            let code = wire::Code {
                system,
                version,
                level_characters,
                is_dimension,
            };
            (name, (label_nb, label_en), of_person, Type::Code(code))
        }
        RawVariable::Number {
            name,
            label_nb,
            label_en,
            of_person,
            unit,
            is_integer,
            clip_from,
            clip_to,
            centre,
        } => {
            let centre = centre.unwrap_or_else(|| middle(clip_from, clip_to));
            check_range(clip_from, clip_to)?;
            if !centre.is_finite() {
                return Err(ViewFault::Centre);
            }
            let number = wire::Number {
                unit,
                is_integer,
                clip_from,
                clip_to,
                centre,
            };
            (name, (label_nb, label_en), of_person, Type::Number(number))
        }
        RawVariable::Date {
            name,
            label_nb,
            label_en,
            of_person,
        } => (
            name,
            (label_nb, label_en),
            of_person,
            Type::Date(wire::Date {}),
        ),
    };
    Ok(Variable {
        name,
        label_nb: labels.0,
        label_en: labels.1,
        r#type: Some(of_type),
        of_person,
    })
}

fn check_range(from: Option<f64>, to: Option<f64>) -> Result<(), ViewFault> {
    match (from, to) {
        (None, None) => Ok(()),
        (Some(from), Some(to)) if from.is_finite() && to.is_finite() && from <= to => Ok(()),
        _ => Err(ViewFault::Clip),
    }
}

fn middle(from: Option<f64>, to: Option<f64>) -> f64 {
    from.zip(to)
        .map_or(0.0, |(from, to)| f64::midpoint(from, to))
}
