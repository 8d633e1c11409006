//! The words of the graph, each from where it is defined.
//!
//! HealthDCAT-AP is the one of healthdataportal.eu, release 8, over DCAT-AP 3.0.1. Values of the
//! health categories are from its authority's list; coding systems are named by Wikidata, as the
//! profile's own examples did, since that authority's list of them is not settled.

use oxrdf::NamedNodeRef;

/// Prefixes of what is written.
pub(super) const PREFIXES: [(&str, &str); 17] = [
    ("csvw", "http://www.w3.org/ns/csvw#"),
    ("cv", "http://data.europa.eu/m8g/"),
    ("dcat", "http://www.w3.org/ns/dcat#"),
    ("dcatap", "http://data.europa.eu/r5r/"),
    ("dct", "http://purl.org/dc/terms/"),
    ("dpv", "https://w3id.org/dpv#"),
    ("eli", "http://data.europa.eu/eli/ontology#"),
    ("foaf", "http://xmlns.com/foaf/0.1/"),
    ("geodcatap", "http://data.europa.eu/930/"),
    ("healthdcatap", "http://healthdataportal.eu/ns/health#"),
    ("innsyn", "urn:innsyn:ns:"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    (
        "sdmx-attribute",
        "http://purl.org/linked-data/sdmx/2009/attribute#",
    ),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("vcard", "http://www.w3.org/2006/vcard/ns#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

macro_rules! words {
    ($base:literal: $($name:ident = $word:literal),+ $(,)?) => {
        $(
            pub(in crate::research::dcat) const $name: oxrdf::NamedNodeRef<'static> =
                oxrdf::NamedNodeRef::new_unchecked(concat!($base, $word));
        )+
    };
}

pub(super) mod csvw {
    words!("http://www.w3.org/ns/csvw#":
        COLUMN_CLASS = "Column", SCHEMA = "Schema", TABLE_CLASS = "Table",
        TABLE_GROUP = "TableGroup", COLUMN = "column", DATATYPE = "datatype", NAME = "name",
        TABLE = "table", TABLE_SCHEMA = "tableSchema", TITLE = "title",
    );
}

pub(super) mod cv {
    words!("http://data.europa.eu/m8g/":
        CONTACT_POINT_CLASS = "ContactPoint", CONTACT_POINT = "contactPoint", EMAIL = "email",
    );
}

pub(super) mod dcat {
    words!("http://www.w3.org/ns/dcat#":
        CATALOG = "Catalog", DATA_SERVICE = "DataService", DATASET_CLASS = "Dataset",
        DISTRIBUTION_CLASS = "Distribution", ACCESS_SERVICE = "accessService",
        ACCESS_URL = "accessURL", CONTACT_POINT = "contactPoint", DATASET = "dataset",
        DISTRIBUTION = "distribution", END_DATE = "endDate",
        ENDPOINT_DESCRIPTION = "endpointDescription", ENDPOINT_URL = "endpointURL",
        KEYWORD = "keyword", SERVES_DATASET = "servesDataset", SERVICE = "service",
        START_DATE = "startDate", THEME = "theme",
    );
}

pub(super) mod dct {
    words!("http://purl.org/dc/terms/":
        PERIOD_OF_TIME = "PeriodOfTime", PROVENANCE_STATEMENT = "ProvenanceStatement",
        STANDARD = "Standard", ACCESS_RIGHTS = "accessRights", CONFORMS_TO = "conformsTo",
        DESCRIPTION = "description", IDENTIFIER = "identifier", LANGUAGE = "language",
        PROVENANCE = "provenance", PUBLISHER = "publisher", SPATIAL = "spatial",
        TEMPORAL = "temporal", TITLE = "title", TYPE = "type",
    );
}

pub(super) mod dpv {
    words!("https://w3id.org/dpv#":
        LEGAL_BASIS = "LegalBasis", CONSENT = "Consent", PUBLIC_INTEREST = "PublicInterest",
        HAS_LEGAL_BASIS = "hasLegalBasis",
    );
}

pub(super) mod foaf {
    words!("http://xmlns.com/foaf/0.1/": AGENT = "Agent", NAME = "name");
}

pub(super) mod health {
    words!("http://healthdataportal.eu/ns/health#":
        HAS_CODE_VALUES = "hasCodeValues", HAS_CODING_SYSTEM = "hasCodingSystem",
        HAS_STRUCTURED_DATA = "hasStructuredData", HAS_VARIABLES = "hasVariables", HDAB = "hdab",
        HEALTH_CATEGORY = "healthCategory", NUMBER_OF_RECORDS = "numberOfRecords",
        NUMBER_OF_UNIQUE_INDIVIDUALS = "numberOfUniqueIndividuals",
        POPULATION_COVERAGE = "populationCoverage",
    );
}

/// What no profile has a word for.
pub(super) mod innsyn {
    words!("urn:innsyn:ns:":
        // What puts persons into the register: a word of `innsyn.types.v1.LegalBasis`.
        REGISTER_BASIS = "registerBasis",
        // Whether the gateway knows now what the register publishes.
        VIEWS_KNOWN = "viewsKnown",
        // The name of a view in a query.
        VIEW = "view",
        // "person" for one row for each person, "event" for any number of dated rows.
        GRAIN = "grain",
        // Whether no person in it is in another register that publishes the same view.
        PERSONS_DISJOINT = "personsDisjoint",
        // A column's code system as its register calls it, and the system's version.
        CODE_SYSTEM = "codeSystem", CODE_SYSTEM_VERSION = "codeSystemVersion",
        // Whether a column is the same in each of a person's rows.
        OF_PERSON = "ofPerson",
        // What numbers are clipped to before they are summed.
        CLIP_FROM = "clipFrom", CLIP_TO = "clipTo",
    );
}

pub(super) mod other {
    words!("":
        APPLICABLE_LEGISLATION = "http://data.europa.eu/r5r/applicableLegislation",
        CUSTODIAN = "http://data.europa.eu/930/custodian",
        FLIGHT_SQL = "https://arrow.apache.org/docs/format/FlightSql.html",
        LEGAL_RESOURCE = "http://data.europa.eu/eli/ontology#LegalResource",
        UNIT_MEASURE = "http://purl.org/linked-data/sdmx/2009/attribute#unitMeasure",
        VCARD_FN = "http://www.w3.org/2006/vcard/ns#fn",
        VCARD_HAS_EMAIL = "http://www.w3.org/2006/vcard/ns#hasEmail",
        VCARD_KIND = "http://www.w3.org/2006/vcard/ns#Kind",
    );
}

/// Values from lists that others keep.
pub(super) mod value {
    words!("http://publications.europa.eu/resource/authority/":
        COUNTRY_NORWAY = "country/NOR", LANGUAGE_BOKMAL = "language/NOB",
        LANGUAGE_ENGLISH = "language/ENG", NON_PUBLIC = "access-right/NON_PUBLIC",
        PERSONAL_DATA = "dataset-type/PERSONAL_DATA", THEME_HEALTH = "data-theme/HEAL",
    );
    words!("http://data.europa.eu/eli/reg/":
        // The European Health Data Space, which the profile asks to be named.
        EHDS = "2025/327/oj",
        GDPR = "2016/679/oj",
    );
    words!("https://hdeu-dcat.data.health.europa.eu/resource/authority/healthcategories/":
        // Biobanks and associated databases.
        BIOBANKS = "EINS",
        // Medical registries and mortality registries.
        MEDICAL_REGISTRIES = "MRMR",
        // Population-based health data registries.
        POPULATION_REGISTRIES = "PHDR",
        // Research cohorts, questionnaires and surveys.
        SURVEYS = "RQSH",
    );
    words!("https://www.wikidata.org/entity/": ATC = "P267", ICD_10 = "P494");
}

/// The code system that registers call `system`, where it has a name that others know.
pub(super) fn coding_system(system: &str) -> Option<NamedNodeRef<'static>> {
    match system {
        "ATC" => Some(value::ATC),
        "ICD-10" => Some(value::ICD_10),
        _ => None,
    }
}
