//! The kill switch: a file that is there or not, so that nothing else is edited in a hurry.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::queue::write_durably;

/// The name of the file in the folder of research.
pub const FILE: &str = "stopped";

/// The kill switch.
#[derive(Debug, Clone)]
pub struct Switch {
    folder: PathBuf,
}

impl Switch {
    /// The switch in the folder of research.
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Whether everything is stopped; so it is, too, where that cannot be told.
    pub fn is_on(&self) -> bool {
        let looked = fs::symlink_metadata(self.folder.join(FILE));
        !matches!(looked, Err(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Stops everything; `note` says who and why, for people.
    pub fn stop(&self, note: &str) -> io::Result<()> {
        write_durably(&self.folder, FILE, format!("{note}\n").as_bytes())
    }

    /// Lets the rules decide again. Whether the switch was on.
    pub fn resume(&self) -> io::Result<bool> {
        match fs::remove_file(self.folder.join(FILE)) {
            Ok(()) => fs::File::open(&self.folder)?.sync_all().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
