//! Where a redirect leads, and what of the request goes there (RFC 9110, section 15.4; Postman's settings).

use url::Url;

use super::request::find;
use super::{Body, Request, Response, SendError, Target};

/// What describes a body, and goes with it.
const OF_THE_BODY: &[&str] =
    &["content-type", "content-length", "transfer-encoding", "content-encoding", "content-language"];
/// What proves who asks, and stays with the host it was written for.
const CREDENTIALS: &[&str] = &["authorization", "cookie"];

/// Where an answer redirects to, if it does.
pub(super) fn location(status: u16, headers: &[(String, Vec<u8>)]) -> Option<&[u8]> {
    let redirects = matches!(status, 300..=303 | 305..=399);
    find(headers, "location").filter(|_| redirects)
}

/// The request that follows a redirecting answer.
pub(super) fn next(
    request: &Request,
    target: &Target,
    answer: &Response,
) -> Result<(Request, Target), SendError> {
    let location = location(answer.status, &answer.headers).unwrap_or_default();
    let location = String::from_utf8_lossy(location).into_owned();
    let bad = || SendError::BadRedirect {
        location: location[..location.floor_char_boundary(2_000)].to_owned(),
        partial: None,
    };
    let from = Url::parse(&request.url).map_err(|_| bad())?;
    let url = from.join(&location).map_err(|_| bad())?;
    let to = Target::parse(url.as_str()).ok().filter(|to| !to.websocket).ok_or_else(bad)?;
    let mut next = Request { url: url.into(), ..request.clone() };
    let settings = &request.settings;
    if !matches!(answer.status, 307 | 308) && !settings.keep_method_on_redirect {
        if next.method != "HEAD" {
            next.method = "GET".into();
        }
        next.body = Body::Empty;
        without(&mut next, OF_THE_BODY);
    }
    if !to.same_origin(target) {
        without(&mut next, &["host"]);
        next.settings.client_certificate =
            next.settings.client_certificate.filter(|_| to.host == target.host);
    }
    // Another host, or the same one in the clear: nobody meant the credentials for it.
    if to.host != target.host || (target.secure && !to.secure) {
        if settings.keep_authorization_on_redirect {
            without(&mut next, &["cookie"]);
        } else {
            without(&mut next, CREDENTIALS);
        }
    }
    without(&mut next, &["referer"]);
    if !settings.remove_referer_on_redirect {
        next.headers.push(("Referer".into(), referer(from).into_bytes()));
    }
    Ok((next, to))
}

fn without(request: &mut Request, names: &[&str]) {
    request.headers.retain(|(name, _)| !names.iter().any(|it| name.eq_ignore_ascii_case(it)));
}

/// Where the request came from, without what is nobody else's concern.
fn referer(mut from: Url) -> String {
    // Neither can fail on an `http` URL, which always has a host.
    let _ = from.set_username("");
    let _ = from.set_password(None);
    from.set_fragment(None);
    from.into()
}
