//! The citizen gateway: verifies a token, asks every register, accounts for each, forgets.
//!
//! ```text
//!   api_http ─┐                                   ┌─ one update per register
//!             ├─ token ─ claims ─ Face::list ─ Listing ──▶ fanout (a seam)
//!   api_grpc ─┘                                   └─ the summary, last
//! ```
//!
//! What holds:
//!
//! - **No register is asked** before token, scope, client, subject and representation are good.
//! - **Every register of the catalogue has exactly one outcome** in every listing
//!   ([`listing`]), whatever the fan-out does.
//! - **Nothing is kept.** A listing lives as long as its answer; there is no cache of it.
//! - **No person in an error, a log or a metric.** Refusals are fixed texts ([`refusal`]).

mod account;
mod api_grpc;
mod api_http;
mod api_settings;
mod cases;
pub mod claims;
pub mod config;
pub mod everyone;
pub mod face;
pub mod fanout;
pub(crate) mod health;
mod insight;
pub mod link;
pub mod listing;
mod metrics;
pub mod notification;
mod on_paper;
pub(crate) mod openapi;
mod outgoing;
pub mod reach;
pub mod refusal;
pub mod serve;
pub mod settings;
pub mod token;
pub mod uses;
pub mod witness;
mod words;

pub use api_http::router;
pub use config::CitizenGatewayConfig;
pub use face::{CitizenFace, CitizenFaceParts};
pub use metrics::CitizenMetrics;

#[cfg(test)]
mod tests;
