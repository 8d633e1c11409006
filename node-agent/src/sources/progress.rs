//! How far a load has come.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Is told how far a load has come. Rows are told in batches, not one by one.
pub trait Progress: fmt::Debug + Send + Sync {
    /// About this many more rows are to be expected.
    fn expect(&self, rows: u64);
    /// This many more rows were read.
    fn read(&self, rows: u64);
    /// The load is over, well or not.
    fn finish(&self);
}

/// Rows between two reports of progress.
pub(crate) const PROGRESS_ROWS: u64 = 8_192;

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn expect(&self, _: u64) {}
    fn read(&self, _: u64) {}
    fn finish(&self) {}
}

/// A bar on the terminal; draws nothing where standard error is no terminal.
#[derive(Debug)]
pub struct TerminalBar(ProgressBar);

impl TerminalBar {
    /// A bar for reading the source.
    pub fn new() -> Arc<Self> {
        let bar = ProgressBar::no_length();
        let style = "{spinner} reading the source  {wide_bar}  {human_pos} of {human_len} rows";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Arc::new(Self(bar))
    }
}

impl Progress for TerminalBar {
    fn expect(&self, rows: u64) {
        self.0.inc_length(rows);
        if self.0.length().is_none() {
            self.0.set_length(rows);
        }
    }

    fn read(&self, rows: u64) {
        self.0.inc(rows);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
