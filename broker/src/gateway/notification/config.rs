//! The `[notification]` section.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use innsyn_policy::NumberRules;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use serde::Deserialize;

use super::{AddressBookError, FileOfAddresses, Mail, Memory, Teller, resolve};

/// How long an e-mail server may take for one step.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// How citizens are told of new messages; checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Section")]
pub struct NotificationConfig {
    smtp: Smtp,
    from: Mailbox,
    address_book: PathBuf,
    memory: PathBuf,
}

/// An e-mail server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Smtp {
    host: String,
    port: u16,
    security: Security,
    username: Option<String>,
    password_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is said.
    Starttls,
    /// In clear; on loopback only.
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    smtp: Smtp,
    from: String,
    address_book: PathBuf,
    memory: PathBuf,
}

/// Why the section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotificationConfigError {
    /// Addresses in clear on a network.
    #[error("`smtp.security` is `none`, which is for an e-mail server on loopback; use `tls`")]
    Cleartext,
    /// One half of a login.
    #[error("`smtp.username` and `smtp.password_file` go together")]
    HalfALogin,
    /// Not an address.
    #[error("`from` is no e-mail address")]
    From,
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
    /// TLS cannot be set up for this server.
    #[error("the e-mail server's name cannot be used for TLS")]
    Tls(#[source] lettre::transport::smtp::Error),
}

impl TryFrom<Section> for NotificationConfig {
    type Error = NotificationConfigError;

    fn try_from(section: Section) -> Result<Self, Self::Error> {
        use NotificationConfigError as E;
        let smtp = section.smtp;
        let host = smtp.host.parse::<std::net::IpAddr>();
        let is_loopback = smtp.host == "localhost" || host.is_ok_and(|ip| ip.is_loopback());
        if smtp.security == Security::None && !is_loopback {
            return Err(E::Cleartext);
        }
        if smtp.username.is_some() != smtp.password_file.is_some() {
            return Err(E::HalfALogin);
        }
        Ok(Self {
            smtp,
            from: section.from.parse().map_err(|_| E::From)?,
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
        if let Some(password) = &mut self.smtp.password_file {
            resolve(password, folder);
        }
    }

    /// Who tells, by this configuration; national ids are read by `rules`. Reads files.
    pub fn open(&self, rules: NumberRules) -> Result<Arc<Teller>, OpenTellerError> {
        let smtp = &self.smtp;
        let mut builder = match smtp.security {
            Security::Tls => Transport::relay(&smtp.host).map_err(OpenTellerError::Tls)?,
            Security::Starttls => {
                Transport::starttls_relay(&smtp.host).map_err(OpenTellerError::Tls)?
            }
            Security::None => Transport::builder_dangerous(&smtp.host),
        }
        .port(smtp.port)
        .timeout(Some(SMTP_TIMEOUT));
        if let (Some(name), Some(file)) = (&smtp.username, &smtp.password_file) {
            let password = std::fs::read_to_string(file)
                .map_err(|error| OpenTellerError::File(file.clone(), error))?;
            builder = builder.credentials(Credentials::new(
                name.clone(),
                password.trim_end().to_owned(),
            ));
        }
        let memory = Memory::open(&self.memory)
            .map_err(|error| OpenTellerError::File(self.memory.clone(), error))?;
        let book = FileOfAddresses::load(&self.address_book, rules)?;
        let mail = Mail::new(builder.build(), self.from.clone());
        Ok(Teller::new(Box::new(book), mail, memory, rules))
    }
}
