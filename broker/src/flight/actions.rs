//! The actions of Flight SQL: prepared statements, cancelling, and sessions that hold nothing.

use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any,
    ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::{
    Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo,
};
use arrow_schema::Schema;
use bytes::Bytes;
use prost::Message;

use super::call::Call;
use super::refusal::FlightRefusal;
use super::service::{Flight, encoded};
use super::session;

/// The actions that are here.
pub(super) const LISTED: [(&str, &str); 7] = [
    (
        "CreatePreparedStatement",
        "Checks a statement and tells the columns of its table; no register is asked",
    ),
    ("ClosePreparedStatement", "Needs not be called"),
    (
        "CancelFlightInfo",
        "Ends a query that is polled for, or forgets its result",
    ),
    ("CancelQuery", "The same, as older clients call it"),
    ("SetSessionOptions", "The catalog, of which there is one"),
    ("GetSessionOptions", "The catalog and the schema"),
    ("CloseSession", "Needs not be called"),
];

impl Flight {
    /// Does `action`; what it gives back, if anything.
    pub(super) async fn act(
        &self,
        call: &Call,
        action: &Action,
    ) -> Result<Option<Bytes>, FlightRefusal> {
        let body = &action.body;
        let result = match action.r#type.as_str() {
            "CreatePreparedStatement" => {
                let request: ActionCreatePreparedStatementRequest = unpacked(body)?;
                packed(&self.create(call, request).await?)
            }
            "ClosePreparedStatement" => {
                unpacked::<ActionClosePreparedStatementRequest>(body)?;
                return Ok(None);
            }
            "CancelFlightInfo" => {
                let request: CancelFlightInfoRequest = read(body)?;
                let status = self.cancel(call, &request.info.unwrap_or_default());
                let result = CancelFlightInfoResult {
                    status: status.into(),
                };
                result.encode_to_vec()
            }
            "CancelQuery" => {
                let request: ActionCancelQueryRequest = unpacked(body)?;
                let info: FlightInfo = read(&request.info)?;
                // The two enumerations number alike.
                packed(&ActionCancelQueryResult {
                    result: self.cancel(call, &info).into(),
                })
            }
            "SetSessionOptions" => session::set(&read(body)?).encode_to_vec(),
            "GetSessionOptions" => session::get().encode_to_vec(),
            "CloseSession" => session::close().encode_to_vec(),
            "BeginTransaction" | "EndTransaction" | "BeginSavepoint" | "EndSavepoint" => {
                return Err(FlightRefusal::Transaction);
            }
            "CreatePreparedSubstraitPlan" => return Err(FlightRefusal::Plan),
            _ => return Err(FlightRefusal::NotServed),
        };
        Ok(Some(result.into()))
    }

    async fn create(
        &self,
        call: &Call,
        request: ActionCreatePreparedStatementRequest,
    ) -> Result<ActionCreatePreparedStatementResult, FlightRefusal> {
        if request.transaction_id.is_some() {
            return Err(FlightRefusal::Transaction);
        }
        let schema = self.desk.schema(call, &request.query).await?;
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: request.query.into(),
            dataset_schema: encoded(&schema)?,
            // There are no parameters.
            parameter_schema: encoded(&Schema::empty())?,
        })
    }

    /// Ends the query that `info` was told of.
    fn cancel(&self, call: &Call, info: &FlightInfo) -> CancelStatus {
        let descriptor = info.flight_descriptor.as_ref().map(|told| &told.cmd);
        let tickets = info.endpoint.iter().filter_map(|endpoint| {
            let ticket = endpoint.ticket.as_ref()?;
            Some(&ticket.ticket)
        });
        let handles = descriptor.into_iter().chain(tickets);
        let handles = handles.filter_map(|bytes| unpacked::<TicketStatementQuery>(bytes).ok());
        // All of them: none is left running for another's sake.
        let ended = handles.filter(
            |TicketStatementQuery {
                 statement_handle: id,
             }| {
                self.polls.cancel(id, &call.researcher)
                    || self.desk.results.forget(id, &call.researcher)
            },
        );
        if ended.count() > 0 {
            CancelStatus::Cancelled
        } else {
            CancelStatus::NotCancellable
        }
    }
}

fn read<M: Message + Default>(bytes: &Bytes) -> Result<M, FlightRefusal> {
    M::decode(bytes.as_ref()).map_err(|_| FlightRefusal::NotUnderstood)
}

/// A message of Flight SQL, which travels within another.
fn unpacked<M: ProstMessageExt + Default>(bytes: &Bytes) -> Result<M, FlightRefusal> {
    let message = read::<Any>(bytes)?.unpack();
    message.ok().flatten().ok_or(FlightRefusal::NotUnderstood)
}

fn packed(message: &impl ProstMessageExt) -> Vec<u8> {
    message.as_any().encode_to_vec()
}
