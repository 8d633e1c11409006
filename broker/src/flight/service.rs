//! The calls of Flight: who makes them, which command it is, and what comes back.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{Any, Command, ProstMessageExt as _, TicketStatementQuery};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo,
    HandshakeRequest, HandshakeResponse, IpcMessage, PollInfo, PutResult, SchemaAsIpc,
    SchemaResult, Ticket,
};
use arrow_ipc::writer::IpcWriteOptions;
use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};

use super::asking::{Desk, Waiting};
use super::call::Call;
use super::polling::Polls;
use super::refusal::FlightRefusal;
use super::results::Results;
use super::{actions, catalogue, keys, server};
use crate::research::ResearchFace;

/// The service.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(super) desk: Arc<Desk>,
    pub(super) polls: Polls,
}

type Sent<T> = BoxStream<'static, Result<T, Status>>;

impl Flight {
    pub(super) fn new(face: Arc<ResearchFace>) -> Self {
        Self {
            desk: Arc::new(Desk {
                face,
                results: Results::default(),
            }),
            polls: Polls::default(),
        }
    }

    /// Whose call it is, and the message.
    async fn admit<T>(&self, request: Request<T>) -> Result<(Call, T), FlightRefusal> {
        let headers = request.metadata().as_ref();
        let researcher = self.desk.face.admit(headers, Instant::now()).await?;
        let call = Call::of(researcher, headers)?;
        Ok((call, request.into_inner()))
    }

    /// The table of a command that asks about what there is, not about persons.
    async fn about(&self, command: &Command) -> Result<RecordBatch, FlightRefusal> {
        let batch = match command {
            Command::CommandGetSqlInfo(command) => server::info(command),
            Command::CommandGetXdbcTypeInfo(command) => server::types(*command),
            Command::CommandGetCatalogs(_) => catalogue::catalogs(),
            Command::CommandGetDbSchemas(command) => catalogue::schemas(command),
            Command::CommandGetTableTypes(_) => catalogue::table_types(),
            Command::CommandGetTables(command) => {
                let published = self.desk.face.published().await;
                catalogue::tables(command, &published.views)
            }
            Command::CommandGetPrimaryKeys(_) => Ok(keys::no_primary_keys()),
            Command::CommandGetExportedKeys(_)
            | Command::CommandGetImportedKeys(_)
            | Command::CommandGetCrossReference(_) => Ok(keys::no_foreign_keys()),
            Command::CommandStatementUpdate(_)
            | Command::CommandPreparedStatementUpdate(_)
            | Command::CommandStatementIngest(_) => return Err(FlightRefusal::ReadOnly),
            Command::CommandStatementSubstraitPlan(_) => return Err(FlightRefusal::Plan),
            _ => return Err(FlightRefusal::NotServed),
        };
        batch.map_err(|_| FlightRefusal::Failed)
    }

    async fn info(&self, call: &Call, descriptor: FlightDescriptor) -> Result<FlightInfo, Status> {
        let command = command(&descriptor.cmd)?;
        if let Some(sql) = statement(&command)? {
            let waiting = self.desk.run(call, sql, |_| {}).await?;
            return Ok(fetchable(&waiting, descriptor)?);
        }
        let batch = self.about(&command).await?;
        let ticket = Ticket::new(descriptor.cmd.clone());
        Ok(announced(&batch.schema(), descriptor)?
            .with_endpoint(FlightEndpoint::new().with_ticket(ticket))
            .with_total_records(rows(batch.num_rows())))
    }

    async fn schema(&self, call: &Call, command: &Command) -> Result<SchemaRef, FlightRefusal> {
        match statement(command)? {
            Some(sql) => self.desk.schema(call, sql).await,
            None => Ok(self.about(command).await?.schema()),
        }
    }
}

#[tonic::async_trait]
impl FlightService for Flight {
    type HandshakeStream = Sent<HandshakeResponse>;
    type ListFlightsStream = Sent<FlightInfo>;
    type DoGetStream = Sent<FlightData>;
    type DoPutStream = Sent<PutResult>;
    type DoActionStream = Sent<arrow_flight::Result>;
    type ListActionsStream = Sent<ActionType>;
    type DoExchangeStream = Sent<FlightData>;

    /// JDBC tries its token with it before anything else.
    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        self.admit(request).await?;
        Ok(Response::new(stream::empty().boxed()))
    }

    async fn list_flights(
        &self,
        request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        self.admit(request).await?;
        Err(FlightRefusal::NotServed.into())
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let (call, descriptor) = self.admit(request).await?;
        Ok(Response::new(self.info(&call, descriptor).await?))
    }

    async fn poll_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        let (call, descriptor) = self.admit(request).await?;
        let command = command(&descriptor.cmd)?;
        let now = self.desk.face.clock.now();
        let id = match (&command, statement(&command)?) {
            (_, Some(sql)) => {
                let id = self.desk.face.random_id();
                let sql = sql.to_owned();
                self.polls
                    .begin(id, Arc::clone(&self.desk), call, sql, descriptor)?
            }
            (Command::TicketStatementQuery(again), None) => {
                let id = again.statement_handle.clone();
                self.polls.again(&id, &call.researcher)?
            }
            _ => {
                let info = self.info(&call, descriptor).await?;
                return Ok(Response::new(PollInfo::new().with_info(info)));
            }
        };
        Ok(Response::new(id.told(now).await?))
    }

    async fn get_schema(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<SchemaResult>, Status> {
        let (call, descriptor) = self.admit(request).await?;
        let schema = self.schema(&call, &command(&descriptor.cmd)?).await?;
        let schema = encoded(&schema)?;
        Ok(Response::new(SchemaResult { schema }))
    }

    async fn do_get(
        &self,
        request: Request<Ticket>,
    ) -> Result<Response<Self::DoGetStream>, Status> {
        let (call, ticket) = self.admit(request).await?;
        let batch = match command(&ticket.ticket)? {
            Command::TicketStatementQuery(of) => {
                let now = self.desk.face.clock.now();
                let results = &self.desk.results;
                results.get(&of.statement_handle, &call.researcher, now)?
            }
            command => self.about(&command).await?,
        };
        let stream = FlightDataEncoderBuilder::new()
            .with_schema(batch.schema())
            .build(stream::iter([Ok(batch)]))
            .map_err(Status::from);
        Ok(Response::new(stream.boxed()))
    }

    /// Nothing is put: neither rows nor parameters.
    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let (_, mut data) = self.admit(request).await?;
        let first = data.message().await?;
        let descriptor = first.and_then(|data| data.flight_descriptor);
        let refusal = match command(&descriptor.unwrap_or_default().cmd)? {
            Command::CommandPreparedStatementQuery(_) => FlightRefusal::Parameters,
            Command::CommandStatementSubstraitPlan(_) => FlightRefusal::Plan,
            _ => FlightRefusal::ReadOnly,
        };
        Err(refusal.into())
    }

    async fn list_actions(
        &self,
        request: Request<Empty>,
    ) -> Result<Response<Self::ListActionsStream>, Status> {
        self.admit(request).await?;
        let actions = actions::LISTED.map(|(name, description)| {
            Ok(ActionType {
                r#type: name.to_owned(),
                description: description.to_owned(),
            })
        });
        Ok(Response::new(stream::iter(actions).boxed()))
    }

    async fn do_action(
        &self,
        request: Request<Action>,
    ) -> Result<Response<Self::DoActionStream>, Status> {
        let (call, action) = self.admit(request).await?;
        let result = self.act(&call, &action).await?;
        let result = result.map(|body| Ok(arrow_flight::Result { body }));
        Ok(Response::new(stream::iter(result).boxed()))
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        self.admit(request).await?;
        Err(FlightRefusal::NotServed.into())
    }
}

/// The command in a descriptor or a ticket.
fn command(bytes: &Bytes) -> Result<Command, FlightRefusal> {
    let any = Any::decode(bytes.as_ref()).map_err(|_| FlightRefusal::NotUnderstood)?;
    match Command::try_from(any) {
        Ok(Command::Unknown(_)) | Err(_) => Err(FlightRefusal::NotUnderstood),
        Ok(command) => Ok(command),
    }
}

/// The statement of a command that runs one. A prepared statement's handle is its text: there is
/// nothing to keep for it, and nothing to forget.
fn statement(command: &Command) -> Result<Option<&str>, FlightRefusal> {
    match command {
        Command::CommandStatementQuery(query) if query.transaction_id.is_some() => {
            Err(FlightRefusal::Transaction)
        }
        Command::CommandStatementQuery(query) => Ok(Some(&query.query)),
        Command::CommandPreparedStatementQuery(prepared) => {
            let text = std::str::from_utf8(&prepared.prepared_statement_handle);
            text.map(Some).map_err(|_| FlightRefusal::NotUnderstood)
        }
        _ => Ok(None),
    }
}

/// What fetches `waiting`.
pub(super) fn fetchable(
    waiting: &Waiting,
    descriptor: FlightDescriptor,
) -> Result<FlightInfo, FlightRefusal> {
    let mut endpoint = FlightEndpoint::new().with_ticket(Ticket::new(handle(&waiting.ticket)));
    endpoint.expiration_time.get_or_insert_default().seconds = waiting.until.as_seconds();
    Ok(announced(&waiting.schema, descriptor)?
        .with_endpoint(endpoint)
        .with_total_records(rows(waiting.rows)))
}

/// A ticket or a descriptor that names something of ours.
pub(super) fn handle(id: &[u8]) -> Vec<u8> {
    let statement_handle = Bytes::copy_from_slice(id);
    let ticket = TicketStatementQuery { statement_handle };
    ticket.as_any().encode_to_vec()
}

fn announced(schema: &Schema, descriptor: FlightDescriptor) -> Result<FlightInfo, FlightRefusal> {
    let info = FlightInfo::new().with_descriptor(descriptor);
    info.try_with_schema(schema)
        .map_err(|_| FlightRefusal::Failed)
}

/// `schema` as it travels.
pub(super) fn encoded(schema: &Schema) -> Result<Bytes, FlightRefusal> {
    let options = IpcWriteOptions::default();
    let message = IpcMessage::try_from(SchemaAsIpc::new(schema, &options));
    let IpcMessage(bytes) = message.map_err(|_| FlightRefusal::Failed)?;
    Ok(bytes)
}

fn rows(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(-1)
}
