//! What is said of the gateway and of each register, and how anything is said.

use innsyn_proto::wire::types::v1 as types;
use innsyn_proto::wire::types::v1::LegalBasis;
use oxrdf::vocab::{rdf, xsd};
use oxrdf::{Graph, Literal, NamedNode, NamedNodeRef, TermRef, TripleRef};

use super::Publisher;
use super::vocabulary::{cv, dcat, dct, dpv, foaf, innsyn, other, value};
use crate::research::config::PublicCatalogueConfig;

/// The gateway's own parts of the graph.
const GATEWAY: &str = "gateway";
const SERVICE: &str = "query-service";

/// A graph that grows.
pub(super) struct Describing {
    pub(super) graph: Graph,
    /// The catalogue's own address; its parts are fragments of it.
    address: String,
    /// Where queries are asked.
    endpoint: String,
}

/// The name of a part, which was made of names that were checked.
pub(super) type Name = NamedNode;

impl Describing {
    pub(super) fn new(gateway: &PublicCatalogueConfig, path: &str) -> Self {
        Self {
            graph: Graph::new(),
            address: format!("{}{path}", gateway.address()),
            endpoint: gateway.address().to_owned(),
        }
    }

    pub(super) fn finish(self) -> Graph {
        self.graph
    }

    /// The part called `fragment`: of register ids, view and variable names, `.` and `-`.
    pub(super) fn part(&self, fragment: &str) -> Name {
        NamedNode::new_unchecked(format!("{}#{fragment}", self.address))
    }

    pub(super) fn say<'a>(
        &mut self,
        subject: &Name,
        predicate: NamedNodeRef<'_>,
        object: impl Into<TermRef<'a>>,
    ) {
        self.graph
            .insert(TripleRef::new(subject, predicate, object.into()));
    }

    pub(super) fn is_a(&mut self, subject: &Name, class: NamedNodeRef<'_>) {
        self.say(subject, rdf::TYPE, class);
    }

    /// Says a text in Norwegian (bokmål) and in English, where there is one.
    pub(super) fn tell(&mut self, subject: &Name, predicate: NamedNodeRef<'_>, nb: &str, en: &str) {
        for (text, language) in [(nb, "nb"), (en, "en")] {
            if !text.is_empty() {
                let text = Literal::new_language_tagged_literal_unchecked(text, language);
                self.say(subject, predicate, &text);
            }
        }
    }

    pub(super) fn flag(&mut self, subject: &Name, predicate: NamedNodeRef<'_>, flag: bool) {
        self.say(subject, predicate, &Literal::from(flag));
    }

    /// Says a number that is not negative.
    pub(super) fn number(&mut self, subject: &Name, predicate: NamedNodeRef<'_>, number: u64) {
        let number = Literal::new_typed_literal(number.to_string(), xsd::NON_NEGATIVE_INTEGER);
        self.say(subject, predicate, &number);
    }

    pub(super) fn word(&mut self, subject: &Name, predicate: NamedNodeRef<'_>, word: &str) {
        self.say(subject, predicate, &Literal::new_simple_literal(word));
    }

    pub(super) fn under_law(&mut self, subject: &Name) {
        for law in [value::EHDS, value::GDPR] {
            self.say(subject, other::APPLICABLE_LEGISLATION, law);
        }
    }

    /// The catalogue, who runs the gateway, and the service that takes queries.
    pub(super) fn catalogue(&mut self, gateway: &PublicCatalogueConfig) {
        for law in [value::EHDS, value::GDPR] {
            self.is_a(&law.into_owned(), other::LEGAL_RESOURCE);
        }
        for basis in [dpv::CONSENT, dpv::PUBLIC_INTEREST] {
            self.is_a(&basis.into_owned(), dpv::LEGAL_BASIS);
        }
        let catalogue = NamedNode::new_unchecked(self.address.clone());
        self.is_a(&catalogue, dcat::CATALOG);
        self.tell(
            &catalogue,
            dct::TITLE,
            "Helseregistre som kan spørres samlet",
            "Health registers that can be asked together",
        );
        self.tell(
            &catalogue,
            dct::DESCRIPTION,
            "Hva registrene har gjort tilgjengelig for spørringer under en datatillatelse. \
             Ingen rader forlater et register; bare tall over grupper gjør.",
            "What the registers make available to queries under a data permit. No row leaves a \
             register; only figures over groups do.",
        );
        self.under_law(&catalogue);
        for language in [value::LANGUAGE_BOKMAL, value::LANGUAGE_ENGLISH] {
            self.say(&catalogue, dct::LANGUAGE, language);
        }
        let publisher = self.part(GATEWAY);
        self.say(&catalogue, dct::PUBLISHER, &publisher);
        self.is_a(&publisher, foaf::AGENT);
        self.word(&publisher, foaf::NAME, gateway.publisher());
        let contact = self.part("gateway-contact");
        self.contact(&contact, gateway.publisher(), gateway.contact_email());
        self.say(&publisher, cv::CONTACT_POINT, &contact);

        let service = self.part(SERVICE);
        self.say(&catalogue, dcat::SERVICE, &service);
        self.is_a(&service, dcat::DATA_SERVICE);
        self.tell(
            &service,
            dct::TITLE,
            "Spørringer over Arrow Flight SQL og gRPC",
            "Queries over Arrow Flight SQL and gRPC",
        );
        let endpoint = NamedNode::new_unchecked(self.endpoint.clone());
        self.say(&service, dcat::ENDPOINT_URL, &endpoint);
        self.say(&service, dcat::ENDPOINT_DESCRIPTION, other::FLIGHT_SQL);
        self.say(&service, dct::CONFORMS_TO, other::FLIGHT_SQL);
        self.is_a(&other::FLIGHT_SQL.into_owned(), dct::STANDARD);
        self.say(&service, dct::PUBLISHER, &publisher);
        self.say(&service, dct::ACCESS_RIGHTS, value::NON_PUBLIC);
        self.under_law(&service);
    }

    /// Who runs the gateway, and so decides on access.
    pub(super) fn gateway(&self) -> Name {
        self.part(GATEWAY)
    }

    pub(super) fn service(&self) -> Name {
        self.part(SERVICE)
    }

    pub(super) fn catalogue_name(&self) -> Name {
        NamedNode::new_unchecked(self.address.clone())
    }

    pub(super) fn endpoint(&self) -> Name {
        NamedNode::new_unchecked(self.endpoint.clone())
    }

    /// A register, its controller and how they are reached.
    pub(super) fn publisher(&mut self, publisher: &Publisher, views_known: bool) {
        let Publisher { entry, is_live } = publisher;
        let register = self.register(entry);
        self.is_a(&register, foaf::AGENT);
        self.tell(&register, foaf::NAME, &entry.name, &entry.name_en);
        self.tell(&register, dct::DESCRIPTION, &entry.description, "");
        self.word(&register, dct::IDENTIFIER, &entry.id);
        let basis = entry.legal_basis().as_str_name();
        let basis = basis.trim_start_matches("LEGAL_BASIS_").to_lowercase();
        self.word(&register, innsyn::REGISTER_BASIS, &basis);
        self.flag(&register, innsyn::VIEWS_KNOWN, !is_live || views_known);
        let contact = self.register_contact(entry);
        self.contact(&contact, &entry.name, &entry.contact_email);
        self.say(&register, cv::CONTACT_POINT, &contact);
        let controller = self.controller(entry);
        self.is_a(&controller, foaf::AGENT);
        self.word(&controller, foaf::NAME, &entry.controller);
        self.say(&controller, cv::CONTACT_POINT, &contact);
    }

    pub(super) fn register(&self, entry: &types::Register) -> Name {
        self.part(&entry.id)
    }

    pub(super) fn register_contact(&self, entry: &types::Register) -> Name {
        self.part(&format!("{}.-contact", entry.id))
    }

    pub(super) fn controller(&self, entry: &types::Register) -> Name {
        self.part(&format!("{}.-controller", entry.id))
    }

    /// How somebody is reached, in the words of both profiles that are asked for.
    fn contact(&mut self, contact: &Name, name: &str, email: &str) {
        self.is_a(contact, cv::CONTACT_POINT_CLASS);
        self.is_a(contact, other::VCARD_KIND);
        self.word(contact, other::VCARD_FN, name);
        self.word(contact, cv::EMAIL, email);
        if let Ok(email) = NamedNode::new(format!("mailto:{email}")) {
            self.say(contact, other::VCARD_HAS_EMAIL, &email);
        }
    }
}

/// The ground on which a register may hold what it holds.
pub(super) const fn legal_basis(entry: LegalBasis) -> Option<NamedNodeRef<'static>> {
    match entry {
        LegalBasis::Unspecified => None,
        LegalBasis::Consent => Some(dpv::CONSENT),
        // By statute or regulation, in the public interest.
        LegalBasis::Mandatory
        | LegalBasis::MandatoryWithReservation
        | LegalBasis::Reservation
        | LegalBasis::Pseudonymous
        | LegalBasis::Deidentified => Some(dpv::PUBLIC_INTEREST),
    }
}
