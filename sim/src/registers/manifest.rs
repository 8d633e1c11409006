//! Writes a register's `manifest.toml`, which tells its agent which file and column is what.

use std::fmt::Write as _;

use super::table::{SETTINGS_FILE, STATUS_DELETED, STATUS_REGISTERED, file_name};
use super::{Layout, Register};

/// The manifest of `register`.
pub(super) fn of(register: &Register) -> String {
    let mut text = String::from("[persons]\n");
    let columns = if register.layout == Layout::ParquetBare {
        r#"national_id = "fnr""#
    } else {
        r#"national_id = "fnr", registered_since = "registrert", last_changed = "endret", status = "status""#
    };
    // Writing to a string does not fail.
    let _ = writeln!(text, "files = [\"{}\"]", file_name(register.layout));
    let _ = writeln!(text, "columns = {{ {columns} }}");
    if register.layout != Layout::ParquetBare {
        let _ = writeln!(
            text,
            "status = {{ registered = [\"{STATUS_REGISTERED}\"], deleted = [\"{STATUS_DELETED}\"] }}"
        );
    }
    let _ = write!(
        text,
        "\n[settings]\nfiles = [\"{SETTINGS_FILE}\"]\n\
         columns = {{ national_id = \"fnr\", kind = \"type\", purpose = \"formaal\", \
         from = \"fra\", until = \"til\" }}\n"
    );
    text
}
