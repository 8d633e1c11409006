//! One view of one register, as a dataset.

use innsyn_proto::wire::research::v1::{Grain, View};
use innsyn_proto::wire::types::v1 as types;
use innsyn_proto::wire::types::v1::RegisterKind;
use jiff::civil::Date;
use oxrdf::vocab::{rdfs, xsd};
use oxrdf::{Literal, NamedNodeRef};

use super::graph::{Describing, Name, legal_basis};
use super::vocabulary::{dcat, dct, dpv, health, innsyn, other, value};

/// The longest name of a view or a variable, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Whether `name` can be part of an address as it is.
pub(super) fn is_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_good)
}

impl Describing {
    /// Says what there is to say of `view`, one of the register `entry`.
    pub(super) fn dataset(&mut self, entry: &types::Register, view: &View) {
        if !is_name(&view.name) {
            tracing::error!(
                node.id = entry.id,
                "a view's name is none: not in the catalogue"
            );
            return;
        }
        let name = format!("{}.{}", entry.id, view.name);
        let dataset = self.part(&name);
        let catalogue = self.catalogue_name();
        self.say(&catalogue, dcat::DATASET, &dataset);
        self.is_a(&dataset, dcat::DATASET_CLASS);
        self.word(&dataset, dct::IDENTIFIER, dataset.clone().as_str());
        self.word(&dataset, innsyn::VIEW, &view.name);
        self.words(&dataset, entry, view);
        self.say(&dataset, dct::ACCESS_RIGHTS, value::NON_PUBLIC);
        self.say(&dataset, dct::TYPE, value::PERSONAL_DATA);
        self.say(&dataset, dcat::THEME, value::THEME_HEALTH);
        self.say(&dataset, dct::SPATIAL, value::COUNTRY_NORWAY);
        self.say(&dataset, dct::LANGUAGE, value::LANGUAGE_BOKMAL);
        self.under_law(&dataset);
        if let Some(category) = category(entry.kind()) {
            self.say(&dataset, health::HEALTH_CATEGORY, category);
        }
        if let Some(basis) = legal_basis(entry.legal_basis()) {
            self.say(&dataset, dpv::HAS_LEGAL_BASIS, basis);
        }
        let (register, contact) = (self.register(entry), self.register_contact(entry));
        self.say(&dataset, dct::PUBLISHER, &register);
        self.say(&dataset, dcat::CONTACT_POINT, &contact);
        let controller = self.controller(entry);
        self.say(&dataset, other::CUSTODIAN, &controller);
        let gateway = self.gateway();
        self.say(&dataset, health::HDAB, &gateway);
        self.period(&dataset, &name, view);
        self.size(&dataset, view);
        self.distribution(&dataset, &name);
        self.flag(&dataset, health::HAS_STRUCTURED_DATA, true);
        self.variables(&dataset, &name, view);
    }

    fn words(&mut self, dataset: &Name, entry: &types::Register, view: &View) {
        let title = |label: &str, register: &str| format!("{label} – {register}");
        self.tell(
            dataset,
            dct::TITLE,
            &title(&view.label_nb, &entry.name),
            &title(&view.label_en, &entry.name_en),
        );
        let (grain, nb, en) = match view.grain() {
            Grain::Person => (
                "person",
                "Én rad for hver person.",
                "One row for each person.",
            ),
            Grain::Event => (
                "event",
                "Én datert rad for hver hendelse.",
                "One dated row for each event.",
            ),
            Grain::Unspecified => ("", "", ""),
        };
        if !grain.is_empty() {
            self.word(dataset, innsyn::GRAIN, grain);
        }
        self.tell(
            dataset,
            dct::DESCRIPTION,
            &format!("{}: {} {nb}", view.label_nb, entry.description),
            &format!("{} of {}. {en}", view.label_en, entry.name_en),
        );
        self.tell(dataset, dcat::KEYWORD, &view.label_nb, &view.label_en);
        self.tell(dataset, dcat::KEYWORD, "helseregister", "health register");
        self.flag(dataset, innsyn::PERSONS_DISJOINT, view.persons_disjoint);
        let provenance = self.part(&format!("{}.{}.-provenance", entry.id, view.name));
        self.say(dataset, dct::PROVENANCE, &provenance);
        self.is_a(&provenance, dct::PROVENANCE_STATEMENT);
        self.tell(
            &provenance,
            rdfs::LABEL,
            &format!(
                "Fra {}, som {} er ansvarlig for.",
                entry.name, entry.controller
            ),
            &format!(
                "From {}, controlled by {}.",
                entry.name_en, entry.controller
            ),
        );
    }

    /// The months that the data cover.
    fn period(&mut self, dataset: &Name, name: &str, view: &View) {
        let from = first_day(view.from_month);
        let until = first_day(view.until_month).and_then(|day| day.yesterday().ok());
        let (Some(from), Some(until)) = (from, until) else {
            return;
        };
        if until < from {
            return;
        }
        let period = self.part(&format!("{name}.-period"));
        self.say(dataset, dct::TEMPORAL, &period);
        self.is_a(&period, dct::PERIOD_OF_TIME);
        for (predicate, day) in [(dcat::START_DATE, from), (dcat::END_DATE, until)] {
            let day = Literal::new_typed_literal(day.to_string(), xsd::DATE);
            self.say(&period, predicate, &day);
        }
    }

    /// As coarse as it is published.
    fn size(&mut self, dataset: &Name, view: &View) {
        if view.persons_about == 0 {
            return;
        }
        let persons = view.persons_about;
        self.number(dataset, health::NUMBER_OF_UNIQUE_INDIVIDUALS, persons);
        if view.grain() == Grain::Person {
            self.number(dataset, health::NUMBER_OF_RECORDS, persons);
        }
        self.tell(
            dataset,
            health::POPULATION_COVERAGE,
            &format!("Omtrent {persons} personer."),
            &format!("About {persons} persons."),
        );
    }

    /// The one way to it: a query, under a permit.
    fn distribution(&mut self, dataset: &Name, name: &str) {
        let distribution = self.part(&format!("{name}.-query"));
        self.say(dataset, dcat::DISTRIBUTION, &distribution);
        self.is_a(&distribution, dcat::DISTRIBUTION_CLASS);
        self.tell(
            &distribution,
            dct::TITLE,
            "Spørring under datatillatelse",
            "Query under a data permit",
        );
        let (endpoint, service) = (self.endpoint(), self.service());
        self.say(&distribution, dcat::ACCESS_URL, &endpoint);
        self.say(&distribution, dcat::ACCESS_SERVICE, &service);
        self.say(&service, dcat::SERVES_DATASET, dataset);
        self.under_law(&distribution);
    }
}

/// The category of Article 51 of the regulation on the European Health Data Space.
const fn category(kind: RegisterKind) -> Option<NamedNodeRef<'static>> {
    match kind {
        RegisterKind::Unspecified => None,
        RegisterKind::Central => Some(value::POPULATION_REGISTRIES),
        RegisterKind::Quality => Some(value::MEDICAL_REGISTRIES),
        RegisterKind::Survey => Some(value::SURVEYS),
        RegisterKind::Biobank => Some(value::BIOBANKS),
    }
}

/// The first day of a month that is counted from January 1970.
fn first_day(month: i32) -> Option<Date> {
    let year = i16::try_from(1970 + month.div_euclid(12)).ok()?;
    let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
    Date::new(year, month, 1).ok()
}
