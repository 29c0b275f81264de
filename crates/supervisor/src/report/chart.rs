//! Throughput over time as an inline SVG whose colours follow the page's.

use domain::EpochMs;
use domain::monitor::Sample;
use plotters::prelude::*;

use super::words;

/// Size of the drawing, in its own units; the page scales it.
const SIZE: (u32, u32) = (880, 240);

/// Colours that stand for the page's variables. They are replaced in the drawing, which has no other colours.
const LINE: RGBColor = RGBColor(1, 1, 1);
const AREA: RGBColor = RGBColor(2, 2, 2);
const GRID: RGBColor = RGBColor(3, 3, 3);
const TEXT: RGBColor = RGBColor(4, 4, 4);
const VARIABLES: [(&str, &str); 4] = [
    ("#010101", "var(--accent)"),
    ("#020202", "var(--accent-soft)"),
    ("#030303", "var(--line)"),
    ("#040404", "var(--muted)"),
];

/// Records a second since `begun_ms`. Each sample says what happened since the one before it, so the curve has steps.
/// None if there is nothing to draw.
pub(super) fn throughput(series: &[Sample], begun_ms: EpochMs) -> Option<String> {
    let seconds = |at_ms: EpochMs| (at_ms - begun_ms).max(0) as f64 / 1000.0;
    let end = seconds(series.last()?.at_ms);
    let top = series
        .iter()
        .map(|sample| sample.records_per_s)
        .fold(0.0, f64::max);
    if end <= 0.0 || top <= 0.0 {
        return None;
    }
    let mut steps = Vec::with_capacity(series.len() * 2);
    let mut from = 0.0;
    for sample in series {
        let to = seconds(sample.at_ms);
        steps.extend([(from, sample.records_per_s), (to, sample.records_per_s)]);
        from = to;
    }
    let mut svg = String::new();
    draw(&mut svg, &steps, end, top * 1.1).ok()?;
    Some(dress(svg))
}

fn draw(
    svg: &mut String,
    steps: &[(f64, f64)],
    end: f64,
    top: f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin_top(8)
        .margin_right(12)
        .x_label_area_size(30)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    let label = |size: u32| ("sans-serif", size).into_font().color(&TEXT);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(label(13))
        .x_labels(8)
        .y_labels(5)
        .x_label_formatter(&|at| time_label(*at, end))
        .y_label_formatter(&|rate| words::number(rate.round().max(0.0) as u64))
        .draw()?;
    chart.draw_series(AreaSeries::new(steps.iter().copied(), 0.0, AREA))?;
    chart.draw_series(LineSeries::new(steps.iter().copied(), LINE.stroke_width(2)))?;
    area.present()?;
    Ok(())
}

fn time_label(at: f64, end: f64) -> String {
    match end {
        ..2.0 => format!("{:.0} ms", at * 1000.0),
        ..20.0 => format!("{at:.1} s"),
        ..600.0 => format!("{at:.0} s"),
        ..36_000.0 => format!("{:.1} min", at / 60.0),
        _ => format!("{:.1} h", at / 3600.0),
    }
}

/// Lets the drawing take the page's colours, font and width.
fn dress(mut svg: String) -> String {
    for (colour, variable) in VARIABLES {
        svg = svg.replace(colour, variable);
    }
    let fixed = format!(r#"width="{}" height="{}""#, SIZE.0, SIZE.1);
    svg.replacen(
        &fixed,
        r#"role="img" aria-label="Records a second over time""#,
        1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::tests::sample;

    #[test]
    fn the_drawing_has_the_pages_colours_only_and_labels_as_text() {
        let series: Vec<_> = (1..20)
            .map(|i| Sample {
                records_per_s: i as f64 * 100.0,
                ..sample(i * 1000, 1)
            })
            .collect();
        let svg = throughput(&series, 0).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(!svg.contains("=\"#"), "{svg}");
        assert!(svg.contains("<text") && svg.contains("var(--accent)") && svg.contains("viewBox"));
    }

    #[test]
    fn a_run_that_read_nothing_has_no_drawing() {
        assert_eq!(throughput(&[], 0), None);
        assert_eq!(
            throughput(
                &[Sample {
                    records_per_s: 0.0,
                    ..sample(1000, 0)
                }],
                0
            ),
            None
        );
    }
}
