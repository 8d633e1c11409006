//! Runs one researcher's query over one register's files, and gives a table that can be added to
//! other registers' tables.
//!
//! Persons have the numbers `0..persons` of a [`Snapshot`]. A query goes through four steps, each
//! a part of this module:
//!
//! ```text
//!   query ──plan──▶ what is read, tested, kept      Parquet ──scan──▶ rows of included persons
//!   rows ──collapse──▶ one row per person (and period) ──cells──▶ partial table
//! ```
//!
//! What holds:
//!
//! - **Nobody outside [`Included`] is looked at.** The scan drops every other row before any
//!   value of it is compared, added or given a number. A row whose person is missing or unknown
//!   is nobody's.
//! - **What is not understood is an error**, with a fixed [`EngineError::code`]; no error holds
//!   anything of the data.
//! - **A person is in one cell**, or in one cell of each period, so persons are counted as rows.
//!   Which cell that is, is written down ([`Placed`]) for the overlap audit, and stays here.
//! - **Equal questions give equal bytes.** Counts, least values and sums of whole numbers do not
//!   depend on the order of rows, row groups, files or ranges of persons (`moments` tells how a
//!   value becomes a whole number), and cells are sorted.
//! - **Memory is bounded.** Persons are taken in ranges whose accumulators fit, with a pass over
//!   the files for each range. Every other thing that grows is counted.
//!
//! What a row is where the data leave a choice: an event counts only if its date is in the months
//! that its view covers; between two events of one day the values that the query uses decide, in
//! the order of the catalogue, the lesser being first and a missing one the least; a variable of
//! the person that differs between the events of a row has the least value that is not missing;
//! of two rows of a person in a view of persons the lesser counts; a number that is not finite,
//! or a whole number of 2⁵³ or more, is missing.
//!
//! It does not decide who may ask or who is included, hides no small cell, writes no log and has
//! no time limit but the caller's token.

use std::ops::Range;

use innsyn_proto::wire::research::v1::Query;
use tokio_util::sync::CancellationToken;

pub use cells::CELLS_MAX;
pub use error::{EngineError, PlanError};
pub use partial::{Answer, Cell, Key, Part, PartialTable};
pub use persons::{Included, PersonSet};
pub use placed::Placed;
pub use snapshot::{Snapshot, StoredFile, StoredView};

use cells::Cells;
use collapse::Collapse;
use placed::Placing;
use plan::{Asked, Conditions, Plan, Reading};
use scan::{Rows, Scan, Sink};
use words::Words;

mod cells;
mod collapse;
mod error;
mod kept;
mod moments;
mod month;
mod partial;
mod persons;
mod placed;
mod plan;
pub mod postgres;
mod predicate;
mod scan;
mod snapshot;
mod words;

#[cfg(test)]
mod tests;

/// What decoding takes at a time, whatever the query: pages, batches, a file's footer.
pub const SCAN_BYTES: usize = 16 << 20;
/// Most passes over the files for one query.
const PASSES_MAX: usize = 1_000;
/// Persons between two looks at the token.
const CANCEL_PERSONS: usize = 8_192;

/// Runs `query` over `snapshot`, counting only `included`.
///
/// At most about `memory_bytes` are held, of which [`SCAN_BYTES`] are for decoding. `cancel` is
/// looked at with each batch of rows and each few thousand persons. Blocks on files and computes:
/// call it where that may be.
pub fn run(
    query: &Query,
    snapshot: &Snapshot,
    included: &Included,
    memory_bytes: usize,
    cancel: &CancellationToken,
) -> Result<Answer, EngineError> {
    if included.persons().persons() != snapshot.persons {
        return Err(EngineError::OtherSnapshot);
    }
    let (plan, conditions) = Plan::of(query, snapshot)?;
    let memory = Memory::share(memory_bytes, snapshot.persons);
    let span_persons = memory.persons_in_span(&plan, conditions.asked.len(), snapshot.persons)?;
    let run = Run {
        plan: &plan,
        included,
        memory,
        cancel,
    };
    run.in_spans(conditions, span_persons)
}

/// One run of a plan.
#[derive(Debug)]
struct Run<'a> {
    plan: &'a Plan<'a>,
    included: &'a Included,
    memory: Memory,
    cancel: &'a CancellationToken,
}

impl Run<'_> {
    /// Takes the persons in spans of `span_persons`, in the order of their numbers.
    fn in_spans(
        &self,
        mut conditions: Conditions<'_>,
        span_persons: u32,
    ) -> Result<Answer, EngineError> {
        let persons = self.included.persons().persons();
        let mut words = Words::default();
        let mut cells = Cells::new(self.plan);
        let mut counted = PersonSet::nobody(persons);
        let mut placing = Placing::new(self.plan.periods.is_some());
        let mut first = 0;
        while first < persons {
            let span = first..persons.min(first.saturating_add(span_persons));
            first = span.end;
            if self.included.persons().has_any_of(&span) {
                let mut made = Made {
                    cells: &mut cells,
                    placing: &mut placing,
                    counted: &mut counted,
                };
                self.span(&span, &mut conditions, &mut words, &mut made)?;
            }
        }
        Ok(Answer {
            placed: placing.finish(&cells, &words),
            table: cells.finish(&words),
            counted,
        })
    }

    /// Adds the persons of `span` to what is `made`.
    fn span(
        &self,
        span: &Range<u32>,
        conditions: &mut Conditions<'_>,
        words: &mut Words,
        made: &mut Made<'_, '_>,
    ) -> Result<(), EngineError> {
        let Made {
            cells,
            placing,
            counted,
        } = made;
        let mut having = Vec::with_capacity(conditions.asked.len());
        for asked in &mut conditions.asked {
            having.push(self.persons_having(span, asked, words, cells)?);
        }
        let mut rows = Collapse::new(self.plan, span);
        let pass = self.scan(&self.plan.counted, span);
        let mut collapsing = Collapsing {
            rows: &mut rows,
            memory: self.memory,
            cells,
        };
        pass.run(&mut conditions.filter, &having, words, &mut collapsing)?;
        let mut before = None;
        let mut looked = 0;
        for (at, slot) in rows.rows() {
            if at - looked >= CANCEL_PERSONS {
                looked = at;
                if self.cancel.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
            }
            if before.is_some_and(|before| before != at) {
                placing.next_person();
            }
            if before != Some(at) {
                cells.next_person();
                // INVARIANT: `at` is counted from the first of the span.
                counted.insert(span.start + u32::try_from(at).unwrap_or(u32::MAX - span.start));
                before = Some(at);
            }
            let taken = words.memory_bytes() + placing.memory_bytes();
            cells
                .add(&rows, &slot, words, || {
                    self.memory.growing.saturating_sub(taken)
                })
                .and_then(|place| placing.add(place))
                .map_err(|error| error.told(self.memory.limit))?;
        }
        if before.is_some() {
            placing.next_person();
        }
        if placing.memory_bytes() > self.memory.growing {
            return Err(self.memory.exceeded());
        }
        Ok(())
    }

    /// The persons of `span`, counted from its first, who have the events asked.
    fn persons_having(
        &self,
        span: &Range<u32>,
        asked: &mut Asked<'_>,
        words: &mut Words,
        cells: &Cells<'_>,
    ) -> Result<PersonSet, EngineError> {
        let Asked {
            reading,
            filter,
            at_least,
        } = asked;
        let pass = self.scan(reading, span);
        let mut counting = CountingEvents {
            events: vec![0_u32; span.len()],
            memory: self.memory,
            cells,
        };
        pass.run(filter, &[], words, &mut counting)?;
        let mut having = PersonSet::nobody(span.end - span.start);
        for (person, events) in (0..).zip(&counting.events) {
            if *events >= *at_least {
                having.insert(person);
            }
        }
        Ok(having)
    }

    const fn scan<'s>(&'s self, reading: &'s Reading<'s>, span: &'s Range<u32>) -> Scan<'s> {
        Scan {
            reading,
            included: self.included,
            span,
            cancel: self.cancel,
        }
    }
}

/// Rows that become one for each person.
struct Collapsing<'c, 'a> {
    rows: &'c mut Collapse<'a>,
    memory: Memory,
    cells: &'c Cells<'a>,
}

impl Sink for Collapsing<'_, '_> {
    fn choose(&mut self, rows: &mut Rows, words: &Words) -> Result<(), EngineError> {
        self.memory.check(words, self.cells)?;
        self.rows.choose(rows);
        Ok(())
    }

    fn take(&mut self, rows: &Rows, words: &Words) -> Result<(), EngineError> {
        self.memory.check(words, self.cells)?;
        self.rows.add(rows, words);
        Ok(())
    }
}

/// Rows of which only their number counts, person by person.
struct CountingEvents<'c, 'a> {
    events: Vec<u32>,
    memory: Memory,
    cells: &'c Cells<'a>,
}

impl Sink for CountingEvents<'_, '_> {
    fn choose(&mut self, rows: &mut Rows, words: &Words) -> Result<(), EngineError> {
        for person in rows.persons() {
            if let Some(events) = self.events.get_mut(*person as usize) {
                *events = events.saturating_add(1);
            }
        }
        rows.keep_none();
        self.memory.check(words, self.cells)
    }

    /// There are none left.
    fn take(&mut self, _: &Rows, _: &Words) -> Result<(), EngineError> {
        Ok(())
    }
}

/// What a run makes, person by person.
#[derive(Debug)]
struct Made<'m, 'a> {
    cells: &'m mut Cells<'a>,
    placing: &'m mut Placing,
    counted: &'m mut PersonSet,
}

/// How the memory of a run is shared.
#[derive(Debug, Clone, Copy)]
struct Memory {
    limit: usize,
    /// For accumulators.
    spans: usize,
    /// For codes, cells, and which of them persons are in.
    growing: usize,
}

impl Memory {
    /// Shares `limit` bytes, after what is needed in any case for so many `persons`.
    const fn share(limit: usize, persons: u32) -> Self {
        let counted = persons as usize / 8;
        let left = limit.saturating_sub(SCAN_BYTES).saturating_sub(counted);
        Self {
            limit,
            spans: left / 4 * 3,
            growing: left / 4,
        }
    }

    /// How many persons a span may have.
    fn persons_in_span(
        &self,
        plan: &Plan<'_>,
        asked: usize,
        persons: u32,
    ) -> Result<u32, EngineError> {
        // A count for each, of which then a bit is left.
        let asked = asked.saturating_mul(size_of::<u32>() + 1);
        let each = Collapse::bytes_per_person(plan).saturating_add(asked);
        let most = (self.spans / each.max(1)).min(Collapse::persons_max(plan));
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        if most == 0 || persons.div_ceil(most) as usize > PASSES_MAX {
            return Err(self.exceeded());
        }
        Ok(most)
    }

    /// Fails if what grows has grown too much.
    fn check(&self, words: &Words, cells: &Cells<'_>) -> Result<(), EngineError> {
        if words.memory_bytes().saturating_add(cells.memory_bytes()) > self.growing {
            return Err(self.exceeded());
        }
        Ok(())
    }

    const fn exceeded(&self) -> EngineError {
        EngineError::Memory {
            limit_bytes: self.limit,
        }
    }
}
