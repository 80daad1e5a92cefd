//! Proxies: which one a request takes, and the handshakes of CONNECT and SOCKS5.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::connect::Wire;
use super::target::Target;
use super::{SendError, head};
use crate::limits;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP: plain requests in full, everything else through CONNECT.
    Http,
    /// The same over TLS.
    Https,
    /// SOCKS version 5; names are looked up by the proxy.
    Socks5,
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub kind: ProxyKind,
    /// Its name or address; an IPv6 address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password.
    pub credentials: Option<(String, Zeroizing<String>)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = self.credentials.as_ref().map(|_| "[redacted]");
        f.debug_struct("Proxy")
            .field("kind", &self.kind)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("credentials", &credentials)
            .finish()
    }
}

impl Proxy {
    /// Reads `[http://][user:password@]host[:port]`, also with `https`, `socks5` and `socks5h`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://").unwrap_or(("http", text.trim()));
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http, 80),
            "https" => (ProxyKind::Https, 443),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            _ => return None,
        };
        // A target's rules for host, port and credentials are a proxy's; only the default port differs.
        let target = Target::parse(&format!("http://{rest}")).ok()?;
        let place = rest.split('/').next()?.rsplit('@').next()?;
        let has_port = !place.ends_with(']') && place.contains(':');
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let credentials = target.credentials.as_deref().map(|both| {
            let colon = both.iter().position(|byte| *byte == b':').unwrap_or(both.len());
            (text(&both[..colon]), Zeroizing::new(text(both.get(colon + 1..).unwrap_or_default())))
        });
        Some(Self { kind, host: target.host, port: if has_port { target.port } else { port }, credentials })
    }

    /// The value of `Proxy-Authorization`.
    pub(super) fn authorization(&self) -> Option<Vec<u8>> {
        let (user, password) = self.credentials.as_ref()?;
        let joined = Zeroizing::new(format!("{user}:{}", password.as_str()));
        Some(format!("Basic {}", STANDARD.encode(joined.as_bytes())).into_bytes())
    }

    pub(super) fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn fault(&self, detail: impl fmt::Display) -> SendError {
        SendError::Proxy { proxy: self.address(), detail: detail.to_string() }
    }
}

/// Which requests take which proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    /// For `http` URLs.
    pub http: Option<Proxy>,
    /// For `https` URLs.
    pub https: Option<Proxy>,
    /// Hosts that are reached directly, as in `NO_PROXY`: names with all below them, `*`, each with an optional port.
    pub bypass: Vec<String>,
}

impl Proxies {
    /// One proxy for everything.
    pub fn all(proxy: Proxy) -> Self {
        Self { http: Some(proxy.clone()), https: Some(proxy), bypass: Vec::new() }
    }

    /// By `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower or upper case; `lookup` reads a variable.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| {
            let set = lookup(name).filter(|value| !value.is_empty());
            set.or_else(|| lookup(&name.to_ascii_uppercase()).filter(|value| !value.is_empty()))
        };
        let proxy = |name| read(name).or_else(|| read("all_proxy")).and_then(|text| Proxy::parse(&text));
        let bypass = read("no_proxy").unwrap_or_default();
        let bypass = bypass.split([',', ' ']).filter(|entry| !entry.is_empty()).map(str::to_owned).collect();
        Self { http: proxy("http_proxy"), https: proxy("https_proxy"), bypass }
    }

    /// The proxy to take.
    pub(super) fn for_target(&self, target: &Target) -> Option<&Proxy> {
        let proxy = if target.secure { self.https.as_ref() } else { self.http.as_ref() };
        proxy.filter(|_| !self.bypass.iter().any(|entry| passes_by(entry, target)))
    }
}

fn passes_by(entry: &str, target: &Target) -> bool {
    let entry = entry.trim().to_ascii_lowercase();
    if entry.parse::<IpAddr>().is_ok_and(|address| target.host.parse() == Ok(address)) {
        return true;
    }
    let (name, port) = match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port.parse().ok()),
        _ => (entry.as_str(), None),
    };
    if port.is_some_and(|port: u16| port != target.port) {
        return false;
    }
    let name = name.trim_matches(['[', ']']);
    let name = name.strip_prefix('*').unwrap_or(name);
    if name.is_empty() {
        return true;
    }
    let name = name.strip_prefix('.').unwrap_or(name);
    let below = target.host.strip_suffix(name);
    below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Asks an HTTP proxy for a way to the target.
pub(super) async fn tunnel(
    wire: &mut Box<dyn Wire>,
    proxy: &Proxy,
    target: &Target,
) -> Result<(), SendError> {
    let mut headers = vec![("Host".to_owned(), target.address().into_bytes())];
    headers.extend(proxy.authorization().map(|value| ("Proxy-Authorization".to_owned(), value)));
    let request = head::write("CONNECT", &target.address(), &headers);
    wire.write_all(&request).await.map_err(|error| proxy.fault(error))?;
    wire.flush().await.map_err(|error| proxy.fault(error))?;
    let mut answer = Vec::new();
    // Byte by byte: what follows the head belongs to the target.
    while head::end(&answer, answer.len().saturating_sub(1)).is_none() {
        if answer.len() >= limits::PROXY_HEAD_BYTES {
            return Err(proxy.fault("its answer is too long"));
        }
        answer.push(wire.read_u8().await.map_err(|error| proxy.fault(error))?);
    }
    let head = head::parse(&answer).map_err(|fault| proxy.fault(fault))?;
    match head.status {
        200..300 => Ok(()),
        status => Err(proxy.fault(format!("it answered {status} {}", head.reason).trim_end())),
    }
}

/// Asks a SOCKS5 proxy for a way to the target (RFC 1928, RFC 1929).
pub(super) async fn socks5(
    wire: &mut Box<dyn Wire>,
    proxy: &Proxy,
    target: &Target,
) -> Result<(), SendError> {
    let io = |error: std::io::Error| proxy.fault(error);
    let method = if proxy.credentials.is_some() { 2 } else { 0 };
    wire.write_all(&[5, 1, method]).await.map_err(io)?;
    let mut chosen = [0; 2];
    wire.read_exact(&mut chosen).await.map_err(io)?;
    if chosen != [5, method] {
        return Err(proxy.fault("it does not agree on a way to sign in"));
    }
    if let Some((user, password)) = &proxy.credentials {
        let mut proof = Zeroizing::new(vec![1]);
        push_short(&mut proof, user.as_bytes()).ok_or_else(|| proxy.fault("the user name is too long"))?;
        push_short(&mut proof, password.as_bytes()).ok_or_else(|| proxy.fault("the password is too long"))?;
        wire.write_all(&proof).await.map_err(io)?;
        let mut verdict = [0; 2];
        wire.read_exact(&mut verdict).await.map_err(io)?;
        if verdict[1] != 0 {
            return Err(proxy.fault("it refused the user name and password"));
        }
    }
    let mut ask = vec![5, 1, 0];
    match target.host.parse() {
        Ok(IpAddr::V4(address)) => ask.extend([1].into_iter().chain(address.octets())),
        Ok(IpAddr::V6(address)) => ask.extend([4].into_iter().chain(address.octets())),
        Err(_) => {
            ask.push(3);
            push_short(&mut ask, target.host.as_bytes())
                .ok_or_else(|| proxy.fault("the name is too long"))?;
        }
    }
    ask.extend(target.port.to_be_bytes());
    wire.write_all(&ask).await.map_err(io)?;
    let mut answer = [0; 4];
    wire.read_exact(&mut answer).await.map_err(io)?;
    if answer[1] != 0 {
        return Err(proxy.fault(socks_words(answer[1])));
    }
    let address = match answer[3] {
        1 => 4,
        4 => 16,
        3 => usize::from(wire.read_u8().await.map_err(io)?),
        _ => return Err(proxy.fault("its answer is malformed")),
    };
    let mut bound = vec![0; address + 2];
    wire.read_exact(&mut bound).await.map(|_| ()).map_err(io)
}

fn push_short(bytes: &mut Vec<u8>, text: &[u8]) -> Option<()> {
    bytes.push(u8::try_from(text.len()).ok()?);
    bytes.extend_from_slice(text);
    Some(())
}

fn socks_words(code: u8) -> &'static str {
    match code {
        2 => "its rules forbid the connection",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the connection was refused",
        6 => "the connection took too long",
        _ => "it failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, bypass: &str, proxied: bool) {
        let proxies = Proxies::from_environment(|name| match name {
            "http_proxy" | "HTTPS_PROXY" => Some("proxy.test:3128".into()),
            "no_proxy" => Some(bypass.into()),
            _ => None,
        });
        let target = Target::parse(url).expect("a URL");
        assert_eq!(proxies.for_target(&target).is_some(), proxied, "{url} with no_proxy={bypass}");
    }

    #[test]
    fn names_of_no_proxy_are_reached_directly() {
        check("http://a.test/", "", true);
        check("https://a.test/", "", true);
        check("http://a.test/", "b.test, a.test", false);
        check("http://x.a.test/", "a.test", false);
        check("http://x.a.test/", ".a.test", false);
        check("http://x.a.test/", "*.a.test", false);
        check("http://xa.test/", "a.test", true);
        check("http://a.test/", "*", false);
        check("http://a.test:81/", "a.test:80", true);
        check("http://a.test:81/", "a.test:81", false);
        check("http://127.0.0.1/", "127.0.0.1", false);
        check("http://[::1]/", "::1", false);
        check("http://[::1]:81/", "[::1]:81", false);
    }

    #[test]
    fn a_proxy_is_read_and_its_password_never_shown() {
        let proxy = Proxy::parse("socks5h://us%3Aer:p%40ss@proxy.test").expect("a proxy");
        assert_eq!((proxy.kind, proxy.host.as_str(), proxy.port), (ProxyKind::Socks5, "proxy.test", 1080));
        assert!(!format!("{proxy:?}").contains("p@ss"));
        assert_eq!(Proxy::parse("proxy.test:80").map(|proxy| proxy.port), Some(80));
        assert_eq!(Proxy::parse("https://[::1]").map(|proxy| proxy.address()), Some("[::1]:443".into()));
        assert_eq!(Proxy::parse("ftp://proxy.test"), None);
        assert_eq!(Proxy::parse(""), None);
    }
}
