//! Cookies by RFC 6265 and its revision: which an answer may set, and which a request takes along.
//!
//! A jar has no clock and no file: `now` (seconds since 1970) is an argument, and who keeps the jar saves its
//! [`Jar::to_json`]. Every request counts as one that a person typed, so that `SameSite` is kept and holds nothing
//! back; a site still cannot set a cookie for another one, or for a whole public suffix.
//!
//! Knows nothing of HTTP but the two headers' values.

use std::cmp::Reverse;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::limits;

/// Where a request goes, as far as cookies care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The host, in ASCII and lower case; an IPv6 address without brackets.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// Over TLS.
    pub secure: bool,
}

impl Place {
    /// The place of an `http`, `https`, `ws` or `wss` URL.
    pub fn of(url: &str) -> Option<Self> {
        crate::http::Target::parse(url).ok().map(|target| crate::http::place(&target))
    }
}

/// Which requests from other sites take a cookie along, as it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// None.
    Strict,
    /// Those that open a page.
    Lax,
    /// All.
    None,
}

/// A cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Its name; may be empty.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The host that it is for.
    pub domain: String,
    /// Only for that host, not for those below it.
    pub host_only: bool,
    /// The path that it is for, with all below it.
    pub path: String,
    /// Only over TLS.
    pub secure: bool,
    /// Not for scripts of pages.
    pub http_only: bool,
    /// As it was set, if it was.
    pub same_site: Option<SameSite>,
    /// When it ends, in seconds since 1970; `None` is a session's.
    pub expires: Option<u64>,
}

/// All cookies of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jar {
    /// In the order of their creation.
    cookies: Vec<Cookie>,
}

impl Jar {
    /// All cookies, the oldest first.
    pub fn cookies(&self) -> &[Cookie] {
        &self.cookies
    }

    /// The cookies that a request takes along, in the order of its header.
    pub fn matching(&self, place: &Place, now: u64) -> Vec<&Cookie> {
        let mut found: Vec<_> = self.cookies.iter().filter(|cookie| cookie.goes_to(place, now)).collect();
        found.sort_by_key(|cookie| Reverse(cookie.path.len()));
        found
    }

    /// The `Cookie` header of a request, if it takes any along.
    pub fn header(&self, place: &Place, now: u64) -> Option<Vec<u8>> {
        let pairs: Vec<_> = self.matching(place, now).into_iter().map(Cookie::pair).collect();
        (!pairs.is_empty()).then(|| pairs.join("; ").into_bytes())
    }

    /// Takes a `Set-Cookie` header's value; `false` if the place may not set this cookie.
    pub fn set(&mut self, place: &Place, header: &[u8], now: u64) -> bool {
        let Some(cookie) = Cookie::parse(&String::from_utf8_lossy(header), place, now) else { return false };
        self.insert(cookie, now)
    }

    /// Puts a cookie in, over the one of the same name, domain and path; `false` if its text cannot be a header's.
    pub fn insert(&mut self, cookie: Cookie, now: u64) -> bool {
        if !cookie.is_sound() {
            return false;
        }
        let same =
            |it: &Cookie| it.name == cookie.name && it.domain == cookie.domain && it.path == cookie.path;
        let place = self.cookies.iter().position(same);
        if cookie.has_ended(now) {
            self.cookies.retain(|it| !same(it));
        } else if let Some(place) = place {
            // The place in the order stays: a changed cookie is as old as before.
            self.cookies[place] = cookie;
        } else {
            self.make_room(&cookie.domain, now);
            self.cookies.push(cookie);
        }
        true
    }

    /// Removes cookies by name of a domain, at any path; how many there were.
    pub fn remove(&mut self, domain: &str, name: &str) -> usize {
        let before = self.cookies.len();
        self.cookies.retain(|it| it.domain != domain || it.name != name);
        before - self.cookies.len()
    }

    /// Removes all cookies of a domain.
    pub fn clear_domain(&mut self, domain: &str) {
        self.cookies.retain(|it| it.domain != domain);
    }

    /// Removes all cookies.
    pub fn clear(&mut self) {
        self.cookies.clear();
    }

    /// Takes the cookies that an answer sets.
    pub(crate) fn take_from(&mut self, place: &Place, headers: &[(String, Vec<u8>)], now: u64) {
        let set = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        for (_, value) in set.take(limits::SET_COOKIES) {
            self.set(place, value, now);
        }
    }

    fn make_room(&mut self, domain: &str, now: u64) {
        let full = |jar: &Self| jar.cookies.len() >= limits::COOKIES;
        let crowded = self.cookies.iter().filter(|it| it.domain == domain).count() >= limits::COOKIES_EACH;
        if !full(self) && !crowded {
            return;
        }
        self.cookies.retain(|it| !it.has_ended(now));
        if crowded && let Some(oldest) = self.cookies.iter().position(|it| it.domain == domain) {
            self.cookies.remove(oldest);
        }
        if full(self) {
            self.cookies.remove(0);
        }
    }

    /// All cookies as JSON, for [`Jar::from_json`].
    pub fn to_json(&self) -> Value {
        self.cookies.iter().map(Cookie::to_json).collect()
    }

    /// Reads what [`Jar::to_json`] wrote; what is not a cookie is left out.
    pub fn from_json(json: &Value, now: u64) -> Self {
        let mut jar = Self::default();
        let listed = json.as_array().map(Vec::as_slice).unwrap_or_default();
        for cookie in listed.iter().take(limits::COOKIES).filter_map(Cookie::from_json) {
            jar.insert(cookie, now);
        }
        jar
    }
}

impl Cookie {
    fn pair(&self) -> String {
        if self.name.is_empty() { self.value.clone() } else { format!("{}={}", self.name, self.value) }
    }

    fn goes_to(&self, place: &Place, now: u64) -> bool {
        let host =
            if self.host_only { self.domain == place.host } else { is_below(&place.host, &self.domain) };
        host && covers(&self.path, &place.path) && (place.secure || !self.secure) && !self.has_ended(now)
    }

    fn has_ended(&self, now: u64) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// Whether it can stand in a header and is of a bearable size.
    fn is_sound(&self) -> bool {
        let clean = |text: &str| {
            !text.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f || byte == b';')
        };
        let empty = self.name.is_empty() && self.value.is_empty();
        let short = self.name.len() + self.value.len() <= limits::COOKIE_BYTES
            && self.path.len() <= limits::COOKIE_BYTES;
        !empty && !self.name.contains('=') && short && clean(&self.name) && clean(&self.value)
    }

    /// Reads a `Set-Cookie` value that came from a place (RFC 6265, sections 5.2 and 5.3).
    fn parse(header: &str, place: &Place, now: u64) -> Option<Self> {
        let mut parts = header.split(';');
        let (name, value) = match parts.next()?.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => ("", header.split(';').next()?.trim()),
        };
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: place.host.clone(),
            host_only: true,
            path: default_path(&place.path),
            secure: false,
            http_only: false,
            same_site: None,
            expires: None,
        };
        let (mut domain, mut lasts) = (None, None);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" => domain = Some(value),
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "path" => cookie.path = default_path(&place.path),
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => cookie.same_site = same_site(value),
                "expires" => cookie.expires = date(value).or(cookie.expires),
                "max-age" => lasts = max_age(value, now).or(lasts),
                _ => {}
            }
        }
        cookie.expires = lasts.or(cookie.expires);
        if let Some(domain) = domain.filter(|domain| !domain.is_empty()) {
            cookie.widen_to(domain, place)?;
        }
        cookie.is_allowed(place).then_some(cookie)
    }

    /// Makes it one for a whole domain, if the place belongs to that and it is nobody else's too.
    fn widen_to(&mut self, domain: &str, place: &Place) -> Option<()> {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        let domain = url::Host::parse(domain).ok()?.to_string();
        let domain = domain.trim_matches(['[', ']']);
        let public = psl::suffix_str(domain).is_some_and(|suffix| suffix == domain);
        if domain == place.host {
            self.host_only = public || domain.parse::<IpAddr>().is_ok();
            return Some(());
        }
        if public || !is_below(&place.host, domain) {
            return None;
        }
        domain.clone_into(&mut self.domain);
        self.host_only = false;
        Some(())
    }

    /// The rules of `Secure` and of the prefixes that promise something.
    fn is_allowed(&self, place: &Place) -> bool {
        let name = self.name.to_ascii_lowercase();
        let host_prefix = !name.starts_with("__host-") || (self.host_only && self.path == "/" && self.secure);
        let secure_prefix = !name.starts_with("__secure-") || self.secure;
        (place.secure || !self.secure) && host_prefix && secure_prefix
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "value": self.value, "domain": self.domain, "hostOnly": self.host_only,
            "path": self.path, "secure": self.secure, "httpOnly": self.http_only, "expires": self.expires,
            "sameSite": self.same_site.map(|it| match it {
                SameSite::Strict => "strict", SameSite::Lax => "lax", SameSite::None => "none",
            }),
        })
    }

    fn from_json(json: &Value) -> Option<Self> {
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |key: &str| json.get(key).and_then(Value::as_bool).unwrap_or_default();
        Some(Self {
            name: text("name")?,
            value: text("value")?,
            domain: text("domain")?,
            host_only: flag("hostOnly"),
            path: text("path")?,
            secure: flag("secure"),
            http_only: flag("httpOnly"),
            same_site: text("sameSite").as_deref().and_then(same_site),
            expires: json.get("expires").and_then(Value::as_u64),
        })
    }
}

fn same_site(text: &str) -> Option<SameSite> {
    match text.to_ascii_lowercase().as_str() {
        "strict" => Some(SameSite::Strict),
        "lax" => Some(SameSite::Lax),
        "none" => Some(SameSite::None),
        _ => None,
    }
}

/// Whether the host is the domain or a name below it.
fn is_below(host: &str, domain: &str) -> bool {
    let below = host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    below && (host == domain || host.parse::<IpAddr>().is_err())
}

/// Whether the path of a request is the cookie's or below it.
fn covers(cookie: &str, request: &str) -> bool {
    let below = request.strip_prefix(cookie);
    below.is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

fn default_path(path: &str) -> String {
    match path.rfind('/') {
        Some(last) if last > 0 && path.starts_with('/') => path[..last].to_owned(),
        _ => "/".to_owned(),
    }
}

fn max_age(text: &str, now: u64) -> Option<u64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if text.starts_with('-') { 0 } else { now.saturating_add(digits.parse().unwrap_or(u64::MAX)) })
}

/// Reads a date as loosely as RFC 6265, section 5.1.1, asks for; before 1970 counts as 0.
fn date(text: &str) -> Option<u64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |c: char| !(c.is_ascii_alphanumeric() || c == ':' || !c.is_ascii());
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = time_of(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = digits(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = digits(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let (time, day, month) = (time?, day?, month?);
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    if !(1..=31).contains(&day) || year < 1601 {
        return None;
    }
    Some(days_since_1970(year, month, day).map_or(0, |days| days * 86_400 + time))
}

/// The number that a token begins with, if it has so many digits and then something else.
fn digits(token: &str, least: usize, most: usize) -> Option<u64> {
    let count = token.bytes().take_while(u8::is_ascii_digit).count();
    if (least..=most).contains(&count) { token[..count].parse().ok() } else { None }
}

fn time_of(token: &str) -> Option<u64> {
    let mut parts = token.splitn(3, ':');
    let (hour, minute) = (whole(parts.next()?)?, whole(parts.next()?)?);
    let second = digits(parts.next()?, 1, 2)?;
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3_600 + minute * 60 + second)
}

fn whole(part: &str) -> Option<u64> {
    digits(part, 1, 2).filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn month_of(token: &str) -> Option<u64> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let name = token.get(..3)?.to_ascii_lowercase();
    let place = MONTHS.as_bytes().chunks(3).position(|month| month == name.as_bytes())?;
    u64::try_from(place).ok().map(|place| place + 1)
}

/// Days from 1970-01-01 in the Gregorian calendar; `None` before it.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    // Years begin in March here, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn place(url: &str) -> Place {
        Place::of(url).expect("a URL")
    }

    /// What a request to `to` takes along after an answer from `from` has set `cookie`.
    fn check(from: &str, cookie: &str, to: &str, expected: Option<&str>) {
        let mut jar = Jar::default();
        jar.set(&place(from), cookie.as_bytes(), NOW);
        let header = jar.header(&place(to), NOW).map(|header| String::from_utf8_lossy(&header).into_owned());
        assert_eq!(header.as_deref(), expected, "{cookie} from {from} to {to}");
    }

    #[test]
    fn a_cookie_goes_to_its_host_and_below_its_domain() {
        check("http://a.test/", "x=1", "http://a.test/", Some("x=1"));
        check("http://a.test/", "x=1", "http://b.a.test/", None);
        check("http://b.a.test/", "x=1; Domain=a.test", "http://c.a.test/", Some("x=1"));
        check("http://b.a.test/", "x=1; domain=.A.test", "http://a.test/", Some("x=1"));
        check("http://b.a.test/", "x=1; Domain=a.test", "http://xa.test/", None);
        check("http://a.test/", "x=1; Domain=", "http://b.a.test/", None);
        check("http://a.test/", "x=1", "http://a.test:81/", Some("x=1"));
    }

    #[test]
    fn a_site_sets_no_cookie_for_another() {
        check("http://a.test/", "x=1; Domain=b.test", "http://b.test/", None);
        check("http://a.test/", "x=1; Domain=b.a.test", "http://b.a.test/", None);
        check("http://a.test/", "x=1; Domain=test", "http://b.test/", None);
        check("http://a.co.uk/", "x=1; Domain=co.uk", "http://b.co.uk/", None);
        check("http://a.github.io/", "x=1; Domain=github.io", "http://b.github.io/", None);
        check("http://co.uk/", "x=1; Domain=co.uk", "http://a.co.uk/", None);
        check("http://co.uk/", "x=1; Domain=co.uk", "http://co.uk/", Some("x=1"));
        check("http://127.0.0.1/", "x=1; Domain=0.0.1", "http://127.0.0.1/", None);
        check("http://127.0.0.1/", "x=1; Domain=127.0.0.1", "http://127.0.0.1/", Some("x=1"));
        check("http://localhost/", "x=1; Domain=localhost", "http://localhost/", Some("x=1"));
    }

    #[test]
    fn a_cookie_goes_to_its_path_and_below() {
        check("http://a.test/p/q?x", "x=1", "http://a.test/p/", Some("x=1"));
        check("http://a.test/p/q", "x=1", "http://a.test/p", Some("x=1"));
        check("http://a.test/p/q", "x=1", "http://a.test/pp", None);
        check("http://a.test/p/q", "x=1", "http://a.test/", None);
        check("http://a.test/p/q", "x=1; Path=/", "http://a.test/z", Some("x=1"));
        check("http://a.test/p/q", "x=1; Path=relative", "http://a.test/p", Some("x=1"));
        check("http://a.test/", "x=1; Path=/p/", "http://a.test/p/q", Some("x=1"));
        check("http://a.test/", "x=1; Path=/p/", "http://a.test/p", None);
    }

    #[test]
    fn secure_cookies_come_and_go_over_tls_only() {
        check("https://a.test/", "x=1; Secure", "https://a.test/", Some("x=1"));
        check("https://a.test/", "x=1; Secure", "http://a.test/", None);
        check("http://a.test/", "x=1; Secure", "https://a.test/", None);
    }

    #[test]
    fn prefixes_keep_what_they_promise() {
        check("https://a.test/", "__Secure-x=1", "https://a.test/", None);
        check("https://a.test/", "__Secure-x=1; Secure", "https://a.test/", Some("__Secure-x=1"));
        check("https://a.test/", "__Host-x=1; Secure; Path=/", "https://a.test/", Some("__Host-x=1"));
        check("https://a.test/", "__Host-x=1; Secure; Path=/p", "https://a.test/p", None);
        check("https://b.a.test/", "__Host-x=1; Secure; Path=/; Domain=a.test", "https://b.a.test/", None);
    }

    #[test]
    fn cookies_end_by_age_before_date() {
        check("http://a.test/", "x=1; Max-Age=1", "http://a.test/", Some("x=1"));
        check("http://a.test/", "x=1; Max-Age=0", "http://a.test/", None);
        check("http://a.test/", "x=1; Max-Age=-5", "http://a.test/", None);
        check("http://a.test/", "x=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://a.test/", None);
        check(
            "http://a.test/",
            "x=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9",
            "http://a.test/",
            Some("x=1"),
        );
        check("http://a.test/", "x=1; Expires=nonsense", "http://a.test/", Some("x=1"));
        check("http://a.test/", "x=1; Max-Age=99999999999999999999", "http://a.test/", Some("x=1"));
    }

    #[test]
    fn odd_pairs_are_kept_as_browsers_do() {
        check("http://a.test/", "  x = a=b \"c\" ; Secureish", "http://a.test/", Some("x=a=b \"c\""));
        check("http://a.test/", "alone", "http://a.test/", Some("alone"));
        check("http://a.test/", "x=", "http://a.test/", Some("x="));
        check("http://a.test/", "", "http://a.test/", None);
        check("http://a.test/", "=", "http://a.test/", None);
        check("http://a.test/", "x=a\rb", "http://a.test/", None);
        check("http://a.test/", &format!("x={}", "y".repeat(limits::COOKIE_BYTES)), "http://a.test/", None);
    }

    #[test]
    fn longer_paths_and_older_cookies_come_first() {
        let mut jar = Jar::default();
        for cookie in ["a=1; Path=/", "b=1; Path=/p", "c=1; Path=/", "a=2; Path=/"] {
            assert!(jar.set(&place("http://a.test/p"), cookie.as_bytes(), NOW));
        }
        assert_eq!(jar.header(&place("http://a.test/p"), NOW), Some(b"b=1; a=2; c=1".to_vec()));
    }

    #[test]
    fn an_ended_cookie_is_gone() {
        let mut jar = Jar::default();
        let here = place("http://a.test/");
        assert!(jar.set(&here, b"x=1; Max-Age=10", NOW));
        assert!(jar.header(&here, NOW + 10).is_none());
        assert!(jar.set(&here, b"x=; Max-Age=0", NOW));
        assert_eq!(jar.cookies(), []);
    }

    #[test]
    fn dates_are_read_loosely() {
        for (text, expected) in [
            ("Wed, 09 Jun 2021 10:18:14 GMT", Some(1_623_233_894)),
            ("Wednesday, 09-Jun-21 10:18:14 GMT", Some(1_623_233_894)),
            ("Wed Jun  9 10:18:14 2021", Some(1_623_233_894)),
            ("29 feb 2000 0:0:0", Some(951_782_400)),
            ("1 Jan 1650 00:00:00", Some(0)),
            ("32 Jan 2000 00:00:00", None),
            ("1 Jan 1600 00:00:00", None),
            ("1 Jan 2000 24:00:00", None),
            ("1 Foo 2000 00:00:00", None),
            ("ü:ü:ü", None),
            ("", None),
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
    }

    #[test]
    fn a_jar_survives_json() {
        let mut jar = Jar::default();
        let here = place("https://b.a.test/p/q");
        assert!(jar.set(&here, b"x=1; Secure; HttpOnly; SameSite=lax; Max-Age=9; Domain=a.test", NOW));
        assert!(jar.set(&here, b"y=2", NOW));
        assert_eq!(Jar::from_json(&jar.to_json(), NOW), jar);
        assert_eq!(
            Jar::from_json(
                &json!([1, {"name": "x"}, {"name": "a\n", "value": "", "domain": "a", "path": "/"}]),
                NOW
            ),
            Jar::default()
        );
    }

    #[test]
    fn a_crowded_domain_loses_its_oldest() {
        let mut jar = Jar::default();
        for count in 0..=limits::COOKIES_EACH {
            assert!(jar.set(&place("http://a.test/"), format!("x{count}=1").as_bytes(), NOW));
        }
        assert_eq!((jar.cookies().len(), jar.cookies()[0].name.as_str()), (limits::COOKIES_EACH, "x1"));
    }
}
