//! One register's agent.
//!
//! In reading order: [`run`] puts the parts together; [`service`] answers questions; [`uselog`]
//! keeps what was done, before it is answered, and [`uses`] shows people what was; [`subjects`] knows who is here and [`settings`]
//! what they have said, at Personvernkomponenten as well ([`pvk`]); [`records`] is where the agent keeps what it was told itself; [`sources`]
//! reads people and settings from the register, and for [`insight`] what it holds about one of them; [`presence`] keeps the agent
//! reachable; [`heads`] shows the log to gateways, and as a [`witness`] the agent looks at others'; [`engine`] runs a researcher's query over what
//! [`research`] publishes.

pub mod cases;
pub mod check;
pub mod config;
pub mod engine;
pub mod exchange;
pub mod finding;
pub mod heads;
pub mod insight;
pub mod presence;
pub mod program;
pub mod pvk;
pub mod records;
pub mod research;
mod run;
pub mod secret_file;
pub mod service;
pub mod settings;
mod shutdown;
pub mod sources;
mod status;
pub mod subjects;
#[cfg(test)]
mod test_ids;
pub mod uselog;
pub mod uses;
pub mod witness;

pub use run::{Counting, open_log, run, run_counting};
