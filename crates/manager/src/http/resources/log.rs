//! `…/runs/{run}/logs`: what the workers wrote, by its end or by a range.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::Code;
use tokio::task::spawn_blocking;

use super::super::call::Call;
use super::super::fault::Fault;
use super::super::params::LogQuery;
use super::super::route::{Access, Param, Route};

const DEFAULT_LINES: u32 = 200;
const MAX_LINES: u32 = 10_000;
/// Most bytes of one answer.
const MAX_BYTES: u64 = 1 << 20;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/logs",
            Access::OwnClient,
            "get_run_logs",
            "The workers' log: its last lines, or a range of bytes. The header X-Log-Bytes says how long it is",
            |call| Box::pin(logs(call)),
        )
        .param(Param::query("tail", "integer", "The last so many lines, at most 10,000. Default 200."))
        .param(Param::query("offset", "integer", "Instead: from this byte on."))
        .param(Param::query("bytes", "integer", "With offset: at most so many bytes, at most 1 MiB."))
        .gives_content(&["text/plain"]),
    ]
}

async fn logs(call: Call) -> Result<HttpResponse, Fault> {
    let path = call.app.folder(&call.run().await?.value).log();
    let (text, length) = match call.query::<LogQuery>()? {
        LogQuery {
            tail,
            offset: None,
            bytes: None,
        } => {
            let lines = tail.unwrap_or(DEFAULT_LINES);
            if !(1..=MAX_LINES).contains(&lines) {
                return Err(Fault::new(
                    Code::InvalidParameter,
                    format!("tail: must be 1 to {MAX_LINES}"),
                ));
            }
            let (text, length) = read_end(path, MAX_BYTES).await?;
            (last_lines(&text, lines as usize).to_owned(), length)
        }
        LogQuery {
            tail: None,
            offset,
            bytes,
        } => {
            let bytes = bytes.unwrap_or(MAX_BYTES).min(MAX_BYTES);
            read(path, move |_| offset.unwrap_or(0), bytes).await?
        }
        LogQuery { .. } => {
            return Err(Fault::new(
                Code::InvalidParameter,
                "tail: goes with neither offset nor bytes",
            ));
        }
    };
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("X-Log-Bytes", length))
        .body(text))
}

/// The last lines of a text.
fn last_lines(text: &str, lines: usize) -> &str {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.rmatch_indices('\n')
        .nth(lines - 1)
        .and_then(|(at, _)| text.get(at + 1..))
        .unwrap_or(text)
}

/// The end of a file, from the beginning of a line, and the file's length; nothing if there is no file.
pub(super) async fn read_end(path: PathBuf, bytes: u64) -> Result<(String, u64), Fault> {
    let (text, length) = read(path, move |length| length.saturating_sub(bytes), bytes).await?;
    let whole = if length > bytes {
        text.find('\n').map_or(0, |at| at + 1)
    } else {
        0
    };
    Ok((text.get(whole..).unwrap_or_default().to_owned(), length))
}

/// A part of a file, and the file's length; nothing if there is no file. What is no UTF-8 is replaced.
async fn read(
    path: PathBuf,
    from: impl FnOnce(u64) -> u64 + Send + 'static,
    bytes: u64,
) -> Result<(String, u64), Fault> {
    let read = move || -> io::Result<(String, u64)> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((String::new(), 0)),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        let mut part = Vec::new();
        file.seek(SeekFrom::Start(from(length)))?;
        file.take(bytes).read_to_end(&mut part)?;
        Ok((String::from_utf8_lossy(&part).into_owned(), length))
    };
    Ok(spawn_blocking(read).await.map_err(Fault::internal)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_whole() {
        for (text, lines, expected) in [
            ("", 1, ""),
            ("a\n", 1, "a\n"),
            ("a\nb\n", 1, "b\n"),
            ("a\nb", 1, "b"),
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\nb\n", 9, "a\nb\n"),
        ] {
            assert_eq!(last_lines(text, lines), expected, "{lines} of {text:?}");
        }
    }
}
