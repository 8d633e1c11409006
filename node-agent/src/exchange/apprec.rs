//! Receipts of applications (*AppRec*), 1.0 and 1.1: read and written.

use std::io;

use innsyn_policy::Timestamp;

use super::headers::moment;
use super::xml::{Document, Element, TwiceError};
use super::{Fault, HerId, MessageId};

const NAMESPACE_1_0: &str = "http://www.kith.no/xmlstds/apprec/2004-11-21";
const NAMESPACE_1_1: &str = "http://www.kith.no/xmlstds/apprec/2012-02-15";
/// The code set of what is wrong.
const ERROR_CODES: &str = "2.16.578.1.12.4.1.1.8221";
/// The most errors of one receipt that are read.
const ERRORS_MAX: usize = 32;

/// Which edition of the receipt. They differ in the namespace alone, as far as we use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppRecVersion {
    /// Of 2004.
    V1_0,
    /// Of 2012.
    V1_1,
}

impl AppRecVersion {
    pub(super) const fn namespace(self) -> &'static str {
        match self {
            Self::V1_0 => NAMESPACE_1_0,
            Self::V1_1 => NAMESPACE_1_1,
        }
    }

    pub(super) fn of_namespace(namespace: &str) -> Option<Self> {
        [Self::V1_0, Self::V1_1]
            .into_iter()
            .find(|version| version.namespace() == namespace)
    }
}

/// What the receiver says of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppRecStatus {
    /// It was taken.
    Ok,
    /// It was taken, but something in it could not be used.
    OkWithErrors(Vec<AppRecError>),
    /// It was not taken.
    Rejected(Vec<AppRecError>),
}

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRecError {
    /// A code of set 8221.
    pub code: String,
    /// In words.
    pub text: String,
}

impl AppRecError {
    /// Something that has no code of its own.
    pub fn other(text: &str) -> Self {
        Self {
            code: "X99".to_owned(),
            text: text.to_owned(),
        }
    }
}

/// A receipt for one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRec {
    /// The edition.
    pub version: AppRecVersion,
    /// Its own id.
    pub id: MessageId,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who gives it.
    pub from: HerId,
    /// Who gets it.
    pub to: HerId,
    /// What it says.
    pub status: AppRecStatus,
    /// The type of the message that it is for.
    pub original_process: String,
    /// When that message was made.
    pub original_made_at: Option<Timestamp>,
    /// That message's id.
    pub original: MessageId,
}

impl AppRec {
    /// The receipt as XML.
    pub fn write(&self) -> io::Result<Vec<u8>> {
        Document::write("AppRec", self.version.namespace(), |document| {
            document.empty(
                "MsgType",
                &[("V", "APPREC"), ("DN", "Applikasjonskvittering")],
            )?;
            document.text("MIGversion", self.migration())?;
            document.text("GenDate", &written(self.made_at))?;
            document.text("Id", self.id.as_str())?;
            write_party(document, "Sender", self.from)?;
            write_party(document, "Receiver", self.to)?;
            let (code, name, errors): (_, _, &[AppRecError]) = match &self.status {
                AppRecStatus::Ok => ("1", "OK", &[]),
                AppRecStatus::Rejected(errors) => ("2", "Avvist", errors),
                AppRecStatus::OkWithErrors(errors) => ("3", "OK, feil i delmelding", errors),
            };
            document.empty("Status", &[("V", code), ("DN", name)])?;
            for error in errors {
                let error = [
                    ("V", error.code.as_str()),
                    ("S", ERROR_CODES),
                    ("DN", error.text.as_str()),
                ];
                document.empty("Error", &error)?;
            }
            document.within("OriginalMsgId", &[], |document| {
                let process = self.original_process.as_str();
                document.empty("MsgType", &[("V", process), ("DN", process)])?;
                let made_at = self.original_made_at.unwrap_or(self.made_at);
                document.text("IssueDate", &written(made_at))?;
                document.text("Id", self.original.as_str())
            })
        })
    }

    const fn migration(&self) -> &'static str {
        match self.version {
            AppRecVersion::V1_0 => "1.0 2004-11-21",
            AppRecVersion::V1_1 => "v1.1 2012-02-15",
        }
    }

    /// Reads a receipt whose root is `root`.
    pub(super) fn read(root: &Element, version: AppRecVersion) -> Result<Self, Fault> {
        let status = child(root, "Status")?;
        let errors: Vec<AppRecError> = root
            .all("Error")
            .take(ERRORS_MAX)
            .map(|error| AppRecError {
                code: cut(error.attribute("V").unwrap_or_default()),
                text: cut(error.attribute("DN").unwrap_or_default()),
            })
            .collect();
        let status = match status.attribute("V") {
            Some("1") => AppRecStatus::Ok,
            Some("2") => AppRecStatus::Rejected(errors),
            Some("3") => AppRecStatus::OkWithErrors(errors),
            _ => return Err(Fault::field("the receipt's status is none that is known")),
        };
        let original = child(root, "OriginalMsgId")?;
        let made_at = child(root, "GenDate")?.text();
        Ok(Self {
            version,
            id: id(child(root, "Id")?)?,
            made_at: moment(made_at).ok_or(Fault::field("the receipt's GenDate is no time"))?,
            from: party(child(root, "Sender")?)?,
            to: party(child(root, "Receiver")?)?,
            status,
            original_process: cut(child(original, "MsgType")?
                .attribute("V")
                .unwrap_or_default()),
            original_made_at: child(original, "IssueDate")
                .ok()
                .and_then(|date| moment(date.text())),
            original: id(child(original, "Id")?)?,
        })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(256).collect()
}

fn child<'a>(parent: &'a Element, name: &str) -> Result<&'a Element, Fault> {
    match parent.one(name) {
        Ok(Some(child)) => Ok(child),
        Ok(None) => Err(Fault::field("an element of the receipt is missing")),
        Err(TwiceError) => Err(Fault::field("an element of the receipt comes twice")),
    }
}

fn id(element: &Element) -> Result<MessageId, Fault> {
    MessageId::parse(element.text()).map_err(|_| Fault::field("an id in the receipt is no id"))
}

/// The most specific HER-id of a party: its department's, if it has one.
fn party(party: &Element) -> Result<HerId, Fault> {
    let institution = child(child(party, "HCP")?, "Inst")?;
    let department = institution.all("Dept").next();
    let persons = institution.all("HCPerson");
    let found = persons
        .chain(department)
        .chain([institution])
        .find_map(her_id);
    found.ok_or(Fault::field("a party of the receipt has no HER-id"))
}

fn her_id(element: &Element) -> Option<HerId> {
    let kind = element.one("TypeId").ok()??.attribute("V")?;
    let id = element.one("Id").ok()??;
    (kind == "HER").then(|| HerId::parse(id.text()).ok())?
}

fn write_party(document: &mut Document, name: &str, her: HerId) -> io::Result<()> {
    document.within(name, &[], |document| {
        document.within("HCP", &[], |document| {
            document.within("Inst", &[], |document| {
                let id = her.to_string();
                document.text("Name", &format!("HER-id {id}"))?;
                document.text("Id", &id)?;
                document.empty("TypeId", &[("V", "HER"), ("DN", "HER-id")])
            })
        })
    })
}

/// A time as it is written in messages: UTC, to the second.
pub(super) fn written(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_seconds())
        .unwrap_or_default()
        .to_string()
}
