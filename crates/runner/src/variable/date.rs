//! A moment as a calendar says it, in UTC.
//!
//! Why it exists: signatures and dynamic variables need six spellings of a moment; a calendar crate is more than
//! that. Dates before 1970 do not come up and are taken as 1970.

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    millisecond: u64,
    /// Sunday is 0.
    weekday: u64,
}

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(crate) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Moment {
    /// The moment that many milliseconds after 1970.
    pub(crate) fn from_ms(ms: u64) -> Self {
        let (seconds, days) = (ms / 1000, ms / 86_400_000);
        // Days since 0000-03-01, in the 400-year cycles of the calendar.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            millisecond: ms % 1000,
            weekday: (days + 4) % 7,
        }
    }

    /// `2020-01-02T03:04:05.006Z`.
    pub(crate) fn iso(self) -> String {
        let Self { year, month, day, hour, minute, second, millisecond, .. } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
    }

    /// `20200102T030405Z`.
    pub(crate) fn basic(self) -> String {
        let Self { year, month, day, hour, minute, second, .. } = self;
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }

    /// `20200102T03:04:05+0000`.
    pub(crate) fn edgegrid(self) -> String {
        let Self { year, month, day, hour, minute, second, .. } = self;
        format!("{year:04}{month:02}{day:02}T{hour:02}:{minute:02}:{second:02}+0000")
    }

    /// `Thu Jan 02 2020 03:04:05 GMT+0000 (Coordinated Universal Time)`.
    pub(crate) fn script(self) -> String {
        let Self { year, day, hour, minute, second, .. } = self;
        let name = |names: &[&'static str], at: u64| {
            names.get(usize::try_from(at).unwrap_or(0)).map_or("", |it| &it[..3])
        };
        let (weekday, month) = (name(&WEEKDAYS, self.weekday), name(&MONTHS, self.month - 1));
        format!(
            "{weekday} {month} {day:02} {year:04} {hour:02}:{minute:02}:{second:02} GMT+0000 (Coordinated Universal Time)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    fn check(ms: u64, expected: &str) {
        assert_eq!(Moment::from_ms(ms).iso(), expected);
    }

    #[test]
    fn moments_are_spelled() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_440_938_160_123, "2015-08-30T12:36:00.123Z");
        check(4_107_542_399_999, "2100-02-28T23:59:59.999Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
        let moment = Moment::from_ms(1_440_938_160_000);
        assert_eq!(moment.basic(), "20150830T123600Z");
        assert_eq!(moment.edgegrid(), "20150830T12:36:00+0000");
        assert_eq!(moment.script(), "Sun Aug 30 2015 12:36:00 GMT+0000 (Coordinated Universal Time)");
    }
}
