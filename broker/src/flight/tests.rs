//! Flight SQL as drivers speak it: over TLS, with a relay, the tunnel and agents behind it.

mod attacks;
mod browsing;
mod ending;
mod jdbc;
mod polling;
mod refusals;
mod results;
mod tables;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type, TimestampSecondType};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    CommandPreparedStatementQuery, CommandStatementQuery, ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::{Action, FlightDescriptor, FlightInfo, Ticket};
use arrow_schema::{DataType, Schema};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::research::tests::queries::sexes;
use crate::research::tests::world::{World, call_with, claims};

const BY_SEX: &str = "SELECT sex, COUNT(DISTINCT person) AS n FROM persons GROUP BY sex";

/// A driver's connection: its token, and the headers that it sends with every call.
struct Driver {
    client: FlightServiceClient<Channel>,
    token: String,
    headers: Vec<(&'static str, String)>,
}

impl Driver {
    /// Kari's, with her permit.
    fn new(world: &World) -> Self {
        Self {
            client: FlightServiceClient::new(world.channel.clone()),
            token: world.token_of(&claims()),
            headers: vec![("innsyn-data-permit", world.permit())],
        }
    }

    fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.retain(|(name, _)| *name != header);
        self.headers.push((header, value.to_owned()));
        self
    }

    fn call<T>(&self, message: T) -> Request<T> {
        let mut request = call_with(message, &self.token);
        for (name, value) in &self.headers {
            request.metadata_mut().insert(*name, value.parse().unwrap());
        }
        request
    }

    async fn info(&self, command: impl ProstMessageExt) -> Result<FlightInfo, Status> {
        let request = self.call(descriptor(&command));
        let info = self.client.clone().get_flight_info(request).await?;
        Ok(info.into_inner())
    }

    /// Fetches what `info` tells of; what is announced is what comes.
    async fn fetch(&self, info: FlightInfo) -> Result<RecordBatch, Status> {
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let announced = info.clone().try_decode_schema().unwrap();
        let batch = self.get(ticket).await?;
        assert_eq!(*batch.schema(), announced);
        assert_eq!(i64::try_from(batch.num_rows()).unwrap(), info.total_records);
        Ok(batch)
    }

    async fn get(&self, ticket: Ticket) -> Result<RecordBatch, Status> {
        let data = self.client.clone().do_get(self.call(ticket)).await?;
        let mut stream =
            FlightRecordBatchStream::new_from_flight_data(data.into_inner().map_err(Into::into));
        let batches: Vec<RecordBatch> = stream.by_ref().try_collect().await.unwrap();
        let schema = stream.schema().unwrap();
        Ok(arrow_select::concat::concat_batches(schema, &batches).unwrap())
    }

    async fn about(&self, command: impl ProstMessageExt) -> RecordBatch {
        let info = self.info(command).await.unwrap();
        self.fetch(info).await.unwrap()
    }

    /// Runs `sql` as a statement that is not prepared.
    async fn run(&self, sql: &str) -> Result<RecordBatch, Status> {
        let info = self.info(statement(sql)).await?;
        self.fetch(info).await
    }

    async fn act(&self, name: &str, body: impl Into<Bytes>) -> Result<Vec<Bytes>, Status> {
        let action = self.call(Action::new(name, body));
        let results = self.client.clone().do_action(action).await?.into_inner();
        let bodies = results.map_ok(|result| result.body);
        bodies.try_collect().await
    }
}

fn statement(sql: &str) -> CommandStatementQuery {
    CommandStatementQuery {
        query: sql.to_owned(),
        transaction_id: None,
    }
}

fn prepared(handle: &Bytes) -> CommandPreparedStatementQuery {
    CommandPreparedStatementQuery {
        prepared_statement_handle: handle.clone(),
    }
}

fn descriptor(command: &impl ProstMessageExt) -> FlightDescriptor {
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

fn ticket(id: &[u8]) -> Ticket {
    let statement_handle = Bytes::copy_from_slice(id);
    let of = TicketStatementQuery { statement_handle };
    Ticket::new(of.as_any().encode_to_vec())
}

/// Two registers that count women and men.
async fn counting() -> World {
    let world = World::new().await;
    world.agent("nord").counts(sexes(103, 52));
    world.agent("vest").counts(sexes(104, 51));
    world
}

fn reason(status: &Status) -> String {
    let reason = status.get_details_error_info().unwrap().reason;
    let trailer = status.metadata().get("innsyn-reason").unwrap();
    assert_eq!(trailer.to_str().unwrap(), reason);
    reason
}

fn names(schema: &Schema) -> Vec<&str> {
    let fields = schema.fields().iter();
    fields.map(|field| field.name().as_str()).collect()
}

/// The rows as text; `-` where there is no value.
fn rows(batch: &RecordBatch) -> Vec<String> {
    let value = |column: usize, row: usize| {
        let column = batch.column(column);
        if column.is_null(row) {
            return "-".to_owned();
        }
        match column.data_type() {
            DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
            DataType::Boolean => column.as_boolean().value(row).to_string(),
            DataType::Timestamp(..) => {
                let times = column.as_primitive::<TimestampSecondType>();
                times.value(row).to_string()
            }
            other => other.to_string(),
        }
    };
    let row = |row| {
        let columns = 0..batch.num_columns();
        let values: Vec<String> = columns.map(|column| value(column, row)).collect();
        values.join(" ")
    };
    (0..batch.num_rows()).map(row).collect()
}
