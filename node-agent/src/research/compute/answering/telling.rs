//! What the agent's own log says of a question.

use super::super::asked::AskedQuery;
use super::super::refused::Refused;
use super::{Counted, Known};

/// Says in the agent's own log what became of the question.
pub(super) fn tell(asked: &AskedQuery, known: &Known, counted: &Result<Counted, Refused>) {
    let question = hex::encode(asked.id.0);
    let permit = known
        .permit
        .as_ref()
        .map(|p| p.permit().terms().id.to_string());
    let query = known.query.as_ref().map(|query| query.name().to_string());
    match counted {
        Ok(counted) => tracing::info!(
            question.id = question,
            query.name = query,
            permit.id = permit,
            cells = counted.ran.answer.table.cells.len(),
            "query counted"
        ),
        Err(ground) => {
            let error: &dyn std::error::Error = ground;
            tracing::warn!(
                question.id = question,
                query.name = query,
                permit.id = permit,
                ground = ground.label(),
                error,
                "query not counted"
            );
        }
    }
}
