//! An export, frame by frame: so much in memory as one frame takes.

use std::mem;

use innsyn_policy::RegisterId;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

use super::{CHANGES, END, Export, ExportedChange, LINES_BYTES, Recipient, digest_of_lines, head};
use crate::sealing::{SealError, SealingStream};
use crate::tls::{Credentials, LoadTlsError};

/// An export on its way out.
#[derive(Debug)]
pub struct WritingExport {
    stream: SealingStream,
    lines: String,
    digest: Sha256,
    changes: u64,
}

/// Why an export is not made.
#[derive(Debug, thiserror::Error)]
pub enum WriteExportError {
    /// The recipient's key cannot be sealed with.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It cannot be signed.
    #[error(transparent)]
    Sign(#[from] LoadTlsError),
}

impl WritingExport {
    /// An export by `from` to `to`, and its first frame.
    pub fn begin(
        from: &RegisterId,
        to: &Recipient,
        random: &mut impl CryptoRng,
    ) -> Result<(Self, Vec<u8>), SealError> {
        let head = head(from, &to.register, &to.key);
        let (key, stream) = to.key.stream(head.as_bytes(), random)?;
        let first = format!("{head}encapsulated-key: {}\n", hex::encode(key));
        let writing = Self {
            stream,
            lines: String::new(),
            digest: digest_of_lines(),
            changes: 0,
        };
        Ok((writing, first.into_bytes()))
    }

    /// Adds `change`; gives a frame where one is full.
    pub fn push(&mut self, change: &ExportedChange) -> Result<Option<Vec<u8>>, SealError> {
        self.lines.push_str(&change.line());
        self.changes += 1;
        (self.lines.len() >= LINES_BYTES)
            .then(|| self.frame())
            .transpose()
    }

    /// The last frames. What `export` says of changes and digest is put in here.
    pub fn end(
        mut self,
        export: Export,
        node: &Credentials,
    ) -> Result<(Export, [Vec<u8>; 2]), WriteExportError> {
        let lines = self.frame()?;
        let export = Export {
            changes: self.changes,
            digest: self.digest.finalize().into(),
            ..export
        };
        let signed = node.sign(&export.text())?;
        let end = sealed(&mut self.stream, END, signed.as_bytes())?;
        Ok((export, [lines, end]))
    }

    fn frame(&mut self) -> Result<Vec<u8>, SealError> {
        let lines = mem::take(&mut self.lines);
        self.digest.update(lines.as_bytes());
        sealed(&mut self.stream, CHANGES, lines.as_bytes())
    }
}

fn sealed(stream: &mut SealingStream, kind: u8, part: &[u8]) -> Result<Vec<u8>, SealError> {
    let sealed = stream.seal(part, &[kind])?;
    Ok([&[kind], sealed.as_slice()].concat())
}
