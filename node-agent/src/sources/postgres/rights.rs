//! May the role write? Every way in which it may is found and named, with the statement that
//! takes it away.
//!
//! A role may also do what any role does that it is a member of, inherited or by `SET ROLE`, and
//! what everybody (`PUBLIC`) may. What is looked at: attributes of the roles, PostgreSQL's own
//! writing roles, ownership of database, schemas and the relations read, grants on those
//! relations and their columns, and `CREATE` on the database and its schemas.

use std::fmt;

use tokio_postgres::Client;

use super::{failed, quoted};
use crate::sources::error::SourceError;

/// One way in which the role may write, or may see what it should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRight {
    kind: Kind,
    /// `SUPERUSER`, `INSERT`, the name of an inherited role …
    right: String,
    /// What it is a right to, as SQL names it; empty for the role's own attributes.
    object: String,
    /// Who has it: the role, one it is a member of, or `PUBLIC`.
    holder: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Attribute,
    Member,
    Owner,
    Grant,
}

impl WriteRight {
    /// The statement that takes the right from `role`.
    pub fn mended_by(&self, role: &str) -> String {
        let Self {
            kind,
            right,
            object,
            holder,
        } = self;
        match kind {
            Kind::Attribute if holder == role => format!("ALTER ROLE {} NO{right};", quoted(role)),
            // The right belongs to a role that others need: leave that role.
            Kind::Attribute | Kind::Member => {
                format!("REVOKE {} FROM {};", quoted(holder), quoted(role))
            }
            Kind::Owner if holder == role => format!("ALTER {object} OWNER TO the_owner;"),
            Kind::Owner => format!("REVOKE {} FROM {};", quoted(holder), quoted(role)),
            Kind::Grant if holder == PUBLIC => format!("REVOKE {right} ON {object} FROM PUBLIC;"),
            Kind::Grant => format!("REVOKE {right} ON {object} FROM {};", quoted(holder)),
        }
    }
}

impl fmt::Display for WriteRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            right,
            object,
            holder,
        } = self;
        match kind {
            Kind::Attribute => write!(f, "`{holder}` is {right}"),
            Kind::Member => write!(f, "it is a member of `{holder}`"),
            Kind::Owner => write!(f, "`{holder}` owns {object}"),
            Kind::Grant => write!(f, "`{holder}` has {right} on {object}"),
        }
    }
}

/// What everybody is called.
const PUBLIC: &str = "PUBLIC";

/// The rights, one a row: kind, right, object, holder. A superuser is a member of every role,
/// so for one nothing else is listed.
const RIGHTS: &str = r"
WITH me AS (SELECT oid, rolname, rolsuper FROM pg_roles WHERE rolname = session_user),
roles AS (
    SELECT r.* FROM pg_roles r, me
    WHERE r.oid = me.oid OR (NOT me.rolsuper AND pg_has_role(me.oid, r.oid, 'MEMBER'))),
holders AS (
    SELECT oid, rolname::text AS name FROM roles
    UNION ALL SELECT 0::oid, 'PUBLIC'),
relations AS (
    SELECT c.oid, c.relowner, c.relacl,
           format('%s %I.%I', CASE c.relkind WHEN 'v' THEN 'VIEW'
               WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
               ELSE 'TABLE' END, n.nspname, c.relname) AS owned,
           format('%I.%I', n.nspname, c.relname) AS granted
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN unnest($1::text[], $2::text[]) AS w (schema, name)
      ON n.nspname = w.schema AND c.relname = w.name),
database AS (
    SELECT datdba, datacl, format('DATABASE %I', datname) AS name
    FROM pg_database WHERE datname = current_database()),
schemas AS (
    SELECT nspowner, nspacl, format('SCHEMA %I', nspname) AS name
    FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
owned AS (
    SELECT relowner AS owner, owned AS name FROM relations
    UNION ALL SELECT datdba, name FROM database
    UNION ALL SELECT nspowner, name FROM schemas),
grants AS (
    SELECT g.grantee, g.privilege_type, granted AS name
    FROM relations, aclexplode(relacl) g
    UNION ALL
    SELECT g.grantee, g.privilege_type || format(' (%I)', a.attname), granted
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid, aclexplode(a.attacl) g
    UNION ALL
    SELECT g.grantee, g.privilege_type, name FROM database, aclexplode(datacl) g
    UNION ALL
    SELECT g.grantee, g.privilege_type, name FROM schemas, aclexplode(nspacl) g)
SELECT 'attribute', a.name, '', r.rolname::text
FROM roles r, LATERAL (VALUES
    ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole), ('CREATEDB', r.rolcreatedb),
    ('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls)) AS a (name, has)
WHERE a.has AND (a.name = 'SUPERUSER' OR NOT r.rolsuper)
UNION ALL
SELECT 'member', '', '', r.rolname::text FROM roles r, me
WHERE NOT me.rolsuper AND r.rolname IN ('pg_write_all_data', 'pg_write_server_files',
    'pg_execute_server_program')
UNION ALL
SELECT 'owner', '', o.name, r.rolname::text
FROM owned o JOIN roles r ON r.oid = o.owner, me
WHERE NOT me.rolsuper AND r.rolname <> 'pg_database_owner'
UNION ALL
SELECT 'grant', g.privilege_type, g.name, h.name
FROM grants g JOIN holders h ON h.oid = g.grantee, me
WHERE NOT me.rolsuper AND h.name NOT IN ('pg_database_owner') AND NOT EXISTS (
      SELECT FROM owned o WHERE o.owner = h.oid AND o.name LIKE '%' || g.name)
  AND split_part(g.privilege_type, ' ', 1)
      IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'CREATE')
ORDER BY 1, 2, 3, 4
";

/// Every way in which the session's role may write; `relations` are (schema, name) of those
/// that are read. One that does not exist gives nothing here and is missed later.
pub(crate) async fn of(
    client: &Client,
    relations: &[(&str, &str)],
) -> Result<Vec<WriteRight>, SourceError> {
    let (schemas, names): (Vec<&str>, Vec<&str>) = relations.iter().copied().unzip();
    let error = failed("looking at the role's rights");
    let rows = client
        .query(RIGHTS, &[&schemas, &names])
        .await
        .map_err(&error)?;
    let mut rights = Vec::with_capacity(rows.len());
    for row in rows {
        let kind = match row.try_get(0).map_err(&error)? {
            "attribute" => Kind::Attribute,
            "member" => Kind::Member,
            "owner" => Kind::Owner,
            _ => Kind::Grant,
        };
        rights.push(WriteRight {
            kind,
            right: row.try_get(1).map_err(&error)?,
            object: row.try_get(2).map_err(&error)?,
            holder: row.try_get(3).map_err(&error)?,
        });
    }
    Ok(rights)
}

impl WriteRight {
    /// Whether it is a right to schema `name` itself.
    pub(crate) fn is_to_schema(&self, name: &str) -> bool {
        // As `format('%I')` writes it, which quotes only where it must.
        let object = self.object.strip_prefix("SCHEMA ");
        object.is_some_and(|object| object == name || object == quoted(name))
    }

    /// `right` to `object`, granted to `holder`.
    pub(super) const fn grant(right: String, object: String, holder: String) -> Self {
        Self {
            kind: Kind::Grant,
            right,
            object,
            holder,
        }
    }

    /// `holder` is a role that the session's role is a member of.
    pub(super) const fn membership(holder: String) -> Self {
        Self {
            kind: Kind::Member,
            right: String::new(),
            object: String::new(),
            holder,
        }
    }
}
