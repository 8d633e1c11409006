//! An export, frame by frame, as it comes; and the file that carries it.

use std::io::{self, Read};

use innsyn_policy::{RegisterId, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{
    CHANGES, END, Export, ExportError, ExportedChange, FILE_LINE, FILE_LINE_OF_ANY,
    FRAME_BYTES_MAX, digest_of_lines, head, lines,
};
use crate::identity::Identity;
use crate::lines::{LineError, Lines, bytes};
use crate::sealing::{OpeningKey, OpeningStream};
use crate::tls::Authority;

/// An export on its way in. **What its frames say counts only once [`ReadingExport::end`] has said
/// what it is.**
#[derive(Debug)]
pub struct ReadingExport {
    from: RegisterId,
    to: RegisterId,
    key: OpeningKey,
    stream: OpeningStream,
    digest: Sha256,
    changes: u64,
    end: Option<String>,
}

impl ReadingExport {
    /// Begins with the first frame of an export to `register`, whose agent has `key`.
    pub fn begin(
        first: &[u8],
        register: &RegisterId,
        key: &OpeningKey,
    ) -> Result<Self, ExportError> {
        let text = str::from_utf8(first).unwrap_or_default();
        let mut read = Lines::after(FILE_LINE.trim_end(), text).map_err(ExportError::Head)?;
        let from = lines::register(&mut read, "from").map_err(ExportError::Head)?;
        let to = lines::register(&mut read, "to").map_err(ExportError::Head)?;
        let sealed_to = lines::key(&mut read).map_err(ExportError::Head)?;
        let encapsulated = read.read("encapsulated-key", bytes);
        let encapsulated = encapsulated.map_err(ExportError::Head)?;
        if !read.are_read() {
            return Err(ExportError::Head(LineError("end")));
        }
        if to != *register {
            return Err(ExportError::OtherRegister(to));
        }
        if sealed_to != *key.public() {
            return Err(ExportError::OtherKey);
        }
        let info = head(&from, &to, &sealed_to);
        Ok(Self {
            stream: key.stream(&encapsulated, info.as_bytes())?,
            from,
            to,
            key: key.clone(),
            digest: digest_of_lines(),
            changes: 0,
            end: None,
        })
    }

    /// Opens the next frame; gives the changes in it, none in the last.
    pub fn frame(&mut self, frame: &[u8]) -> Result<Vec<ExportedChange>, ExportError> {
        let (kind, sealed) = frame.split_first().ok_or(ExportError::Cut)?;
        if self.end.is_some() {
            return Err(ExportError::Cut);
        }
        let part = self.stream.open(sealed, &[*kind])?;
        let text = str::from_utf8(&part).map_err(|_| LineError("change"))?;
        match *kind {
            CHANGES => {
                self.digest.update(text.as_bytes());
                let changes = text
                    .lines()
                    .map(|line| ExportedChange::of_line(line).ok_or(LineError("change")))
                    .collect::<Result<Vec<_>, _>>()?;
                self.changes += changes.len() as u64;
                Ok(changes)
            }
            END => {
                self.end = Some(text.to_owned());
                Ok(Vec::new())
            }
            _ => Err(LineError("kind").into()),
        }
    }

    /// What it was that came, if all of it did, and a register of `federation` has signed it.
    pub fn end(self, federation: &Authority, now: Timestamp) -> Result<Export, ExportError> {
        let signed = self.end.ok_or(ExportError::Cut)?;
        let (text, certificate) = federation.read_signed(&signed, now)?;
        let export = Export::of_text(text)?;
        if certificate.identity != Identity::Node(export.from.clone()) {
            return Err(ExportError::OfOther {
                from: export.from,
                by: certificate.identity,
            });
        }
        let digest: [u8; 32] = self.digest.finalize().into();
        let came = (
            &self.from,
            &self.to,
            self.key.public(),
            self.changes,
            digest,
        );
        let said = (
            &export.from,
            &export.to,
            &export.key,
            export.changes,
            export.digest,
        );
        if came == said {
            Ok(export)
        } else {
            Err(ExportError::Digest)
        }
    }
}

/// Why a file is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportFileError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// Something else.
    #[error("it is no export of settings, as `innsyn-agent settings export` makes it")]
    OtherFile,
    /// Made by another version of the agent.
    #[error(
        "it is an export in another format (`{0}`); have it made by an agent of this one's version"
    )]
    OtherFormat(String),
    /// It ends within a frame.
    #[error("it was cut on its way; get it again")]
    Cut,
    /// A frame is too long to be one.
    #[error("it was changed on its way; get it again")]
    TooLong,
}

/// The frames in a file.
#[derive(Debug)]
pub struct ExportFile<R>(R);

impl<R: Read> ExportFile<R> {
    /// The frames in `file`, which must begin as an export does.
    pub fn begin(mut file: R) -> Result<Self, ExportFileError> {
        let mut line = [0; FILE_LINE.len()];
        let mut there = 0;
        while let Some(rest) = line.get_mut(there..).filter(|rest| !rest.is_empty()) {
            match file.read(rest)? {
                0 => break,
                more => there += more,
            }
        }
        if line == *FILE_LINE.as_bytes() {
            return Ok(Self(file));
        }
        let line = String::from_utf8_lossy(&line);
        match line.strip_prefix(FILE_LINE_OF_ANY) {
            Some(format) if format.trim().bytes().all(|b| b.is_ascii_digit()) => {
                Err(ExportFileError::OtherFormat(format.trim().to_owned()))
            }
            _ => Err(ExportFileError::OtherFile),
        }
    }

    /// The next frame; `None` at the end of the file.
    pub fn frame(&mut self) -> Result<Option<Vec<u8>>, ExportFileError> {
        let mut length = [0; 4];
        if self.0.read(&mut length[..1])? == 0 {
            return Ok(None);
        }
        self.exact(&mut length[1..])?;
        let length = u32::from_be_bytes(length) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(ExportFileError::TooLong);
        }
        let mut frame = vec![0; length];
        self.exact(&mut frame)?;
        Ok(Some(frame))
    }

    fn exact(&mut self, into: &mut [u8]) -> Result<(), ExportFileError> {
        self.0.read_exact(into).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ExportFileError::Cut,
            _ => error.into(),
        })
    }
}
