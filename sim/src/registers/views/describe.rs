//! What is published of each view: its name, its variables, their types.

use serde::Serialize;

/// A view as every register that has it publishes it.
#[derive(Debug)]
pub struct View {
    /// Its name; also that of its file.
    pub name: &'static str,
    pub(super) label_nb: &'static str,
    pub(super) label_en: &'static str,
    /// The date of its events; none where each person has one row.
    pub event_date: Option<&'static str>,
    /// Its columns beside the id: its own, and then [`OF_PERSON`].
    pub(super) own: &'static [Variable],
}

/// A column.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    label_nb: &'static str,
    label_en: &'static str,
    #[serde(flatten)]
    pub(super) kind: Kind,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    of_person: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// A code.
    Code {
        /// Of what code system.
        system: &'static str,
        /// Which edition of it.
        version: &'static str,
        /// How many characters its levels have, beside the whole code.
        level_characters: &'static [u32],
        /// Whether tables may be made by it.
        is_dimension: bool,
    },
    /// A number.
    Number {
        /// Of what.
        unit: &'static str,
        /// Whether it is whole.
        is_integer: bool,
        /// Smaller values count as this.
        clip_from: f64,
        /// Greater values count as this.
        clip_to: f64,
        /// Near the middle, from which squares are counted.
        centre: f64,
    },
    /// A day.
    Date,
}

impl View {
    /// Its columns beside the id, in their order.
    pub fn variables(&self) -> impl Iterator<Item = &'static Variable> {
        self.own.iter().chain(&OF_PERSON)
    }
}

impl Variable {
    const fn of_person(self) -> Self {
        Self {
            of_person: true,
            ..self
        }
    }
}

const fn variable(
    name: &'static str,
    label_nb: &'static str,
    label_en: &'static str,
    kind: Kind,
) -> Variable {
    Variable {
        name,
        label_nb,
        label_en,
        kind,
        of_person: false,
    }
}

const fn code(system: &'static str, version: &'static str, levels: &'static [u32]) -> Kind {
    Kind::Code {
        system,
        version,
        level_characters: levels,
        is_dimension: true,
    }
}

const fn number(unit: &'static str, is_integer: bool, clip: (f64, f64), centre: f64) -> Kind {
    Kind::Number {
        unit,
        is_integer,
        clip_from: clip.0,
        clip_to: clip.1,
        centre,
    }
}

const ICD_10: Kind = code("ICD-10", "2024", &[1, 3]);

/// What every view says of the person.
pub(super) static OF_PERSON: [Variable; 3] = [
    variable(
        "sex",
        "Kjønn",
        "Sex",
        code("administrative-gender", "4.0.1", &[]),
    )
    .of_person(),
    variable(
        "born_year",
        "Fødselsår",
        "Year of birth",
        number("year", true, (1900.0, 2040.0), 1970.0),
    )
    .of_person(),
    variable(
        "municipality",
        "Kommune",
        "Municipality",
        code("invented municipalities", "2026", &[2]),
    )
    .of_person(),
];

pub(super) static PERSONS: View = View {
    name: "persons",
    label_nb: "Personer",
    label_en: "Persons",
    event_date: None,
    own: &[variable("registered", "Registrert", "Registered", Kind::Date).of_person()],
};

pub(super) static DIAGNOSES: View = View {
    name: "diagnoses",
    label_nb: "Diagnoser",
    label_en: "Diagnoses",
    event_date: Some("date"),
    own: &[
        variable("date", "Dato", "Date", Kind::Date),
        variable("code", "Hoveddiagnose", "Main diagnosis", ICD_10),
    ],
};

pub(super) static STAYS: View = View {
    name: "stays",
    label_nb: "Sykehusopphold",
    label_en: "Hospital stays",
    event_date: Some("admitted"),
    own: &[
        variable("admitted", "Innlagt", "Admitted", Kind::Date),
        variable("diagnosis", "Hoveddiagnose", "Main diagnosis", ICD_10),
        variable(
            "days",
            "Liggetid",
            "Length of stay",
            number("d", true, (0.0, 60.0), 4.0),
        ),
    ],
};

pub(super) static PRESCRIPTIONS: View = View {
    name: "prescriptions",
    label_nb: "Utleverte legemidler",
    label_en: "Dispensed prescriptions",
    event_date: Some("dispensed"),
    own: &[
        variable("dispensed", "Utlevert", "Dispensed", Kind::Date),
        variable(
            "drug",
            "Legemiddel",
            "Drug",
            code("ATC", "2025", &[1, 3, 4, 5]),
        ),
        variable(
            "doses",
            "Definerte døgndoser",
            "Defined daily doses",
            number("DDD", true, (0.0, 400.0), 60.0),
        ),
    ],
};

pub(super) static BIRTHS: View = View {
    name: "births",
    label_nb: "Fødsler",
    label_en: "Births",
    event_date: Some("born"),
    own: &[
        variable("born", "Født", "Born", Kind::Date),
        variable(
            "weight",
            "Fødselsvekt",
            "Birth weight",
            number("g", true, (300.0, 6000.0), 3500.0),
        ),
        variable(
            "weeks",
            "Svangerskapslengde",
            "Length of pregnancy",
            number("wk", true, (22.0, 45.0), 39.0),
        ),
        variable(
            "delivery",
            "Forløsning",
            "Delivery",
            code("invented deliveries", "1", &[]),
        ),
    ],
};

pub(super) static DEATHS: View = View {
    name: "deaths",
    label_nb: "Dødsfall",
    label_en: "Deaths",
    event_date: Some("died"),
    own: &[
        variable("died", "Død", "Died", Kind::Date),
        variable("cause", "Underliggende årsak", "Underlying cause", ICD_10),
        variable("age", "Alder", "Age", number("a", true, (0.0, 110.0), 75.0)),
    ],
};

pub(super) static CANCERS: View = View {
    name: "cancers",
    label_nb: "Krefttilfeller",
    label_en: "Cancers",
    event_date: Some("diagnosed"),
    own: &[
        variable("diagnosed", "Diagnosedato", "Diagnosed", Kind::Date),
        variable("site", "Lokalisasjon", "Site", ICD_10),
        variable(
            "stage",
            "Stadium",
            "Stage",
            code("invented stages", "1", &[]),
        ),
        variable("died", "Død", "Died", Kind::Date).of_person(),
        variable("emigrated", "Utvandret", "Emigrated", Kind::Date).of_person(),
    ],
};

pub(super) static TREATMENTS: View = View {
    name: "treatments",
    label_nb: "Behandlinger",
    label_en: "Treatments",
    event_date: Some("treated"),
    own: &[
        variable("treated", "Behandlet", "Treated", Kind::Date),
        variable(
            "procedure",
            "Prosedyre",
            "Procedure",
            code("Prosedyrekodeverket", "2024", &[1, 2, 3]),
        ),
        variable(
            "unit",
            "Behandlingssted",
            "Treating unit",
            code("invented units", "1", &[]),
        ),
        variable(
            "score",
            "Resultat etter pasientens vurdering",
            "Patient-reported outcome",
            number("1", true, (0.0, 100.0), 50.0),
        ),
    ],
};

pub(super) static EXAMINATIONS: View = View {
    name: "examinations",
    label_nb: "Undersøkelser",
    label_en: "Examinations",
    event_date: Some("examined"),
    own: &[
        variable("examined", "Undersøkt", "Examined", Kind::Date),
        variable(
            "smoking",
            "Røyking",
            "Smoking",
            code("invented smoking", "1", &[]),
        ),
        variable(
            "bmi",
            "Kroppsmasseindeks",
            "Body mass index",
            number("kg/m2", false, (14.0, 60.0), 26.0),
        ),
        variable(
            "systolic",
            "Systolisk blodtrykk",
            "Systolic blood pressure",
            number("mm[Hg]", true, (70.0, 240.0), 130.0),
        ),
    ],
};

/// A view in a manifest.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    name: &'a str,
    label_nb: &'a str,
    label_en: &'a str,
    grain: &'static str,
    files: String,
    id_column: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_date: Option<&'a str>,
    from: String,
    until: String,
    persons_disjoint: bool,
    variable: Vec<&'static Variable>,
}

/// The column of ids.
pub(super) const ID_COLUMN: &str = "fnr";

impl Entry<'static> {
    /// `view`, with data of the months from `from` until `until`, which is excluded.
    pub(super) fn new(view: &'static View, from: String, until: String) -> Self {
        Self {
            name: view.name,
            label_nb: view.label_nb,
            label_en: view.label_en,
            grain: if view.event_date.is_some() {
                "event"
            } else {
                "person"
            },
            files: super::file_name(view),
            id_column: ID_COLUMN,
            event_date: view.event_date,
            from,
            until,
            // A person is in many registers.
            persons_disjoint: false,
            variable: view.variables().collect(),
        }
    }
}

/// The `[[view]]` tables of a manifest.
pub(super) fn toml(views: &[Entry<'_>]) -> Result<String, toml::ser::Error> {
    #[derive(Serialize)]
    struct Views<'a> {
        view: &'a [Entry<'a>],
    }
    toml::to_string(&Views { view: views })
}
