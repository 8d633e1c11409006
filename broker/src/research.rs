//! The research gateway: a researcher's question, and the table that may leave.
//!
//! ```text
//!   token, permit ─▶ face ─▶ running ─▶ agents, all at once       publishers ─▶ agents
//!                     │         │                                     │
//!        check, plan ◀┘         └─▶ part ─▶ merge ─▶ desk              └─▶ what can be asked
//!                                                     └─▶ auditing ─▶ ledger
//! ```
//!
//! `service` is the gRPC face, and `flight` beside this module serves the same as Flight SQL;
//! [`sql`] says a statement as a query, and `shown` shows its table as the statement says. [`face`]
//! looks at everything that can be looked at before a register is asked; `running` asks every
//! register and accounts for each ([`coverage`]); `part` reads their answers, [`merge`] adds them
//! up, [`desk`] decides what may leave, `auditing` compares it with what has left before (`overlap`
//! has the rules), and [`ledger`] keeps what has left. `dcat` tells the public what the registers
//! publish. [`grid`] makes quantiles and survival curves of counts.
//!
//! What holds:
//!
//! - **No register is asked** before token, permit and query are good for every register; each
//!   register then decides for itself.
//! - **Every register has one outcome**, and a silent one is named. One whose steward has not
//!   decided when the run ends is *held*, and the query stays with the steward.
//! - **A receipt fits its part** (`receipts`), or there is no part; a refusal's fits the refusal,
//!   or the register counts as silent.
//! - **Why a register refused is told** where the ground says nothing of anybody in its data
//!   (`said_no`).
//! - **Nothing leaves but by the desk**, and nothing twice: the same question gets the same table.
//! - **No table leaves beside one of the same permit that differs from it by a few persons.** The
//!   whole query is refused, as *not available* whatever the ground. So is a query asked again over
//!   data that have changed by a few persons since; the earlier table stays to be had.
//! - **What was released is on disk before it leaves**, and a gateway without its ledger releases
//!   nothing.
//! - **Ending a call ends its work**, here and at the agents.
//! - **No person in a log or an error.** Whoever asks is told of their own query only.
//!
//! What is open, and a permit's holder could use until it is closed:
//!
//! - **The overlap audit is pairwise and compares persons.** Three tables can tell together what no
//!   two of them do, and a refusal tells that somebody differs (`overlap.rs` has more of this).
//! - **Two permits do not know of each other**, nor two gateways with ledgers of their own.
//! - Sums of all of a person's events are refused, and a histogram or life table is a table of its
//!   own (`plan.rs` says why).

mod agents;
mod auditing;
mod claims;
pub mod config;
pub mod coverage;
mod dcat;
pub mod desk;
pub mod face;
pub mod grid;
pub mod ledger;
pub mod merge;
mod naming;
mod overlap;
mod part;
mod plan;
mod published;
mod receipts;
mod refusal;
mod running;
mod runs;
mod said_no;
mod service;
mod shown;
pub mod sql;
mod table;

pub(crate) use claims::Researcher;
pub use config::ResearchGatewayConfig;
pub use face::{ResearchFace, ResearchParts};
pub(crate) use refusal::Refusal;
pub(crate) use running::start;
pub(crate) use said_no::label as refusal_label;
pub use service::router;

#[cfg(test)]
pub(crate) mod tests;
