//! Figures out, and what a process costs by the kernel's own numbers.

use std::fs;
use std::time::Duration;

use crate::Outcome;

/// Prints one figure.
pub(crate) fn tell(figure: &str, value: f64, unit: &str) {
    println!("{}", serde_json::json!({ "figure": figure, "value": value, "unit": unit }));
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The value that this part of all is not above.
pub(crate) fn quantile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// Seconds on a core of all threads that live, to the nanosecond.
pub(crate) fn cpu_seconds(process: u32) -> Outcome<f64> {
    let mut time = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let nanoseconds = text.split(' ').next().ok_or("schedstat is empty")?.parse()?;
        time += Duration::from_nanos(nanoseconds);
    }
    Ok(time.as_secs_f64())
}

/// Resident memory in megabytes of 1,000,000 bytes.
pub(crate) fn resident_megabytes(process: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1_024.0 / 1e6)
}
