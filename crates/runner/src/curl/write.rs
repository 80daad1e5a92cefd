//! A request as a curl command line.

use crate::curl::{CurlError, Shell};
use crate::http::{Body, Content, FormPart, Request};

/// Headers that curl makes itself or that its flags stand for.
const OWN: [&str; 4] = ["host", "content-length", "connection", "accept-encoding"];

/// Writes a request as a command line for a shell. It holds the request's secrets as they are.
pub fn write(request: &Request, shell: Shell) -> Result<String, CurlError> {
    let mut words = vec!["curl".to_owned()];
    let mut flag = |name: &str, value: Option<&str>| -> Result<(), CurlError> {
        let value = value
            .map(|value| quoted(value, shell).ok_or_else(|| CurlError::Unwritable { part: name.to_owned() }))
            .transpose()?;
        words.push(value.map_or_else(|| name.to_owned(), |value| format!("{name} {value}")));
        Ok(())
    };
    let implied = match request.body {
        Body::Empty => "GET",
        Body::File(_) | Body::Bytes(_) | Body::Form(_) => "POST",
    };
    match request.method.as_str() {
        "HEAD" if request.body == Body::Empty => flag("--head", None)?,
        method if method == implied => {}
        method => flag("--request", Some(one_line(method, "the method")?))?,
    }
    flag("--url", Some(one_line(&request.url, "the URL")?))?;
    if request.url.contains(['[', ']', '{', '}']) {
        flag("--globoff", None)?;
    }
    if request.url.contains("/.") {
        flag("--path-as-is", None)?;
    }
    if request.settings.follow_redirects {
        flag("--location", None)?;
    }
    if !request.settings.verify_tls {
        flag("--insecure", None)?;
    }
    if request.header("accept-encoding").is_some() {
        flag("--compressed", None)?;
    }
    let is_form = matches!(request.body, Body::Form(_));
    for (name, value) in &request.headers {
        let lower = name.to_lowercase();
        if OWN.contains(&lower.as_str()) || (is_form && lower == "content-type") {
            continue;
        }
        flag("--header", Some(&header(name, value)?))?;
    }
    match &request.body {
        Body::Empty => {}
        Body::Bytes(bytes) => {
            // Else curl would take any body for a form.
            if request.header("content-type").is_none() {
                flag("--header", Some("Content-Type:"))?;
            }
            let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
            flag(
                "--data-raw",
                Some(
                    text.ok_or_else(|| CurlError::Unwritable { part: "a body that is no text".to_owned() })?,
                ),
            )?;
        }
        Body::File(path) => {
            if request.header("content-type").is_none() {
                flag("--header", Some("Content-Type:"))?;
            }
            flag("--data-binary", Some(&format!("@{}", path.display())))?;
        }
        Body::Form(parts) => {
            for part in parts {
                let (name, value) = form_part(part)?;
                flag(name, Some(&value))?;
            }
        }
    }
    let between = match shell {
        Shell::Posix => " \\\n  ",
        Shell::Cmd => " ^\n  ",
    };
    Ok(words.join(between))
}

/// A text that may not hold a line break: it would say more than one thing to the server.
fn one_line<'a>(text: &'a str, part: &str) -> Result<&'a str, CurlError> {
    if text.contains(char::is_control) {
        Err(CurlError::Unwritable { part: part.to_owned() })
    } else {
        Ok(text)
    }
}

fn header(name: &str, value: &[u8]) -> Result<String, CurlError> {
    let part = || CurlError::Unwritable { part: format!("the header {}", name.escape_default()) };
    let value = std::str::from_utf8(value).map_err(|_| part())?;
    let is_odd = name.is_empty()
        || name.contains([':', ';'])
        || name.contains(char::is_control)
        || name.starts_with('@');
    if is_odd || value.contains(|sign: char| sign.is_control() && sign != '\t') {
        return Err(part());
    }
    Ok(if value.trim().is_empty() { format!("{name};") } else { format!("{name}: {value}") })
}

fn form_part(part: &FormPart) -> Result<(&'static str, String), CurlError> {
    let unwritable =
        || CurlError::Unwritable { part: format!("the form field {}", part.name.escape_default()) };
    let in_marks = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    if part.name.contains('=') || part.name.contains(char::is_control) {
        return Err(unwritable());
    }
    let mut value = match &part.content {
        Content::Bytes(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| unwritable())?;
            if part.content_type.is_none() && part.file_name.is_none() {
                return Ok(("--form-string", format!("{}={text}", part.name)));
            }
            format!("{}={}", part.name, in_marks(text))
        }
        Content::File(path) => format!("{}=@{}", part.name, in_marks(path.to_str().ok_or_else(unwritable)?)),
    };
    if let Some(kind) = &part.content_type {
        value = format!("{value};type={kind}");
    }
    if let Some(name) = &part.file_name {
        value = format!("{value};filename={}", in_marks(name));
    }
    Ok(("--form", value))
}

fn quoted(text: &str, shell: Shell) -> Option<String> {
    let is_plain = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@,+".contains(&byte));
    match shell {
        _ if text.contains('\0') => None,
        _ if is_plain => Some(text.to_owned()),
        Shell::Posix => Some(format!("'{}'", text.replace('\'', r"'\''"))),
        Shell::Cmd => cmd(text),
    }
}

/// For `cmd`, as browsers write it: every sign that means something to it behind a caret, the marks too, so that
/// it never is within quotation marks; within, marks and backslashes as programs read them.
fn cmd(text: &str) -> Option<String> {
    let mut inner = String::new();
    let mut slashes = 0;
    for sign in text.chars() {
        match sign {
            '\\' => slashes += 1,
            '"' => {
                inner.extend(std::iter::repeat_n('\\', slashes + 1));
                slashes = 0;
            }
            _ => slashes = 0,
        }
        inner.push(sign);
    }
    inner.extend(std::iter::repeat_n('\\', slashes));
    let mut out = String::from("^\"");
    for sign in inner.chars() {
        match sign {
            '\r' => return None, // no way to say it
            '\n' => out += "^\n\n",
            sign if sign.is_ascii_alphanumeric()
                || "-_./:@,+= {}[]'~;?*#\\".contains(sign)
                || !sign.is_ascii() =>
            {
                out.push(sign);
            }
            sign => out.extend(['^', sign]),
        }
    }
    Some(out + "^\"")
}
