//! What containers wrote, brought into a run's folder.

use std::io;
use std::path::Path;

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptions;
use domain::error::Failure;
use futures::StreamExt;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::Docker;
use super::failure::{Refusal, code, explain, slow, transient, unless};

/// How far a container's log has been copied: the time of its newest line, as Docker writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogCursor(String);

impl LogCursor {
    /// In whole seconds, which is what Docker can be asked for; it then tells some lines again.
    fn seconds(&self) -> i32 {
        self.0
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|it| i32::try_from(it.as_second()).ok())
            .unwrap_or(0)
    }

    /// Whether a line is new; if so, it is the newest.
    fn advance(&mut self, line: &[u8]) -> bool {
        let time = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        // Docker pads its times to nanoseconds, so their order is that of their texts
        if time <= self.0.as_bytes() {
            return false;
        }
        self.0 = String::from_utf8_lossy(time).into_owned();
        true
    }
}

impl Docker {
    /// Appends to `file` what a container has written to its outputs since `since`, each line behind `prefix` with its time; Docker keeps
    /// as much of it as the plan's log limits say. Gives what to ask for the next time. No such container: nothing to do.
    ///
    /// # Errors
    /// When Docker cannot tell, or the file cannot be written.
    pub async fn logs(
        &self,
        container: &str,
        since: &LogCursor,
        prefix: &str,
        file: &Path,
    ) -> Result<LogCursor, Failure> {
        let mut cursor = since.clone();
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            timestamps: true,
            since: cursor.seconds(),
            tail: "all".into(),
            ..Default::default()
        };
        let doing = format!("reading the log of the container {container}");
        let mut lines = self.client.logs(container, Some(options)).boxed();
        let mut out = open(file).await.map_err(|error| unwritable(file, &error))?;
        loop {
            let next = match tokio::time::timeout(self.patience.idle, lines.next()).await {
                Ok(None) => break,
                Ok(Some(line)) => line.map_err(|error| explain(&self.host, &doing, &error)),
                Err(_) => Err(slow(&self.host, &doing, self.patience.idle)),
            };
            match self.gone_or(next)? {
                Some(line) if cursor.advance(&line) => {
                    let written = async {
                        out.write_all(prefix.as_bytes()).await?;
                        out.write_all(&line).await
                    };
                    written.await.map_err(|error| unwritable(file, &error))?;
                }
                Some(_) => {}
                None => break,
            }
        }
        out.flush()
            .await
            .map_err(|error| unwritable(file, &error))?;
        Ok(cursor)
    }

    fn gone_or(&self, line: Result<LogOutput, Refusal>) -> Result<Option<bytes::Bytes>, Failure> {
        Ok(unless(&[404], line)?.map(LogOutput::into_bytes))
    }
}

async fn open(file: &Path) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .await?;
    Ok(BufWriter::new(file))
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    transient(
        code::LOG_UNWRITABLE,
        format!("cannot write {}: {error}", file.display()),
        "see to room and permissions there; it is tried again",
    )
}

#[cfg(test)]
mod tests {
    use super::LogCursor;

    #[test]
    fn a_line_is_new_only_once() {
        let mut cursor = LogCursor::default();
        assert_eq!(cursor.seconds(), 0);
        assert!(cursor.advance(b"2026-01-01T00:00:07.000000001Z one\n"));
        assert!(!cursor.advance(b"2026-01-01T00:00:07.000000001Z one\n"));
        assert!(cursor.advance(b"2026-01-01T00:00:07.000000002Z two\n"));
        assert_eq!(cursor.seconds(), 1_767_225_607);
    }
}
