//! May the role that runs queries see, or do, anything but read its views? Every other right is
//! found and named, with the statement that takes it away.
//!
//! What is looked at beside the rights to write (see `rights`): any right to a table, view,
//! sequence or column, an owner's included, outside the system's own schemas, functions there that run with their
//! owner's rights, and PostgreSQL's own roles that see everything. What belongs to an extension
//! is left out: extensions let everybody read their own tables.

use tokio_postgres::Client;

use super::failed;
use super::rights::{self, WriteRight};
use crate::sources::error::SourceError;

/// The rights, one a row: right, object, holder; no right where the holder is such a role.
const SIGHT: &str = r#"
WITH me AS (SELECT oid, rolsuper FROM pg_roles WHERE rolname = session_user),
roles AS (
    SELECT r.oid, r.rolname::text AS name FROM pg_roles r, me
    WHERE r.oid = me.oid OR (NOT me.rolsuper AND pg_has_role(me.oid, r.oid, 'MEMBER'))),
holders AS (SELECT oid, name FROM roles UNION ALL SELECT 0::oid, 'PUBLIC'),
outside AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
relations AS (
    SELECT c.oid, format('%I.%I', o.nspname, c.relname) AS name,
           o.nspname = $1::text AND c.relname = ANY ($2::text[]) AS is_view,
           coalesce(c.relacl, acldefault(
               CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner)) AS acl
    FROM pg_class c JOIN outside o ON o.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
        AND d.objid = c.oid AND d.deptype = 'e')),
functions AS (
    SELECT p.oid::regprocedure::text AS name,
           coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
    FROM pg_proc p JOIN outside o ON o.oid = p.pronamespace
    WHERE p.prosecdef AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
        AND d.objid = p.oid AND d.deptype = 'e')),
grants AS (
    SELECT g.grantee, g.privilege_type, r.name, r.is_view FROM relations r, aclexplode(r.acl) g
    UNION ALL
    SELECT g.grantee, g.privilege_type || format(' (%I)', a.attname), r.name, false
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid, aclexplode(a.attacl) g
    UNION ALL
    SELECT g.grantee, g.privilege_type, 'FUNCTION ' || f.name, false
    FROM functions f, aclexplode(f.acl) g)
SELECT g.privilege_type, g.name, h.name FROM grants g JOIN holders h ON h.oid = g.grantee
WHERE NOT (g.is_view AND g.privilege_type = 'SELECT')
UNION ALL
SELECT '', '', name FROM roles
WHERE name IN ('pg_read_all_data', 'pg_read_server_files', 'pg_monitor', 'pg_read_all_stats')
ORDER BY 1, 2, 3
"#;

/// Fails if the session's role, called `role`, may write or may see anything but `views` of
/// `schema`.
pub(crate) async fn refuse_more(
    client: &Client,
    role: &str,
    schema: &str,
    views: &[&str],
) -> Result<(), SourceError> {
    let writing = rights::of(client, &[]).await?;
    if !writing.is_empty() {
        return Err(SourceError::MayWrite {
            role: role.to_owned(),
            rights: writing,
        });
    }
    let error = failed("looking at the role's rights");
    let rows = client
        .query(SIGHT, &[&schema, &views])
        .await
        .map_err(&error)?;
    let mut seeing = Vec::with_capacity(rows.len());
    for row in rows {
        let right: String = row.try_get(0).map_err(&error)?;
        let (object, holder) = (
            row.try_get(1).map_err(&error)?,
            row.try_get(2).map_err(&error)?,
        );
        seeing.push(if right.is_empty() {
            WriteRight::membership(holder)
        } else {
            WriteRight::grant(right, object, holder)
        });
    }
    if seeing.is_empty() {
        return Ok(());
    }
    Err(SourceError::MaySee {
        role: role.to_owned(),
        rights: seeing,
    })
}
