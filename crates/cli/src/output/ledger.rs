//! The ledger as an equation with numbers, and the one line that says whether the core DMS confirms it.

use domain::ledger::Ledger;
use domain::run::RunState;

use super::human::count;
use super::{Tone, View};

/// `read 27,004 + added 0 = filtered 0 + rejected 0 + created 27,004 + duplicate 0`; with `≠` where it is not so.
pub fn equation(ledger: &Ledger, view: &View) -> String {
    let term = |name: &str, number: u64, tone: Tone| {
        let text = format!("{name} {}", count(number));
        if number == 0 {
            text
        } else {
            view.paint(tone, text)
        }
    };
    let sign = if ledger.balanced() { "=" } else { "≠" };
    let sums = format!(
        "read {} + added {} {sign} filtered {} + {} + {} + duplicate {}",
        count(ledger.read),
        count(ledger.added),
        count(ledger.filtered),
        term("rejected", ledger.rejected, Tone::Warning),
        term("created", ledger.created, Tone::Good),
        count(ledger.duplicate),
    );
    if ledger.balanced() {
        return sums;
    }
    let difference = ledger.incoming().abs_diff(ledger.accounted());
    let what = if ledger.incoming() > ledger.accounted() {
        "not accounted for"
    } else {
        "too many"
    };
    format!(
        "{sums}  ({} {what})",
        view.paint(Tone::Bad, count(difference))
    )
}

/// Whether the core DMS confirms the ledger. `proven` is what the run's report says, where it was asked for.
pub fn confirmation(state: RunState, ledger: &Ledger, proven: Option<bool>, view: &View) -> String {
    if matches!(state, RunState::Undoing | RunState::Undone) {
        return view.paint(
            Tone::Warning,
            "undone, or being undone: the core DMS does not hold these documents any more",
        );
    }
    let proven = match state {
        // a run only gets into these states by proof
        RunState::Completed | RunState::CompletedWithRejects => Some(true),
        RunState::Suspect => Some(false),
        _ => proven,
    };
    match proven {
        Some(true) => {
            let text = format!(
                "confirmed: the core DMS counts the same {} created, file by file",
                count(ledger.created)
            );
            view.paint(Tone::Good, text)
        }
        Some(false) => view.paint(
            Tone::Bad,
            "not confirmed: the core DMS counts differently, or was not asked for every file",
        ),
        None if state.is_final() => "not known to be confirmed: the run left no report".into(),
        None => "not confirmed yet: the core DMS is asked when everything is read".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_equation_has_numbers_and_says_what_is_missing() {
        let even = Ledger {
            read: 27_004,
            created: 27_004,
            ..Ledger::default()
        };
        let view = View::plain();
        assert_eq!(
            equation(&even, &view),
            "read 27,004 + added 0 = filtered 0 + rejected 0 + created 27,004 + duplicate 0"
        );
        let short = Ledger {
            read: 10,
            created: 8,
            ..Ledger::default()
        };
        assert_eq!(
            equation(&short, &view),
            "read 10 + added 0 ≠ filtered 0 + rejected 0 + created 8 + duplicate 0  (2 not accounted for)"
        );
        let over = Ledger {
            read: 1,
            created: 2,
            ..Ledger::default()
        };
        assert!(equation(&over, &view).ends_with("(1 too many)"));
        let coloured = View {
            colour: true,
            ..View::plain()
        };
        assert!(equation(&even, &coloured).contains("\x1b[32mcreated 27,004\x1b[0m"));
    }

    #[test]
    fn only_what_was_proven_is_called_confirmed() {
        let ledger = Ledger {
            created: 5,
            ..Ledger::default()
        };
        let says = |state, proven| confirmation(state, &ledger, proven, &View::plain());
        assert!(
            says(RunState::Completed, None)
                .starts_with("confirmed: the core DMS counts the same 5")
        );
        assert!(says(RunState::Failed, Some(true)).starts_with("confirmed"));
        for (state, proven) in [
            (RunState::Suspect, None),
            (RunState::Failed, Some(false)),
            (RunState::Cancelled, None),
            (RunState::Running, None),
        ] {
            assert!(says(state, proven).starts_with("not "), "{state}");
        }
    }
}
