//! The frames of a run, in parts: what became of the records of one part is held in memory when the run is settled.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use domain::error::Failure;
use domain::ledger::Ledger;
use domain::worker::{RunFolder, WorkOrder};
use engine_native::control::Control;
use engine_native::records::{Decoded, Records};
use engine_native::worker::compile;
use serde::{Deserialize, Serialize};

use super::failures::unusable;
use crate::frame;
use crate::plan::Files;

/// Records of a part.
const PART: u64 = 1_000_000;
const BUFFER: usize = 1 << 20;

/// What the frames hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// How many records are in each.
    pub records: Vec<u64>,
    /// What is known of all records before anything is sent: what was read, and what the decoder rejects.
    pub ledger: Ledger,
}

impl Parts {
    /// The frames that are there; none if they were not written to their end.
    pub fn load(folder: &RunFolder) -> Result<Option<Self>, Failure> {
        engine_native::read_json(&index(folder))
    }

    /// Writes the frames of all records; none if `control` says that there shall be none. `come` is told which share of the
    /// files has been read.
    pub fn write(
        folder: &RunFolder,
        order: &WorkOrder,
        records: &Records,
        control: &Arc<Control>,
        come: impl FnMut(f64),
    ) -> Result<Option<Self>, Failure> {
        let frames = Files::of(folder).frames;
        super::ground::empty(&frames)?;
        let mut writer = Writer {
            folder: frames,
            // filters that remember records must see all of them in order
            most: match compile(order)?.is_ordered() {
                true => u64::MAX,
                false => PART,
            },
            records: Vec::new(),
            file: None,
            frame: Vec::new(),
        };
        let framed = records.each(control, |record| writer.add(record), come)?;
        writer.end_part()?;
        let Some(ledger) = framed else {
            return Ok(None);
        };
        let parts = Self {
            records: writer.records,
            ledger,
        };
        engine_native::write_json(&index(folder), &parts)?;
        Ok(Some(parts))
    }

    /// The frames are no more.
    pub fn forget(folder: &RunFolder) -> Result<(), Failure> {
        let path = index(folder);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(unusable(&path, &e)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Records of all parts.
    pub fn total(&self) -> u64 {
        self.records.iter().sum()
    }
}

fn index(folder: &RunFolder) -> PathBuf {
    folder.path().join("frames.json")
}

struct Writer {
    folder: PathBuf,
    most: u64,
    records: Vec<u64>,
    file: Option<BufWriter<File>>,
    frame: Vec<u8>,
}

impl Writer {
    fn add(&mut self, record: &Decoded<'_>) -> Result<(), Failure> {
        if self.records.last().is_none_or(|&n| n >= self.most) {
            self.end_part()?;
            self.begin_part()?;
        }
        let part = self.records.len().saturating_sub(1);
        self.frame.clear();
        frame::append(
            part,
            record.file.file_key.as_str(),
            record.position,
            record.fields,
            &mut self.frame,
        );
        if let Some(file) = &mut self.file {
            file.write_all(&self.frame)
                .map_err(|e| unusable(&self.folder, &e))?;
        }
        if let Some(n) = self.records.last_mut() {
            *n += 1;
        }
        Ok(())
    }

    fn begin_part(&mut self) -> Result<(), Failure> {
        let path = self.path(self.records.len());
        let file = File::create_new(&path).map_err(|e| unusable(&path, &e))?;
        self.file = Some(BufWriter::with_capacity(BUFFER, file));
        self.records.push(0);
        Ok(())
    }

    fn end_part(&mut self) -> Result<(), Failure> {
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let file = file
            .into_inner()
            .map_err(|e| unusable(&self.folder, e.error()))?;
        file.sync_all().map_err(|e| unusable(&self.folder, &e))
    }

    fn path(&self, part: usize) -> PathBuf {
        self.folder.join(format!("{part}.frames"))
    }
}
