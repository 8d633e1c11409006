//! The statements, which both databases take.

/// The release of one key.
pub(super) const FIND: &str = "\
    SELECT r.number, r.query, r.released_at, r.words_nb, r.words_en, r.released, r.audit \
    FROM innsyn_release r JOIN innsyn_permit p ON p.number = r.permit \
    WHERE p.issuer = $1 AND p.name = $2 AND r.query = $3 AND r.contributors = $4";
/// A permit's releases, in the order in which they were recorded.
pub(super) const LIST: &str = "\
    SELECT r.number, r.query, r.released_at, r.words_nb, r.words_en, r.released, r.audit \
    FROM innsyn_release r JOIN innsyn_permit p ON p.number = r.permit \
    WHERE p.issuer = $1 AND p.name = $2 ORDER BY r.number";
/// What contributed to a permit's releases.
pub(super) const CONTRIBUTORS: &str = "\
    SELECT c.release, c.register, c.snapshot \
    FROM innsyn_contributor c JOIN innsyn_release r ON r.number = c.release \
    JOIN innsyn_permit p ON p.number = r.permit WHERE p.issuer = $1 AND p.name = $2";
/// How many queries of a permit each register has answered.
pub(super) const ANSWERED: &str = "\
    SELECT c.register, COUNT(*) \
    FROM innsyn_contributor c JOIN innsyn_release r ON r.number = c.release \
    JOIN innsyn_permit p ON p.number = r.permit WHERE p.issuer = $1 AND p.name = $2 \
    GROUP BY c.register";
/// How many releases a permit has.
pub(super) const RELEASED: &str = "SELECT COUNT(*) FROM innsyn_release WHERE permit = $1";
/// Makes the row of a permit that has none.
pub(super) const NAME_PERMIT: &str =
    "INSERT INTO innsyn_permit (issuer, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
/// Records a release.
pub(super) const RECORD: &str = "\
    INSERT INTO innsyn_release \
    (permit, query, contributors, released_at, words_nb, words_en, released, audit) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING number";
/// Begins the statement that records its contributors.
pub(super) const CONTRIBUTE: &str = "INSERT INTO innsyn_contributor (release, register, snapshot) ";
/// Writes something that nobody misses.
pub(super) const CHECK: &str = "UPDATE innsyn_ledger SET checks = checks + 1";
