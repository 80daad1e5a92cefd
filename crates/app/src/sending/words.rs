//! What went wrong with a request, in words for people: what, why, what to do.
//!
//! Why it exists: the runner's errors are typed and say what was tried. This is the place that knows what a person can
//! do about each.

use std::error::Error;

use satchel_runner::auth::AuthError;
use satchel_runner::auth::oauth2::TokenError;
use satchel_runner::build::Warning;
use satchel_runner::http::{Phase, SendError};
use satchel_runner::run::{Answer, PlanError, Sent, with_sources};
use satchel_runner::tls::TlsFault;
use satchel_runner::variable::Problem;

use crate::failure::Failure;

/// Why a request has no answer.
pub(super) fn no_answer(answer: &Answer, method: &str, url: &str) -> Failure {
    let what = if url.is_empty() { "sending the request".to_owned() } else { format!("{method} {url}") };
    match answer {
        Answer::Failed(error) => send_failure(what, error),
        Answer::NotBuilt(_) => Failure::request(
            "invalid",
            what,
            "the item holds no request",
            "look at it with `satchel show PATH`",
        ),
        Answer::Skipped | Answer::Withheld => Failure::request(
            "skipped",
            what,
            "a script of the request said that it shall not be sent",
            "look at the pre-request scripts of the request, its folders and its collection",
        ),
        Answer::Response(_) | Answer::Stopped => {
            Failure::request("stopped", what, "it was stopped before its answer was whole", "send it again")
        }
    }
}

/// Why a request could not be sent, or its answer not be read.
pub(super) fn send_failure(what: String, error: &SendError) -> Failure {
    let (kind, remedy) = row(error);
    // The error's own text says what was tried; the source is what the system said.
    let mut why = error.to_string();
    if let (SendError::Refused { .. }, Some(source)) = (error, error.source()) {
        why = format!("{why} ({source})");
    }
    Failure::request(kind, what, why, remedy)
}

/// A word for programs, and what to do.
fn row(error: &SendError) -> (&'static str, &'static str) {
    match error {
        SendError::BadUrl { .. } => (
            "url",
            "write it as http://host/path; `satchel vars PATH` shows the value of each variable in it",
        ),
        SendError::BadMethod { .. } => ("invalid", "a method is one word of letters, such as GET"),
        SendError::BadHeader { .. } => (
            "invalid",
            "take line breaks and control characters out of the header, or out of the variables in it",
        ),
        SendError::File { .. } => ("file", "check the path and its permissions"),
        SendError::Settings { .. } => {
            ("settings", "check the certificate files and the TLS settings of the request")
        }
        SendError::Dns { .. } => ("dns", "check the spelling of the host, and the network"),
        SendError::Refused { .. } => ("refused", "check host and port, and whether the server runs"),
        SendError::Unreachable { .. } => ("unreachable", "check host and port, and the network"),
        SendError::Proxy { .. } => ("proxy", "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or --proxy"),
        SendError::Tls { fault, .. } => ("tls", tls_remedy(fault)),
        SendError::Timeout { phase: Phase::Connecting, .. } => {
            ("timeout", "check host and port, and the network")
        }
        SendError::Timeout { .. } => ("timeout", "allow more time with --timeout, or look at the server"),
        SendError::Reset { .. } => {
            ("reset", "try again; the server, or something between, ended the connection")
        }
        SendError::BadResponse { .. } => {
            ("bad_response", "what answers there is not a server of HTTP, or is broken")
        }
        SendError::Http2 { .. } => ("http2", "choose HTTP/1.1 in the settings of the request"),
        SendError::TooLarge { .. } => ("too_large", "ask for less; the beginning of the body is as it came"),
        SendError::DecompressionBomb { .. } => {
            ("too_large", "do not trust this server: a small body was made to fill the memory")
        }
        SendError::Decoding { .. } => {
            ("decoding", "the server says another encoding than it sends; tell its owner")
        }
        SendError::TooManyRedirects { .. } => {
            ("redirects", "the server leads in circles; follow fewer with --ignore-redirects to see where")
        }
        SendError::BadRedirect { .. } => ("redirects", "add --ignore-redirects to see the answer itself"),
    }
}

fn tls_remedy(fault: &TlsFault) -> &'static str {
    match fault {
        TlsFault::NotTls => "the server does not speak TLS there: use http://, or another port",
        TlsFault::Untrusted => {
            "name the authority's certificate with --ssl-extra-ca-certs FILE; --insecure sends without looking"
        }
        TlsFault::WrongHost | TlsFault::Expired | TlsFault::NotYetValid | TlsFault::Revoked => {
            "tell the server's owner; --insecure sends without looking"
        }
        TlsFault::CertificateRequired => {
            "show a certificate with --ssl-client-cert FILE and --ssl-client-key FILE"
        }
        TlsFault::NothingInCommon | TlsFault::Broken { .. } | TlsFault::Other { .. } => {
            "check host and port; the server may be too old, or something stands between"
        }
    }
}

/// Why a run cannot begin.
pub(crate) fn plan_failure(what: String, error: &PlanError) -> Failure {
    let remedy = match error {
        PlanError::NotACollection => "name a collection, a folder, or a Postman collection file",
        PlanError::NotFound { .. } => "`satchel ls --tree PATH` shows the folders and requests",
        PlanError::TooDeep => "move folders up",
        PlanError::TooManyIterations => "run less at a time",
        PlanError::Lanes => "choose another number for --parallel",
    };
    Failure::request("invalid", what, error.to_string(), remedy)
}

/// What was left out of a request or not done around it.
pub(super) fn warnings(sent: &Sent) -> Vec<String> {
    let mut words: Vec<String> = sent.warnings.iter().map(warning).collect();
    words.extend(sent.token_error.as_ref().map(token));
    if sent.untrusted > 0 {
        words.push(untrusted(sent.untrusted as u64));
    }
    words
}

/// What is said of scripts that nobody trusts.
pub(crate) fn untrusted(count: u64) -> String {
    let scripts = if count == 1 { "1 script was".to_owned() } else { format!("{count} scripts were") };
    format!(
        "{scripts} not run: nobody has said on this device that the scripts of this workspace may run; \
         read them, then `satchel trust`, or add --trust"
    )
}

/// Something that was left out of a request.
pub(crate) fn warning(warning: &Warning) -> String {
    match warning {
        Warning::Variable(problem) => variable(problem),
        Warning::Auth(AuthError::NeedsToken { .. }) => {
            "the request is not signed: its access token has to be fetched by a person in a browser"
                .to_owned()
        }
        Warning::Auth(error) => format!("the request is not signed: {}", with_sources(error)),
        Warning::File { source, fault } => {
            format!(
                "the file {source} is not sent: {}; --working-dir FOLDER says where files may be",
                with_sources(fault)
            )
        }
        Warning::NoFile { field } => format!("the form field {field} is a file and names none"),
        Warning::Setting { setting } => format!("the setting {setting} has no effect here"),
    }
}

fn variable(problem: &Problem) -> String {
    match problem {
        Problem::Unresolved { name } => format!("{{{{{name}}}}} has no value and went as it is written"),
        Problem::Cycle { chain } => {
            format!("a variable leads back to itself and went as it is written: {}", chain.join(" → "))
        }
        Problem::TooDeep { name } => format!("{{{{{name}}}}} nests too deep and went as it is written"),
        Problem::TooLong { bytes_max } => {
            format!(
                "a text with its variables would be longer than {bytes_max} bytes and went as it is written"
            )
        }
    }
}

fn token(error: &TokenError) -> String {
    let why = match error {
        TokenError::Refused { error, description } if description.is_empty() => {
            format!("the server said {error}")
        }
        TokenError::Refused { error, description } => format!("the server said {error}: {description}"),
        other => with_sources(other),
    };
    format!("no access token was fetched: {why}")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_request_without_an_answer_says_what_why_and_what_to_do() {
        let check = |error: SendError, kind: &str, why: &str| {
            let failure = send_failure("GET http://x/".to_owned(), &error);
            assert_eq!((failure.kind.as_str(), failure.exit), (kind, 1));
            assert!(failure.why.contains(why) && !failure.remedy.is_empty(), "{failure:?}");
        };
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        check(
            SendError::Refused { address: "x:80".to_owned(), source: refused() },
            "refused",
            "connecting to x:80: connection refused",
        );
        check(
            SendError::Tls { host: "x".to_owned(), fault: TlsFault::Expired },
            "tls",
            "agreeing on TLS with x",
        );
        let limit = Duration::from_secs(2);
        check(SendError::Timeout { phase: Phase::Total, limit, partial: None }, "timeout", "2000 ms");
        check(SendError::BadHeader { name: "X".to_owned() }, "invalid", "line break");
    }

    #[test]
    fn warnings_name_what_is_concerned() {
        let check = |given: Warning, expected: &str| {
            let words = warning(&given);
            assert!(words.contains(expected), "{words}");
        };
        check(Warning::Variable(Problem::Unresolved { name: "host".to_owned() }), "{{host}} has no value");
        let chain = vec!["a".to_owned(), "b".to_owned(), "a".to_owned()];
        check(Warning::Variable(Problem::Cycle { chain }), "a → b → a");
        check(Warning::Auth(AuthError::Missing { field: "username" }), "the auth lacks username");
        check(Warning::Setting { setting: "tlsPreferServerCiphers" }, "tlsPreferServerCiphers");
    }
}
