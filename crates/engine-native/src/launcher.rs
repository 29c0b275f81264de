//! x
pub struct Launcher;
