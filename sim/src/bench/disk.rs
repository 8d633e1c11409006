//! How long the disk under a folder takes to make an append safe.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use tokio::time::Instant;

use super::report::Spread;

/// Appends timed.
const APPENDS: usize = 200;

/// Times appends of 4 KiB, each with its fdatasync, in a file in `folder`. Microseconds.
pub(super) fn append_us(folder: &Path) -> anyhow::Result<Spread> {
    let path = folder.join("fdatasync.probe");
    let mut file = File::create(&path)?;
    let mut us = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        us.push(began.elapsed().as_secs_f64() * 1e6);
    }
    std::fs::remove_file(path)?;
    Ok(Spread::of(us))
}
