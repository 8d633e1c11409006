//! The `[notification]` section.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use innsyn_policy::NumberRules;
use serde::Deserialize;

use super::{AddressBookError, FileOfAddresses, Memory, Services, Teller, resolve};
use sms::SmsSection;
use smtp::SmtpSection;

mod sms;
mod smtp;
mod trust;

pub use sms::SmsConfigError;
pub use trust::TrustError;

/// How citizens are told of new messages; checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Section")]
pub struct NotificationConfig {
    mail: Option<smtp::Checked>,
    sms: Option<sms::Checked>,
    address_book: PathBuf,
    memory: PathBuf,
}

/// Whether what is said on the way is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is said; of e-mail alone.
    Starttls,
    /// In clear; on loopback only.
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    smtp: Option<SmtpSection>,
    from: Option<String>,
    sms: Option<SmsSection>,
    address_book: PathBuf,
    memory: PathBuf,
}

/// Why the section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotificationConfigError {
    /// Nothing to tell by.
    #[error("people are told by e-mail or SMS; name `smtp` with `from`, or `sms`, or both")]
    NoService,
    /// Addresses in clear on a network.
    #[error("`{0}.security` is `none`, which is for a server on loopback; use `tls`")]
    Cleartext(&'static str),
    /// A CA for a server without a certificate.
    #[error("`{0}.ca_file` is for a server that is spoken to over TLS")]
    CaInClear(&'static str),
    /// One half of a login.
    #[error("`smtp.username` and `smtp.password_file` go together")]
    HalfALogin,
    /// One half of what e-mail needs.
    #[error("`smtp` and `from` go together")]
    HalfOfMail,
    /// Not an address.
    #[error("`from` is no e-mail address")]
    From,
    /// The section about SMS.
    #[error(transparent)]
    Sms(#[from] SmsConfigError),
}

/// Why nobody can be told.
#[derive(Debug, thiserror::Error)]
pub enum OpenTellerError {
    /// The addresses cannot be used.
    #[error(transparent)]
    AddressBook(#[from] AddressBookError),
    /// A file cannot be read or written.
    #[error("`{}` cannot be used", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// TLS cannot be set up for the e-mail server.
    #[error("the e-mail server's name cannot be used for TLS")]
    Tls(#[source] lettre::transport::smtp::Error),
    /// A server's certificate could not be checked.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// What the SMS service is told cannot be used.
    #[error(transparent)]
    Sms(#[from] SmsConfigError),
}

impl TryFrom<Section> for NotificationConfig {
    type Error = NotificationConfigError;

    fn try_from(section: Section) -> Result<Self, Self::Error> {
        use NotificationConfigError as E;
        let mail = match (section.smtp, section.from) {
            (Some(smtp), Some(from)) => Some(smtp::Checked::new(smtp, &from)?),
            (None, None) => None,
            _ => return Err(E::HalfOfMail),
        };
        let sms = section.sms.map(sms::Checked::new).transpose()?;
        if mail.is_none() && sms.is_none() {
            return Err(E::NoService);
        }
        Ok(Self {
            mail,
            sms,
            address_book: section.address_book,
            memory: section.memory,
        })
    }
}

impl NotificationConfig {
    /// Makes every path relative to `folder`.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        resolve(&mut self.address_book, folder);
        resolve(&mut self.memory, folder);
        let of_mail = self.mail.as_mut().map(smtp::Checked::files);
        let of_sms = self.sms.as_mut().map(sms::Checked::files);
        for file in of_mail.into_iter().chain(of_sms).flatten() {
            resolve(file, folder);
        }
    }

    /// Who tells, by this configuration; national ids are read by `rules`. Reads files.
    pub fn open(&self, rules: NumberRules) -> Result<Arc<Teller>, OpenTellerError> {
        let services = Services {
            mail: self.mail.as_ref().map(smtp::Checked::open).transpose()?,
            sms: self.sms.as_ref().map(sms::Checked::open).transpose()?,
        };
        let memory = Memory::open(&self.memory)
            .map_err(|error| OpenTellerError::File(self.memory.clone(), error))?;
        let book = FileOfAddresses::load(&self.address_book, rules)?;
        Ok(Teller::new(Box::new(book), services, memory, rules))
    }
}

/// Refuses what would be said in clear on a network to the server that `section` names, and a CA
/// for one that has no certificate.
fn check_security(
    section: &'static str,
    host: &str,
    security: Security,
    ca: Option<&Path>,
) -> Result<(), NotificationConfigError> {
    let ip = host.parse::<std::net::IpAddr>();
    let is_loopback = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
    match security {
        Security::None if !is_loopback => Err(NotificationConfigError::Cleartext(section)),
        Security::None if ca.is_some() => Err(NotificationConfigError::CaInClear(section)),
        _ => Ok(()),
    }
}

/// What stands in a file of a password.
fn password(file: &Path) -> Result<String, OpenTellerError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| OpenTellerError::File(file.to_owned(), error))?;
    Ok(text.trim_end().to_owned())
}
