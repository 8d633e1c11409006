//! Secrets that stand in files of their own, apart from what they protect.
//!
//! Who gets a copy of the log or of the records must not get with it the means to tell persons
//! from it. A secret is made together with what it protects; when it is gone later, nothing new is
//! made in its place, because everything old would silently change its meaning.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why the file of a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// A key stands beside what it protects.
    #[error("the key `{}` must not be inside the folder that it protects, `{}`", file.display(), folder.display())]
    Inside {
        /// The key's file.
        file: PathBuf,
        /// What it protects.
        folder: PathBuf,
    },
    /// What it protects is old and the key is gone.
    #[error("what the key `{}` protects is there, but it is missing; restore it from your backup", file.display())]
    Missing {
        /// The key's file.
        file: PathBuf,
    },
    /// Others than the agent may read the key.
    #[error("others may read the key `{}`; make it mode 0600", file.display())]
    Readable {
        /// The key's file.
        file: PathBuf,
    },
    /// The file cannot be read or made.
    #[error("the key `{}` cannot be read or made", file.display())]
    Io {
        /// The key's file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Refuses a `file` that is, or would be, inside the `folder` that it protects.
pub(crate) fn refuse_inside(file: &Path, folder: &Path) -> Result<(), SecretFileError> {
    if is_inside(file, folder) {
        return Err(SecretFileError::Inside {
            file: file.to_owned(),
            folder: folder.to_owned(),
        });
    }
    Ok(())
}

/// Whether `file`, which may not be there yet, is or would be inside `folder`.
fn is_inside(file: &Path, folder: &Path) -> bool {
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let real = |path: &Path| {
        fs::canonicalize(path)
            .or_else(|_| std::path::absolute(path))
            .unwrap_or_else(|_| path.to_owned())
    };
    let folder = real(folder);
    // A link to a key in the folder, and a key in a folder that is linked to.
    real(file).starts_with(&folder) || real(parent).starts_with(&folder)
}

/// The text of the secret in `file`; what it protects `is_new`, so that one is made if there is
/// none.
pub(crate) fn read_or_make(
    file: &Path,
    is_new: bool,
    make: impl FnOnce() -> Option<String>,
) -> Result<String, SecretFileError> {
    let io_error = |source| SecretFileError::Io {
        file: file.to_owned(),
        source,
    };
    let mode = match fs::metadata(file) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
        Err(_) if is_new => {
            let text = make().unwrap_or_default();
            write_secret(file, &text).map_err(io_error)?;
            return Ok(text);
        }
        Err(_) => {
            return Err(SecretFileError::Missing {
                file: file.to_owned(),
            });
        }
    };
    if mode & 0o077 != 0 {
        return Err(SecretFileError::Readable {
            file: file.to_owned(),
        });
    }
    fs::read_to_string(file).map_err(io_error)
}

/// Makes the file whole or not at all, and safe: no entry may outlive its key.
fn write_secret(file: &Path, text: &str) -> io::Result<()> {
    let unfinished = file.with_extension("unfinished");
    let mut written = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    fs::rename(&unfinished, file)?;
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
