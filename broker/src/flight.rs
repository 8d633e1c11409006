//! Arrow Flight SQL on the research gateway's port: SQL in, Arrow out, for ADBC, JDBC and R.
//!
//! ```text
//!   GetFlightInfo ─▶ call ─▶ asking ─▶ the research gateway's run ─▶ table ─▶ results
//!   DoGet ────────────────────────────────────── ticket ─────────────────────▶ results
//!   catalogs, schemas, tables, keys, types, server ─▶ catalogue, keys, server
//! ```
//!
//! `service` takes the calls, `call` knows who makes one and with which headers, `asking` runs a
//! statement, `table` makes Arrow of what was released, and `results` keeps it until it is
//! fetched. `flight/forms.md` tells the headers, tables and columns, for those who connect.
//!
//! What holds:
//!
//! - **A query runs once**: when its information is asked for, so that the schema that is
//!   announced is the one of the stream, coverage in its metadata included.
//! - **A ticket is its researcher's alone**, cannot be guessed, ends after some minutes, and there
//!   are only so many.
//! - **Ending a call ends its work**, here and at the agents.
//! - **A hidden value is absent, and a column beside it says why.** Every row says how many
//!   registers were asked and have answered.
//! - **Nothing is passed over**: updates, transactions, parameters and ingestion are refused, each
//!   with a sentence; there is no SQL that is read here and not by [`crate::research::sql`].
//!
//! The service is an `arrow_flight` [`FlightService`](arrow_flight::flight_service_server) of its
//! own and not a `FlightSqlService`: that one leaves out `PollFlightInfo` and `GetSchema`, lists
//! actions that are not here, and has two functions to keep alike for each kind of catalogue.
//!
//! What is not here: a result lies in the memory of the gateway that made it, so that a client
//! must come back to the same one.

mod actions;
mod asking;
mod call;
mod catalogue;
mod keys;
mod polling;
mod refusal;
mod report;
mod results;
mod server;
mod service;
mod session;
mod table;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;

use crate::research::ResearchFace;

/// The largest request, in bytes: a statement and a permit, and more.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// The Flight SQL service of `face`.
pub(crate) fn service(face: Arc<ResearchFace>) -> FlightServiceServer<service::Flight> {
    FlightServiceServer::new(service::Flight::new(face))
        .max_decoding_message_size(REQUEST_BYTES_MAX)
}
