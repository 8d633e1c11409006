//! The SMS service.

use std::path::PathBuf;

use rustls_pki_types::ServerName;
use serde::Deserialize;
use tokio_rustls::TlsConnector;

use super::super::sms::{Login, LoginError, ParseSenderError, Sender, Sms, SmsService};
use super::trust::{self, TrustError};
use super::{NotificationConfigError, OpenTellerError, Security, check_security, password};

/// An SMS service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SmsSection {
    host: String,
    port: u16,
    security: Security,
    system_id: String,
    password_file: PathBuf,
    #[serde(default)]
    system_type: String,
    from: String,
    /// Who vouches for it, in the place of the machine's CAs.
    ca_file: Option<PathBuf>,
}

/// The same, and from whom messages are.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    sms: SmsSection,
    from: Sender,
}

/// Why an SMS service cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SmsConfigError {
    /// A kind of security that there is not.
    #[error("`sms.security` is `tls`, or `none` on loopback: SMPP has no `starttls`")]
    Starttls,
    /// Who messages are from.
    #[error("`sms.from`: {0}")]
    From(#[source] ParseSenderError),
    /// The login.
    #[error("`sms`: {0}")]
    Login(#[source] LoginError),
}

impl Checked {
    pub(super) fn new(sms: SmsSection) -> Result<Self, NotificationConfigError> {
        if sms.security == Security::Starttls {
            return Err(SmsConfigError::Starttls.into());
        }
        check_security("sms", &sms.host, sms.security, sms.ca_file.as_deref())?;
        // What does not need the password is known now.
        Login::new(&sms.system_id, "", &sms.system_type).map_err(SmsConfigError::Login)?;
        let from = sms.from.parse().map_err(SmsConfigError::From)?;
        Ok(Self { sms, from })
    }

    /// The files that it names.
    pub(super) fn files(&mut self) -> Vec<&mut PathBuf> {
        let password = std::iter::once(&mut self.sms.password_file);
        password.chain(self.sms.ca_file.as_mut()).collect()
    }

    /// What sends SMS. Reads files.
    pub(super) fn open(&self) -> Result<Sms, OpenTellerError> {
        let sms = &self.sms;
        let password = password(&sms.password_file)?;
        let login = Login::new(&sms.system_id, &password, &sms.system_type);
        let tls = if sms.security == Security::None {
            None
        } else {
            let name = ServerName::try_from(sms.host.clone())
                .map_err(|_| TrustError::Name(sms.host.clone()))?;
            let client = trust::client(sms.ca_file.as_deref())?;
            Some((TlsConnector::from(client), name))
        };
        let service = SmsService {
            host: sms.host.clone(),
            port: sms.port,
            tls,
        };
        let login = login.map_err(SmsConfigError::Login)?;
        Ok(Sms::new(service, login, self.from.clone()))
    }
}
