//! The job monitor's series on disk: one sample a line, appended; and the view of it that readers get.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::monitor::Sample;
use domain::worker::RunFolder;

use crate::folder::blocking;
use crate::monitor::rates;

/// The samples of a run, oldest first, at most `max_points` of them (at least 2): a longer series is thinned out evenly,
/// its rates being those between the samples that stay. Empty if the run has no series.
pub async fn read(folder: &RunFolder, max_points: usize) -> io::Result<Vec<Sample>> {
    let path = folder.series();
    blocking(move || read_file(&path, max_points.max(2))).await
}

fn read_file(path: &Path, max_points: usize) -> io::Result<Vec<Sample>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut thinned = Thinned::new(max_points);
    let mut unreadable = 0u64;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        match serde_json::from_slice(&line) {
            Ok(sample) => thinned.push(sample),
            // a line that a crash cut off
            Err(_) => unreadable += 1,
        }
        line.clear();
    }
    if unreadable > 0 {
        tracing::debug!(path = %path.display(), unreadable, "skipped lines of a series that are no samples");
    }
    Ok(thinned.finish())
}

/// A series that is thinned out while it is read, so that a long one never lies in memory as a whole.
struct Thinned {
    max_points: usize,
    /// Every so many-th sample is kept.
    stride: usize,
    seen: usize,
    kept: Vec<Sample>,
    last: Option<Sample>,
}

impl Thinned {
    fn new(max_points: usize) -> Self {
        Self {
            max_points,
            stride: 1,
            seen: 0,
            kept: Vec::new(),
            last: None,
        }
    }

    fn push(&mut self, sample: Sample) {
        if self.seen.is_multiple_of(self.stride) {
            if self.kept.len() + 1 == self.max_points {
                let mut index = 0;
                self.kept.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.stride *= 2;
            }
            if self.seen.is_multiple_of(self.stride) {
                self.kept.push(sample.clone());
            }
        }
        self.seen += 1;
        self.last = Some(sample);
    }

    fn finish(mut self) -> Vec<Sample> {
        if let Some(last) = self.last.take()
            && self.kept.last() != Some(&last)
        {
            self.kept.push(last);
        }
        if self.stride > 1 {
            for i in 1..self.kept.len() {
                let (before, after) = self.kept.split_at_mut(i);
                rates::between(&before[i - 1], &mut after[0]);
            }
        }
        self.kept
    }
}

/// Appends samples.
pub(crate) struct Writer {
    path: PathBuf,
}

impl Writer {
    /// For a series that may exist already: a last line that a crash cut off is removed. Also gives the newest sample.
    pub(crate) fn open(path: PathBuf) -> io::Result<(Self, Option<Sample>)> {
        let last = mend(&path)?;
        Ok((Self { path }, last))
    }

    /// Appends one sample.
    pub(crate) fn append(&self, sample: &Sample) -> io::Result<()> {
        let mut line = serde_json::to_vec(sample)?;
        line.push(b'\n');
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?
            .write_all(&line)
    }
}

/// More than a sample's line ever has.
const TAIL_BYTES: u64 = 64 << 10;

fn mend(path: &Path) -> io::Result<Option<Sample>> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    Read::by_ref(&mut file)
        .take(TAIL_BYTES)
        .read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    if whole < tail.len() {
        file.set_len(start + whole as u64)?;
    }
    let lines = tail[..whole].split(|&b| b == b'\n').rev();
    Ok(lines
        .filter(|line| !line.is_empty())
        .find_map(|line| serde_json::from_slice(line).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::tests::sample;
    use proptest::prelude::*;
    use std::fs;

    fn folder() -> (tempfile::TempDir, RunFolder) {
        let home = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(home.path());
        (home, folder)
    }

    #[tokio::test]
    async fn a_torn_last_line_is_no_sample_and_does_not_spoil_the_next() {
        let (_home, folder) = folder();
        assert_eq!(read(&folder, 10).await.unwrap(), []);
        let (writer, last) = Writer::open(folder.series()).unwrap();
        assert_eq!(last, None);
        writer.append(&sample(1000, 10)).unwrap();
        writer.append(&sample(2000, 20)).unwrap();
        let whole = fs::read(folder.series()).unwrap();
        fs::write(folder.series(), &whole[..whole.len() - 7]).unwrap();
        assert_eq!(read(&folder, 10).await.unwrap(), [sample(1000, 10)]);
        let (writer, last) = Writer::open(folder.series()).unwrap();
        assert_eq!(last, Some(sample(1000, 10)));
        writer.append(&sample(3000, 30)).unwrap();
        assert_eq!(
            read(&folder, 10).await.unwrap(),
            [sample(1000, 10), sample(3000, 30)]
        );
    }

    proptest! {
        /// Whatever its length: bounded, from the first sample to the last, and its rates add up to what was read.
        #[test]
        fn a_long_series_is_thinned_out_evenly(count in 0usize..500, max_points in 2usize..40) {
            let mut thinned = Thinned::new(max_points);
            let all: Vec<_> = (0..count).map(|i| sample(i as i64 * 1000, i as u64 * i as u64)).collect();
            all.iter().cloned().for_each(|sample| thinned.push(sample));
            let kept = thinned.finish();
            prop_assert!(kept.len() <= max_points);
            prop_assert!(count < max_points || kept.len() * 2 >= max_points);
            prop_assert_eq!(kept.first().map(|s| s.at_ms), all.first().map(|s| s.at_ms));
            prop_assert_eq!(kept.last().map(|s| s.at_ms), all.last().map(|s| s.at_ms));
            prop_assert!(kept.windows(2).all(|w| w[0].at_ms < w[1].at_ms));
            if kept.len() < count {
                let read: f64 = kept.windows(2).map(|w| w[1].records_per_s * (w[1].at_ms - w[0].at_ms) as f64 / 1000.0).sum();
                prop_assert!((read - all[count - 1].ledger.read as f64).abs() < 1e-6 * read.max(1.0));
            }
        }
    }
}
