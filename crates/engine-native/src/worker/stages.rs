//! The stages that are threads: each ends when its input does, and ends the worker if it panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use domain::error::Failure;
use domain::spec::ErrorBudget;
use tokio::sync::mpsc::UnboundedSender;

use crate::batch::{Batch, Settled, Wrangled};
use crate::budget::Budget;
use crate::control::{Control, Ending};
use crate::live::Live;
use crate::meter::{Meter, Work};
use crate::pool::Pool;
use crate::wrangle::Wrangler;

/// A checkpoint is written this often while something changes.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);

/// Starts a stage.
pub fn spawn(name: &str, control: &Arc<Control>, stage: impl FnOnce() -> Result<(), Failure> + Send + 'static) -> Result<JoinHandle<()>, Failure> {
    let (control, title) = (Arc::clone(control), name.to_owned());
    let body = move || match catch_unwind(AssertUnwindSafe(stage)) {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => control.fail(failure),
        Err(panic) => {
            let message = panic.downcast_ref::<&str>().map(|m| (*m).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
            control.fail(crate::worker_defect(&format!("the stage {title} panicked: {}", message.unwrap_or_default())));
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|e| crate::worker_defect(&format!("no thread for {name}: {e}")))
}

/// Wrangles batches, whichever thread is free taking the next one.
pub fn wrangle(mut wrangler: Wrangler, batches: &Mutex<Receiver<Batch>>, out: &UnboundedSender<Wrangled>, meter: &Meter, bodies: &Pool) {
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return };
        let since = Instant::now();
        let raw = batch.block.len();
        let wrangled = wrangler.wrangle(batch, bodies.take());
        meter.expanded(raw, wrangled.body.len());
        meter.spent(Work::Wrangle, since);
        if out.send(wrangled).is_err() {
            return;
        }
    }
}

/// Enters outcomes in the book, and ends the run when too much was rejected.
pub fn commit(live: &Live, settled: &Receiver<Settled>, budget: &Budget, errors: &ErrorBudget) -> Result<(), Failure> {
    for batch in settled {
        let Some(mut book) = live.book() else { return Ok(()) };
        let freed = book.enter(batch)?;
        let sum = book.entries().ledger();
        let exceeded = errors.exceeded(sum.rejected, sum.read, false).map(|message| match book.entries().commonest_cause() {
            Some(cause) => format!("{message}; the commonest cause is {cause}"),
            None => message,
        });
        drop(book);
        budget.give_back(freed);
        live.meter.progress();
        if let Some(message) = exceeded {
            live.control.end(Ending::BudgetExceeded(message));
        }
    }
    Ok(())
}

/// Makes the book durable, again and again, until `end` is closed.
pub fn checkpoint(live: &Live, end: &Receiver<()>) -> Result<(), Failure> {
    loop {
        let ended = end.recv_timeout(CHECKPOINT_EVERY) == Err(RecvTimeoutError::Disconnected);
        let page = live.book().map_or(Ok(None), |mut book| book.turn())?;
        if let Some(page) = page {
            page.save()?;
        }
        if ended {
            return Ok(());
        }
    }
}
