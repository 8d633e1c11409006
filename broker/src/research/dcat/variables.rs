//! The variables of a view, as columns of a table in the words of CSV on the Web.

use innsyn_proto::wire::research::v1::variable::Type;
use innsyn_proto::wire::research::v1::{Code, Number, Variable, View};
use oxrdf::Literal;

use super::dataset::is_name;
use super::graph::{Describing, Name};
use super::vocabulary::{coding_system, csvw, dct, health, innsyn, other};

impl Describing {
    pub(super) fn variables(&mut self, dataset: &Name, name: &str, view: &View) {
        let [group, table, schema] =
            ["-variables", "-table", "-schema"].map(|part| self.part(&format!("{name}.{part}")));
        self.say(dataset, health::HAS_VARIABLES, &group);
        self.is_a(&group, csvw::TABLE_GROUP);
        self.is_a(&table, csvw::TABLE_CLASS);
        self.is_a(&schema, csvw::SCHEMA);
        for titled in [&group, &table] {
            self.tell(titled, dct::TITLE, &view.label_nb, &view.label_en);
        }
        self.say(&group, csvw::TABLE, &table);
        self.say(&table, csvw::TABLE_SCHEMA, &schema);
        for variable in &view.variables {
            if !is_name(&variable.name) {
                tracing::error!(
                    node.id = view.register_id,
                    view.name = view.name,
                    "a variable's name is none: not in the catalogue"
                );
                continue;
            }
            let column = self.part(&format!("{name}.{}", variable.name));
            // The profile has columns at the table, CSV on the Web at its schema.
            self.say(&table, csvw::COLUMN, &column);
            self.say(&schema, csvw::COLUMN, &column);
            self.column(&column, variable);
            if let Some(Type::Code(code)) = &variable.r#type {
                self.codes(dataset, &column, variable, code);
            }
        }
    }

    fn column(&mut self, column: &Name, variable: &Variable) {
        self.is_a(column, csvw::COLUMN_CLASS);
        self.word(column, csvw::NAME, &variable.name);
        self.tell(column, csvw::TITLE, &variable.label_nb, &variable.label_en);
        let (datatype, nb, en) = match &variable.r#type {
            Some(Type::Code(code)) => (
                "string",
                format!("en kode i {} {}", code.system, code.version),
                format!("a code of {} {}", code.system, code.version),
            ),
            Some(Type::Number(number)) => (
                if number.is_integer {
                    "integer"
                } else {
                    "double"
                },
                format!("et tall {}", in_unit("i", number)),
                format!("a number {}", in_unit("in", number)),
            ),
            Some(Type::Date(_)) => (
                "date",
                "en dato, brukt på måneden".to_owned(),
                "a date, used by the month".to_owned(),
            ),
            None => return,
        };
        self.word(column, csvw::DATATYPE, datatype);
        let of = |label: &str, what: &str| format!("{label}: {}", what.trim_end());
        self.tell(
            column,
            dct::DESCRIPTION,
            &of(&variable.label_nb, &nb),
            &of(&variable.label_en, &en),
        );
        self.flag(column, innsyn::OF_PERSON, variable.of_person);
        if let Some(Type::Number(number)) = &variable.r#type {
            if !number.unit.is_empty() {
                self.word(column, other::UNIT_MEASURE, &number.unit);
            }
            for (predicate, bound) in [
                (innsyn::CLIP_FROM, number.clip_from),
                (innsyn::CLIP_TO, number.clip_to),
            ] {
                if let Some(bound) = bound {
                    self.say(column, predicate, &Literal::from(bound));
                }
            }
        }
    }

    fn codes(&mut self, dataset: &Name, column: &Name, variable: &Variable, code: &Code) {
        self.word(column, innsyn::CODE_SYSTEM, &code.system);
        if !code.version.is_empty() {
            self.word(column, innsyn::CODE_SYSTEM_VERSION, &code.version);
        }
        let values = format!("{}: {} {}", variable.name, code.system, code.version);
        self.word(dataset, health::HAS_CODE_VALUES, values.trim_end());
        if let Some(system) = coding_system(&code.system) {
            self.say(dataset, health::HAS_CODING_SYSTEM, system);
            self.say(column, dct::CONFORMS_TO, system);
            self.is_a(&system.into_owned(), dct::STANDARD);
        }
    }
}

fn in_unit(word: &str, number: &Number) -> String {
    if number.unit.is_empty() {
        String::new()
    } else {
        format!("{word} {}", number.unit)
    }
}
