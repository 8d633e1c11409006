//! The e-mail server.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use serde::Deserialize;

use super::super::Mail;
use super::{NotificationConfigError, OpenTellerError, Security, check_security, password, trust};

/// How long an e-mail server may take for one step.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// An e-mail server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SmtpSection {
    host: String,
    port: u16,
    security: Security,
    username: Option<String>,
    password_file: Option<PathBuf>,
    /// Who vouches for it, in the place of the machine's CAs.
    ca_file: Option<PathBuf>,
}

/// The same, and from whom e-mail is.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    smtp: SmtpSection,
    from: Mailbox,
}

impl Checked {
    pub(super) fn new(smtp: SmtpSection, from: &str) -> Result<Self, NotificationConfigError> {
        check_security("smtp", &smtp.host, smtp.security, smtp.ca_file.as_deref())?;
        if smtp.username.is_some() != smtp.password_file.is_some() {
            return Err(NotificationConfigError::HalfALogin);
        }
        let from = from.parse().map_err(|_| NotificationConfigError::From)?;
        Ok(Self { smtp, from })
    }

    /// The files that it names.
    pub(super) fn files(&mut self) -> Vec<&mut PathBuf> {
        let files = [&mut self.smtp.password_file, &mut self.smtp.ca_file];
        files.into_iter().flatten().collect()
    }

    /// What sends e-mail. Reads files.
    pub(super) fn open(&self) -> Result<Mail, OpenTellerError> {
        let smtp = &self.smtp;
        let tls = match smtp.security {
            Security::None => Tls::None,
            Security::Tls => Tls::Wrapper(self.tls()?),
            Security::Starttls => Tls::Required(self.tls()?),
        };
        let mut builder = Transport::builder_dangerous(&smtp.host)
            .tls(tls)
            .port(smtp.port)
            .timeout(Some(SMTP_TIMEOUT));
        if let (Some(name), Some(file)) = (&smtp.username, &smtp.password_file) {
            builder = builder.credentials(Credentials::new(name.clone(), password(file)?));
        }
        Ok(Mail::new(builder.build(), self.from.clone()))
    }

    fn tls(&self) -> Result<TlsParameters, OpenTellerError> {
        let mut tls = TlsParameters::builder(self.smtp.host.clone());
        if let Some(ca) = &self.smtp.ca_file {
            tls = tls.certificate_store(CertificateStore::None);
            for certificate in trust::certificates(ca)? {
                let certificate = Certificate::from_der(certificate.to_vec());
                tls = tls.add_root_certificate(certificate.map_err(OpenTellerError::Tls)?);
            }
        }
        tls.build_rustls().map_err(OpenTellerError::Tls)
    }
}
