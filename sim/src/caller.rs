//! A caller of the citizen API, as helsenorge is one: gRPC over one kept connection.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use innsyn_proto::wire::citizen::v1::citizen_service_client::CitizenServiceClient;
use innsyn_proto::wire::citizen::v1::insight_service_client::InsightServiceClient;
use innsyn_proto::wire::citizen::v1::list_registrations_response::Update;
use innsyn_proto::wire::citizen::v1::setting_service_client::SettingServiceClient;
use innsyn_proto::wire::citizen::v1::use_log_service_client::UseLogServiceClient;
use innsyn_proto::wire::citizen::v1::{
    ChangeSettingRequest, ChangeSettingResponse, GetInsightRequest, GetInsightResponse,
    ListRegistrationsRequest, ListSettingDefinitionsRequest, ListSettingsRequest,
    ListSettingsResponse, ListUsesRequest, ListUsesResponse, Registration, SettingDefinition,
    Summary,
};
use innsyn_proto::wire::types::v1::Outcome;
use rustls_pki_types::ServerName;
use rustls_pki_types::pem::PemObject as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;
use tower::service_fn;

pub use dialogs::{Delivered, Letter};

mod dialogs;

/// A connection to a citizen gateway.
#[derive(Debug, Clone)]
pub struct Caller {
    channel: Channel,
}

/// What a caller reads who only counts: the rest of an update is skipped, so that the load takes
/// as little as it can of the machine that it measures.
#[derive(Clone, PartialEq, prost::Message)]
struct Counted {
    #[prost(message, optional, tag = "1")]
    registration: Option<CountedRegistration>,
    #[prost(message, optional, tag = "2")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CountedRegistration {
    #[prost(enumeration = "Outcome", tag = "2")]
    outcome: i32,
}

/// The largest answer about uses that is read, in bytes.
const USES_BYTES_MAX: usize = 256 << 20;
const LIST_REGISTRATIONS: &str = "/innsyn.citizen.v1.CitizenService/ListRegistrations";

/// Who is asked about, and the token to ask with.
#[derive(Clone)]
pub struct Question {
    /// The national id, eleven digits.
    pub national_id: String,
    /// The whole `authorization` header.
    pub authorization: MetadataValue<Ascii>,
    /// How long to wait for registers; the gateway's default if absent.
    pub deadline_ms: Option<u32>,
    /// Leave the catalogue's texts out of the answer.
    pub omit_catalogue: bool,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Question(***)")
    }
}

impl Question {
    fn request(&self) -> tonic::Request<ListRegistrationsRequest> {
        let mut request = tonic::Request::new(ListRegistrationsRequest {
            national_id: self.national_id.clone(),
            deadline_ms: self.deadline_ms,
            omit_catalogue: self.omit_catalogue,
        });
        request
            .metadata_mut()
            .insert("authorization", self.authorization.clone());
        request
    }
}

impl Caller {
    /// Connects to `gateway`; over TLS if `ca` is given, the file with the CA's certificate.
    pub async fn connect(gateway: SocketAddr, ca: Option<&Path>) -> anyhow::Result<Self> {
        let tls = ca.map(client_tls).transpose()?.map(TlsConnector::from);
        let channel = Endpoint::from_static("http://localhost")
            .connect_with_connector(service_fn(move |_| {
                let tls = tls.clone();
                async move {
                    let tcp = TcpStream::connect(gateway).await?;
                    tcp.set_nodelay(true)?;
                    let io: innsyn_proto::tunnel::BoxedIo = match tls {
                        None => Box::new(tcp),
                        Some(tls) => {
                            let name =
                                ServerName::try_from("localhost").map_err(std::io::Error::other)?;
                            Box::new(tls.connect(name, tcp).await?)
                        }
                    };
                    Ok::<_, std::io::Error>(TokioIo::new(io))
                }
            }))
            .await
            .with_context(|| format!("the gateway at {gateway} cannot be reached"))?;
        Ok(Self { channel })
    }

    /// Makes one listing; `each` sees every register's outcome as it comes.
    pub async fn list(
        &self,
        question: &Question,
        mut each: impl FnMut(&Registration),
    ) -> anyhow::Result<Summary> {
        let mut updates = CitizenServiceClient::new(self.channel.clone())
            .list_registrations(question.request())
            .await?
            .into_inner();
        let mut summary = None;
        while let Some(response) = updates.message().await? {
            anyhow::ensure!(summary.is_none(), "something came after the summary");
            match response.update {
                Some(Update::Registration(registration)) => each(&registration),
                Some(Update::Summary(it)) => summary = Some(it),
                None => anyhow::bail!("an empty update"),
            }
        }
        summary.context("the listing ended without a summary")
    }

    /// Reads every register's log about the person, held to `receipts` of an earlier reading, with
    /// the proofs.
    pub async fn uses(
        &self,
        question: &Question,
        receipts: Vec<String>,
    ) -> anyhow::Result<ListUsesResponse> {
        let request = question.with(ListUsesRequest {
            national_id: question.national_id.clone(),
            since: None,
            deadline_ms: question.deadline_ms,
            receipts,
            with_proofs: true,
        });
        let mut client = UseLogServiceClient::new(self.channel.clone());
        client = client.max_decoding_message_size(USES_BYTES_MAX);
        Ok(client.list_uses(request).await?.into_inner())
    }

    /// Makes one listing as [`Caller::list`] does; `each` is told the outcomes and nothing else.
    pub async fn count(
        &self,
        question: &Question,
        mut each: impl FnMut(Outcome),
    ) -> anyhow::Result<Summary> {
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await?;
        let mut updates = client
            .server_streaming(
                question.request(),
                PathAndQuery::from_static(LIST_REGISTRATIONS),
                ProstCodec::<ListRegistrationsRequest, Counted>::default(),
            )
            .await?
            .into_inner();
        let mut summary = None;
        while let Some(update) = updates.message().await? {
            anyhow::ensure!(summary.is_none(), "something came after the summary");
            match update {
                Counted {
                    registration: Some(registration),
                    summary: None,
                } => each(registration.outcome()),
                Counted {
                    registration: None,
                    summary: Some(it),
                } => summary = Some(it),
                _ => anyhow::bail!("an empty update"),
            }
        }
        summary.context("the listing ended without a summary")
    }
}

impl Question {
    /// `message` as this caller sends it.
    fn with<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request
            .metadata_mut()
            .insert("authorization", self.authorization.clone());
        request
    }
}

/// What a person wants changed.
#[derive(Debug, Clone, Copy)]
pub struct Saying<'a> {
    /// The definition's GUID.
    pub definition: &'a str,
    /// Whether it stands from now on.
    pub active: bool,
    /// Names the change.
    pub id: [u8; 16],
    /// The signed mandate of a guardian or proxy.
    pub proof: Option<&'a str>,
}

impl Caller {
    /// Says yes or no for the person of `question`.
    pub async fn change_setting(
        &self,
        question: &Question,
        saying: Saying<'_>,
    ) -> Result<ChangeSettingResponse, tonic::Status> {
        let request = question.with(ChangeSettingRequest {
            national_id: question.national_id.clone(),
            definition_id: saying.definition.to_owned(),
            active: saying.active,
            until: None,
            change_id: saying.id.to_vec(),
            text_version: 1,
            representation_proof: saying.proof.unwrap_or_default().to_owned(),
        });
        let mut settings = SettingServiceClient::new(self.channel.clone());
        Ok(settings.change_setting(request).await?.into_inner())
    }

    /// What can be said yes or no to.
    ///
    /// # Errors
    ///
    /// The gateway's status.
    pub async fn setting_definitions(
        &self,
        question: &Question,
    ) -> Result<Vec<SettingDefinition>, tonic::Status> {
        let request = question.with(ListSettingDefinitionsRequest {});
        let mut settings = SettingServiceClient::new(self.channel.clone());
        let listed = settings.list_setting_definitions(request).await?;
        Ok(listed.into_inner().definitions)
    }

    /// What the person of `question` has said, and where it is in effect.
    pub async fn settings(
        &self,
        question: &Question,
    ) -> Result<ListSettingsResponse, tonic::Status> {
        let request = question.with(ListSettingsRequest {
            national_id: question.national_id.clone(),
            deadline_ms: question.deadline_ms,
        });
        let mut settings = SettingServiceClient::new(self.channel.clone());
        Ok(settings.list_settings(request).await?.into_inner())
    }
}

impl Caller {
    /// What every register holds about the person of `question`, or how to get to see it.
    pub async fn insight(&self, question: &Question) -> Result<GetInsightResponse, tonic::Status> {
        let request = question.with(GetInsightRequest {
            national_id: question.national_id.clone(),
            deadline_ms: question.deadline_ms,
        });
        let mut insight = InsightServiceClient::new(self.channel.clone());
        insight = insight.max_decoding_message_size(USES_BYTES_MAX);
        Ok(insight.get_insight(request).await?.into_inner())
    }
}

/// Trusts the CA in the file `ca`; shows no certificate of its own.
pub fn client_tls(ca: &Path) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls_pki_types::CertificateDer::from_pem_file(ca)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(tls))
}

/// The name of an outcome, as the JSON API has it.
pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unspecified => "UNSPECIFIED",
        Outcome::Registered => "REGISTERED",
        Outcome::NotRegistered => "NOT_REGISTERED",
        Outcome::Deleted => "DELETED",
        Outcome::Withheld => "WITHHELD",
        Outcome::CannotBeAsked => "CANNOT_BE_ASKED",
        Outcome::NoAnswer => "NO_ANSWER",
        Outcome::NotConnected => "NOT_CONNECTED",
    }
}
