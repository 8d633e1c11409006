//! The invented researcher as a caller of the research gateway: gRPC over one kept connection.

use std::error::Error as _;

use anyhow::Context as _;
use innsyn_policy::Timestamp;
use innsyn_proto::wire::research::v1 as wire;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use wire::research_service_client::ResearchServiceClient;
use wire::run_request::Question;
use wire::run_response::Message;

use crate::world::World;

/// The largest answer that is taken, in bytes.
const RESPONSE_BYTES_MAX: usize = 64 << 20;

/// A researcher with a token and a data permit, connected to a research gateway.
#[derive(Clone)]
pub struct Researcher {
    client: ResearchServiceClient<Channel>,
    authorization: MetadataValue<Ascii>,
    data_permit: String,
}

impl std::fmt::Debug for Researcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Researcher(***)")
    }
}

impl Researcher {
    /// Connects to the research gateway of `world`, with a token and a permit from `now`.
    pub async fn connect(
        world: &World,
        now: Timestamp,
        random: &mut impl rand::Rng,
    ) -> anyhow::Result<Self> {
        let gateway = world
            .research_gateway()
            .context("the registers of this world have no views")?;
        let channel = Endpoint::from_shared(format!("http://{gateway}"))?
            .connect()
            .await
            .with_context(|| format!("the research gateway at {gateway} cannot be reached"))?;
        let token = world.researcher_token(now, random)?;
        Ok(Self {
            client: ResearchServiceClient::new(channel)
                .max_decoding_message_size(RESPONSE_BYTES_MAX),
            authorization: format!("Bearer {token}").parse()?,
            data_permit: world.data_permit(now)?,
        })
    }

    /// The same researcher with another data permit.
    #[must_use]
    pub fn with_permit(self, data_permit: String) -> Self {
        Self {
            data_permit,
            ..self
        }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.authorization.clone());
        request
    }

    /// What a run of `question` sends; registers may take the gateway's default time.
    pub fn asks(&self, question: Question) -> wire::RunRequest {
        wire::RunRequest {
            question: Some(question),
            data_permit: self.data_permit.clone(),
            ..wire::RunRequest::default()
        }
    }

    /// What can be asked about.
    pub async fn catalogue(&self) -> Result<wire::CatalogueResponse, Status> {
        let request = self.request(wire::CatalogueRequest {});
        let response = self.client.clone().catalogue(request).await?;
        Ok(response.into_inner())
    }

    /// What would be asked of whom.
    pub async fn dry_run(&self, request: wire::RunRequest) -> Result<wire::DryRunResponse, Status> {
        let response = self.client.clone().dry_run(self.request(request)).await?;
        Ok(response.into_inner())
    }

    /// Runs a query; `each` sees what there is to tell before the table.
    pub async fn run(
        &self,
        request: wire::RunRequest,
        mut each: impl FnMut(&Message),
    ) -> Result<wire::ReleasedTable, Status> {
        let response = self.client.clone().run(self.request(request)).await;
        let mut updates = response.map_err(in_words)?.into_inner();
        while let Some(update) = updates.message().await.map_err(in_words)? {
            match update.message {
                Some(Message::Table(table)) => return Ok(table),
                Some(message) => each(&message),
                None => return Err(Status::data_loss("an empty update")),
            }
        }
        Err(Status::data_loss("the run ended without a table"))
    }

    /// Ends a run.
    pub async fn cancel(&self, run_id: Vec<u8>) -> Result<bool, Status> {
        let request = self.request(wire::CancelRequest { run_id });
        let response = self.client.clone().cancel(request).await?;
        Ok(response.into_inner().was_running)
    }

    /// What has been released under the permit.
    pub async fn ledger(&self) -> Result<Vec<wire::Release>, Status> {
        let request = self.request(wire::LedgerRequest {
            data_permit: self.data_permit.clone(),
        });
        let response = self.client.clone().ledger(request).await?;
        Ok(response.into_inner().releases)
    }
}

/// What became of a run, in words. A gateway says itself why it refuses; of a connection that ends
/// there are only the library's words about sockets, which stand last.
fn in_words(status: Status) -> Status {
    if status.source().is_none() {
        return status;
    }
    Status::unavailable(format!(
        "the research gateway cannot be reached, or broke off during the run: it was stopped or \
         started again, or the network failed; ask the same query again in a moment, and nothing \
         is charged twice: if its table was released already, you get that one, and if not, a new \
         one ({})",
        status.message()
    ))
}
