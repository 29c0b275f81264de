use proptest::prelude::*;

use super::*;

fn ms(text: &str) -> EpochMs {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn show(ms: EpochMs) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

fn times(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::new(cron, zone).unwrap();
    std::iter::successors(schedule.next(ms(after)), |&at| schedule.next(at))
        .take(count)
        .map(show)
        .collect()
}

#[test]
fn times_are_read_from_the_zones_clock() {
    assert_eq!(
        times("0 6 * * *", "Europe/Vienna", "2026-03-27T12:00:00Z", 3),
        [
            "2026-03-28T05:00:00Z",
            "2026-03-29T04:00:00Z",
            "2026-03-30T04:00:00Z"
        ]
    );
    assert_eq!(
        times("*/15 9-17 * * MON-FRI", "UTC", "2026-11-20T17:30:00Z", 2),
        ["2026-11-20T17:45:00Z", "2026-11-23T09:00:00Z"]
    );
    assert_eq!(
        times("0 0 29 2 *", "America/New_York", "2025-01-01T00:00:00Z", 1),
        ["2028-02-29T05:00:00Z"]
    );
}

#[test]
fn a_time_that_the_clock_skips_is_due_once_when_it_is_put_forward() {
    // 02:00 to 03:00 does not exist on 29 March in Vienna: the clock is put forward at 01:00 UTC
    for cron in ["30 2 * * *", "*/10 2 * * *", "0 2 * * *"] {
        let all = times(cron, "Europe/Vienna", "2026-03-29T00:00:00Z", 2);
        assert_eq!(all[0], "2026-03-29T01:00:00Z", "{cron}");
        assert!(all[1].starts_with("2026-03-30T00:"), "{cron}: {all:?}");
    }
    // at the end of the gap there is a time of its own: still once
    assert_eq!(
        times("0 2,3 * * *", "Europe/Vienna", "2026-03-29T00:00:00Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]
    );
}

#[test]
fn a_time_that_the_clock_repeats_is_due_the_first_time() {
    // 02:00 to 03:00 comes twice on 25 October in Vienna: the clock is put back at 01:00 UTC
    assert_eq!(
        times("30 2 * * *", "Europe/Vienna", "2026-10-25T00:00:00Z", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
    // also for a job that was put while the hour was repeated
    assert_eq!(
        times("30 2 * * *", "Europe/Vienna", "2026-10-25T01:10:00Z", 1),
        ["2026-10-26T01:30:00Z"]
    );
    assert_eq!(
        times("0 3 * * *", "Europe/Vienna", "2026-10-25T01:10:00Z", 1),
        ["2026-10-25T02:00:00Z"]
    );
}

#[test]
fn what_comes_every_hour_follows_elapsed_time() {
    assert_eq!(
        times("30 * * * *", "Europe/Vienna", "2026-03-29T00:00:00Z", 2),
        ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]
    );
    assert_eq!(
        times("30 * * * *", "Europe/Vienna", "2026-10-25T00:00:00Z", 3),
        [
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:30:00Z"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_refused_with_words() {
    for (cron, zone, says) in [
        ("0 6 * *", "UTC", "4 fields"),
        ("0 6 * * * *", "UTC", "6 fields"),
        ("", "UTC", "0 fields"),
        ("61 6 * * *", "UTC", "no cron expression"),
        ("H 6 * * *", "UTC", "no cron expression"),
        ("0 6 30 2 *", "UTC", "never comes"),
        ("0 6 * * *", "Middle/Earth", "no time zone"),
        ("0 6 * * *", "", "no time zone"),
    ] {
        let error = Schedule::new(cron, zone).unwrap_err();
        assert!(error.contains(says), "{cron:?} {zone:?}: {error}");
    }
}

#[test]
fn the_latest_time_is_found_however_long_ago_it_was() {
    let latest = |cron: &str, after: &str, until: &str| {
        let schedule = Schedule::new(cron, "UTC").unwrap();
        schedule.latest(ms(after), ms(until)).map(show)
    };
    assert_eq!(
        latest("* * * * *", "2020-01-01T00:00:00Z", "2026-05-05T05:05:30Z").as_deref(),
        Some("2026-05-05T05:05:00Z")
    );
    assert_eq!(
        latest("0 0 1 1 *", "2020-01-01T00:00:00Z", "2026-12-31T05:05:30Z").as_deref(),
        Some("2026-01-01T00:00:00Z")
    );
    assert_eq!(
        latest("0 6 * * *", "2026-05-05T06:00:00Z", "2026-05-05T23:00:00Z"),
        None
    );
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(cron in "\\PC{0,40}", zone in "\\PC{0,20}") {
        let _ = Schedule::new(&cron, &zone);
    }

    #[test]
    fn times_go_forward_and_the_latest_is_one_of_them(
        minute in 0u8..60, hour in prop::option::of(0u8..24), zone in prop::sample::select(vec![
            "UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata",
        ]),
        after in 1_700_000_000_000i64..1_900_000_000_000, span in 0i64..5 * 86_400_000,
    ) {
        let hour = hour.map_or("*".to_owned(), |hour| hour.to_string());
        let schedule = Schedule::new(&format!("{minute} {hour} * * *"), zone).unwrap();
        let mut all = Vec::new();
        let mut at = after;
        while let Some(next) = schedule.next(at).filter(|next| *next <= after + span) {
            prop_assert!(next > at, "{} after {}", show(next), show(at));
            all.push(next);
            at = next;
        }
        prop_assert_eq!(schedule.latest(after, after + span), all.last().copied());
        if hour != "*" {
            let days = usize::try_from(span / 86_400_000).unwrap();
            prop_assert!((days.saturating_sub(1)..=days + 2).contains(&all.len()), "{} in {days} days", all.len());
        }
    }
}
