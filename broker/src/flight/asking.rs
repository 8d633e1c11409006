//! A statement, from its text to a result that waits to be fetched.

use std::pin::pin;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use futures::TryStreamExt as _;
use innsyn_policy::Timestamp;
use innsyn_proto::wire::research::v1 as wire;
use tonic::Status;
use wire::RegisterState as State;
use wire::run_response::Message;

use super::call::Call;
use super::refusal::{FlightRefusal, told};
use super::results::{Results, Ticket};
use super::{report, table};
use crate::research::{self, ResearchFace};

/// Runs statements, and keeps what comes of them.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) face: Arc<ResearchFace>,
    pub(super) results: Results,
}

/// A result that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) ticket: Ticket,
    pub(super) until: Timestamp,
    pub(super) schema: SchemaRef,
    pub(super) rows: usize,
}

impl Desk {
    /// The columns of `sql`'s table; everything is checked that can be without asking a register.
    pub(super) async fn schema(&self, call: &Call, sql: &str) -> Result<SchemaRef, FlightRefusal> {
        if report::is_asked(sql)? {
            return Ok(Arc::clone(&report::SCHEMA));
        }
        let request = call.asking(sql.to_owned())?;
        let prepared = self.face.prepare(call.researcher.clone(), request).await?;
        Ok(Arc::new(Schema::new(table::fields(&prepared.columns())?)))
    }

    /// Runs `sql`; `progress` is told which share of the registers is accounted for. Dropping the
    /// future ends the run.
    pub(super) async fn run(
        &self,
        call: &Call,
        sql: &str,
        progress: impl Fn(f64),
    ) -> Result<Waiting, Status> {
        if report::is_asked(sql)? {
            let permit = self.face.permit(call.data_permit()?, &call.researcher);
            let permit = permit.map_err(FlightRefusal::from)?;
            let permit = &permit.permit().terms().id;
            let batch = self.results.report(&call.researcher, permit)?;
            return Ok(self.keep(call, batch)?);
        }
        let request = call.asking(sql.to_owned())?;
        let prepared = self.face.prepare(call.researcher.clone(), request).await;
        let prepared = prepared.map_err(FlightRefusal::from)?;
        // A name that is taken is refused before a register is asked.
        table::fields(&prepared.columns())?;
        let permit = prepared.permit_id().clone();
        let updates = research::start(&self.face, prepared).map_err(FlightRefusal::from)?;
        let mut updates = pin!(updates);
        let (mut asked, mut accounted) = (0_u32, 0_u32);
        while let Some(update) = updates.try_next().await.map_err(told)? {
            match update.message {
                Some(Message::Started(started)) => {
                    let registers = started.plan.map_or(0, |plan| plan.registers.len());
                    asked = u32::try_from(registers).unwrap_or(u32::MAX);
                }
                Some(Message::Progress(of)) if is_accounted(of.state()) => {
                    accounted += 1;
                    progress(f64::from(accounted.min(asked)) / f64::from(asked.max(1)));
                }
                Some(Message::Table(table)) => {
                    let report = report::of(&table)?;
                    self.results.keep_report(&call.researcher, &permit, report);
                    return Ok(self.keep(call, table::batch(&table)?)?);
                }
                Some(Message::Progress(_)) | None => {}
            }
        }
        Err(FlightRefusal::Failed.into())
    }

    fn keep(&self, call: &Call, batch: RecordBatch) -> Result<Waiting, FlightRefusal> {
        let ticket = self.face.random_id();
        let (schema, rows) = (batch.schema(), batch.num_rows());
        let now = self.face.clock.now();
        let until = self.results.keep(ticket, &call.researcher, batch, now)?;
        Ok(Waiting {
            ticket,
            until,
            schema,
            rows,
        })
    }
}

const fn is_accounted(state: State) -> bool {
    matches!(state, State::Answered | State::Refused | State::Silent)
}
