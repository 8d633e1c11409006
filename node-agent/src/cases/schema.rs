//! The tables of cases.

use crate::records::Schema;

/// The tables of cases, in the agent's records. Times are microseconds since 1970; what is sealed
/// is opened with the records' key alone.
pub const SCHEMA: Schema = Schema {
    name: "cases",
    steps: &[CASES, EXCHANGED, SEALED],
};

const CASES: &str = "\
CREATE TABLE cases (
    id BLOB PRIMARY KEY,
    person BLOB NOT NULL,
    opener BLOB NOT NULL,
    kind INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cases_of_person ON cases (person);
CREATE TABLE case_steps (
    case_id BLOB NOT NULL REFERENCES cases (id),
    number INTEGER NOT NULL,
    act INTEGER NOT NULL,
    party INTEGER NOT NULL,
    at INTEGER NOT NULL,
    person BLOB NOT NULL,
    actor BLOB,
    message_id BLOB,
    clerk BLOB,
    digest BLOB,
    words BLOB,
    receipt BLOB NOT NULL,
    PRIMARY KEY (case_id, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX case_messages ON case_steps (person, message_id)
    WHERE message_id IS NOT NULL;
CREATE TABLE case_words (
    id BLOB PRIMARY KEY,
    case_id BLOB NOT NULL REFERENCES cases (id),
    act INTEGER NOT NULL,
    said_at INTEGER NOT NULL,
    clerk BLOB NOT NULL,
    words BLOB,
    taken_at INTEGER,
    refused TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX case_words_waiting ON case_words (said_at) WHERE taken_at IS NULL;
CREATE TABLE case_notices (
    key BLOB PRIMARY KEY,
    person BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    given_to TEXT,
    given_at INTEGER,
    done_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX case_notices_waiting ON case_notices (made_at) WHERE done_at IS NULL;
";

/// Which messages of the exchange steps were: those that came, and those that are owed to whoever
/// sent them or were given to the exchange's own outbox.
const EXCHANGED: &str = "\
CREATE TABLE case_exchange (
    party INTEGER NOT NULL,
    message TEXT NOT NULL,
    case_id BLOB NOT NULL REFERENCES cases (id),
    step INTEGER NOT NULL,
    process TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (party, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_exchange_of_case ON case_exchange (case_id, step);
CREATE INDEX case_exchange_owed ON case_exchange (case_id, step) WHERE state = 'owed';
";

/// What came sealed: which items were dealt with, and which messages in them were refused, and why.
/// And when what was said in a case that is closed was removed.
const SEALED: &str = "\
CREATE TABLE case_items (
    name BLOB PRIMARY KEY,
    taken_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE case_refusals (
    person BLOB NOT NULL,
    message_id BLOB NOT NULL,
    refusal INTEGER NOT NULL,
    refused_at INTEGER NOT NULL,
    PRIMARY KEY (person, message_id)
) STRICT, WITHOUT ROWID;
ALTER TABLE case_steps ADD COLUMN removed_at INTEGER;
";
