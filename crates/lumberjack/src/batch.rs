//! Frames put together to windows.

use crate::{
    Event, Limits, ProtocolError,
    frame::{Frame, Version},
};

/// All events of one window, in the order in which they were sent; none for a window of size 0.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub version: Version,
    pub events: Vec<Event>,
}

/// Collects the events of a window until it is whole.
#[derive(Debug)]
pub(crate) struct Assembler {
    limit: usize,
    open: Option<Open>,
}

/// A window that is not whole yet.
#[derive(Debug)]
struct Open {
    batch: Batch,
    announced: u32,
    bytes: usize,
}

impl Assembler {
    pub fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.window_bytes,
            open: None,
        }
    }

    /// Takes the next frame; gives the window that it makes whole.
    pub fn push(&mut self, frame: Frame) -> Result<Option<Batch>, ProtocolError> {
        match frame {
            Frame::Window(version, announced) => self.begin(version, announced),
            Frame::Event(event) => self.add(event),
        }
    }

    fn begin(&mut self, version: Version, announced: u32) -> Result<Option<Batch>, ProtocolError> {
        if let Some(Open {
            batch, announced, ..
        }) = &self.open
        {
            return Err(ProtocolError::WindowUnfinished {
                got: batch.events.len(),
                announced: *announced,
            });
        }
        let batch = Batch {
            version,
            events: Vec::new(),
        };
        if announced == 0 {
            return Ok(Some(batch));
        }
        self.open = Some(Open {
            batch,
            announced,
            bytes: 0,
        });
        Ok(None)
    }

    fn add(&mut self, event: Event) -> Result<Option<Batch>, ProtocolError> {
        let open = self.open.as_mut().ok_or(ProtocolError::NoWindow)?;
        open.bytes += event.json.len();
        if open.bytes > self.limit {
            return Err(ProtocolError::WindowBytes { limit: self.limit });
        }
        open.batch.events.push(event);
        if open.batch.events.len() < open.announced as usize {
            return Ok(None);
        }
        Ok(self.open.take().map(|open| open.batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(sequence: u32) -> Frame {
        let json = "{\"a\":1}".into();
        Frame::Event(Event { sequence, json })
    }

    fn assembler() -> Assembler {
        Assembler::new(&Limits {
            window_bytes: 20,
            ..Limits::default()
        })
    }

    #[test]
    fn a_window_is_whole_with_its_last_event() {
        let mut assembler = assembler();
        for _ in 0..2 {
            assert_eq!(assembler.push(Frame::Window(Version::V2, 2)), Ok(None));
            assert_eq!(assembler.push(event(1)), Ok(None));
            let batch = assembler.push(event(2)).unwrap().unwrap();
            assert_eq!(batch.version, Version::V2);
            assert_eq!(
                batch
                    .events
                    .iter()
                    .map(|event| event.sequence)
                    .collect::<Vec<_>>(),
                [1, 2]
            );
        }
    }

    #[test]
    fn an_empty_window_is_whole_at_once() {
        let batch = assembler().push(Frame::Window(Version::V1, 0)).unwrap();
        assert_eq!(
            batch,
            Some(Batch {
                version: Version::V1,
                events: Vec::new()
            })
        );
    }

    #[test]
    fn events_belong_to_a_window_and_windows_have_all_their_events() {
        assert_eq!(assembler().push(event(1)), Err(ProtocolError::NoWindow));
        let mut assembler = assembler();
        assembler.push(Frame::Window(Version::V2, 2)).unwrap();
        assembler.push(event(1)).unwrap();
        assert_eq!(
            assembler.push(Frame::Window(Version::V2, 1)),
            Err(ProtocolError::WindowUnfinished {
                got: 1,
                announced: 2
            })
        );
    }

    #[test]
    fn the_events_of_a_window_take_no_more_than_the_limit() {
        let mut assembler = assembler();
        assembler.push(Frame::Window(Version::V2, 3)).unwrap();
        assembler.push(event(1)).unwrap();
        assembler.push(event(2)).unwrap();
        assert_eq!(
            assembler.push(event(3)),
            Err(ProtocolError::WindowBytes { limit: 20 })
        );
    }
}
