//! A file that is being written.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Writes to a file, compressed or not.
#[derive(Debug)]
pub struct Writer {
    encoding: Encoding,
    /// Whether something was written that the system may not have yet.
    buffered: bool,
    /// Whether something was written that may be lost in a crash.
    dirty: bool,
}

#[derive(Debug)]
enum Encoding {
    Plain(BufWriter<File>),
    /// With the member that is being written.
    Gzip(File, Option<GzEncoder<File>>),
}

impl Writer {
    pub fn new(file: File, gzip: bool) -> Self {
        let encoding = match gzip {
            true => Encoding::Gzip(file, None),
            false => Encoding::Plain(BufWriter::new(file)),
        };
        Self {
            encoding,
            buffered: false,
            dirty: false,
        }
    }

    pub fn write(&mut self, data: &[u8]) -> io::Result<()> {
        (self.buffered, self.dirty) = (true, true);
        match &mut self.encoding {
            Encoding::Plain(file) => file.write_all(data),
            Encoding::Gzip(file, member) => {
                let member = match member {
                    Some(member) => member,
                    None => {
                        member.insert(GzEncoder::new(file.try_clone()?, Compression::default()))
                    }
                };
                member.write_all(data)
            }
        }
    }

    /// Hands everything over to the system.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.buffered {
            match &mut self.encoding {
                Encoding::Plain(file) => file.flush()?,
                Encoding::Gzip(_, member) => member.as_mut().map_or(Ok(()), Write::flush)?,
            }
            self.buffered = false;
        }
        Ok(())
    }

    /// Makes everything outlive a crash. What is compressed ends here, so that it can be read; more is added as a member
    /// of its own.
    pub fn sync(&mut self) -> io::Result<()> {
        if !self.dirty {
            return Ok(());
        }
        match &mut self.encoding {
            Encoding::Plain(file) => {
                file.flush()?;
                file.get_ref().sync_data()?;
            }
            Encoding::Gzip(file, member) => {
                if let Some(member) = member.take() {
                    member.finish()?;
                }
                file.sync_data()?;
            }
        }
        (self.buffered, self.dirty) = (false, false);
        Ok(())
    }

    /// Ends the file.
    pub fn close(mut self) -> io::Result<()> {
        self.sync()
    }
}
