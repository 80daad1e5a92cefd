//! `multipart/form-data` as newman writes it.

use std::path::Path;

use rand_core::{OsRng, RngCore};

use super::body::Segment;
use super::head::is_value;
use super::{Content, FormPart, SendError};
use crate::media::of_path;

/// The form newman's boundaries have.
const BOUNDARY_DASHES: usize = 26;
const BOUNDARY_DIGITS: usize = 24;
/// The type of a file whose ending tells nothing.
const UNKNOWN: &str = "application/octet-stream";
/// The longest boundary (RFC 2046, section 5.1.1).
const BOUNDARY_LONGEST: usize = 70;

/// A boundary that nobody else has: 26 dashes and 24 digits.
pub(super) fn make_boundary() -> String {
    let mut boundary = "-".repeat(BOUNDARY_DASHES);
    while boundary.len() < BOUNDARY_DASHES + BOUNDARY_DIGITS {
        // Ten does not divide 2^32; the bias is of no use to anyone.
        boundary.push(char::from(b'0' + u8::try_from(OsRng.next_u32() % 10).expect("a digit")));
    }
    boundary
}

/// The boundary that a content type names.
pub(super) fn named_boundary(content_type: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content_type).ok()?;
    let place = text.to_ascii_lowercase().find("boundary=")?;
    let value = text[place + "boundary=".len()..].trim_start();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split([';', ' ', ',']).next()?,
    };
    let fits = (1..=BOUNDARY_LONGEST).contains(&value.len());
    fits.then(|| value.to_owned())
}

/// The form as segments.
pub(super) fn segments(parts: &[FormPart], boundary: &str) -> Result<Vec<Segment>, SendError> {
    let mut segments = Vec::with_capacity(parts.len() * 2 + 1);
    let mut text = Vec::new();
    for part in parts {
        text.extend_from_slice(part_head(part, boundary)?.as_bytes());
        match &part.content {
            Content::Bytes(bytes) => text.extend_from_slice(bytes),
            Content::File(path) => {
                segments.push(Segment::Bytes(std::mem::take(&mut text).into()));
                segments.push(Segment::file(path)?);
            }
        }
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    segments.push(Segment::Bytes(text.into()));
    Ok(segments)
}

fn part_head(part: &FormPart, boundary: &str) -> Result<String, SendError> {
    let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&part.name));
    let own_name = match &part.content {
        Content::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        Content::Bytes(_) => None,
    };
    let file_name = part.file_name.clone().or(own_name);
    if let Some(name) = &file_name {
        head.extend(["; filename=\"", &quoted(name), "\""]);
    }
    // A field whose file is missing has an empty name, and nothing to go by.
    let named = file_name.as_deref().filter(|name| !name.is_empty());
    let by_name = named.map(|name| of_path(Path::new(name)).unwrap_or(UNKNOWN).to_owned());
    if let Some(content_type) = part.content_type.clone().or(by_name) {
        if !is_value(content_type.as_bytes()) {
            return Err(SendError::BadHeader { name: format!("Content-Type of form field {}", part.name) });
        }
        head.extend(["\r\nContent-Type: ", &content_type]);
    }
    head.push_str("\r\n\r\n");
    Ok(head)
}

/// A name that cannot leave its quotes or its line, as the HTML standard escapes it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, value: &str) -> FormPart {
        let content = Content::Bytes(value.as_bytes().to_vec());
        FormPart { name: name.into(), content, file_name: None, content_type: None }
    }

    fn check(parts: &[FormPart], expected: &str) {
        let segments = segments(parts, "B").expect("a form");
        let [Segment::Bytes(bytes)] = &segments[..] else { panic!("only bytes") };
        assert_eq!(String::from_utf8_lossy(bytes), expected);
    }

    #[test]
    fn parts_stand_between_boundaries() {
        check(
            &[text("a", "1"), FormPart { content_type: Some("x/y".into()), ..text("b", "2") }],
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; \
             name=\"b\"\r\nContent-Type: x/y\r\n\r\n2\r\n--B--\r\n",
        );
        check(&[], "--B--\r\n");
    }

    #[test]
    fn names_cannot_leave_their_line() {
        let part = FormPart { file_name: Some("x\r\ny.PNG".into()), ..text("a\"\nb", "") };
        check(
            &[part],
            "--B\r\nContent-Disposition: form-data; name=\"a%22%0Ab\"; filename=\"x%0D%0Ay.PNG\"\r\n\
             Content-Type: image/png\r\n\r\n\r\n--B--\r\n",
        );
        let part = FormPart { content_type: Some("x/y\r\nEvil: 1".into()), ..text("a", "") };
        assert!(matches!(segments(&[part], "B"), Err(SendError::BadHeader { .. })));
    }

    #[test]
    fn boundaries_have_newmans_form() {
        let boundary = make_boundary();
        assert_eq!(boundary.len(), 50);
        assert!(boundary.starts_with(&"-".repeat(26)));
        assert!(boundary[26..].bytes().all(|byte| byte.is_ascii_digit()));
        assert_ne!(boundary, make_boundary());
    }

    #[test]
    fn a_boundary_written_by_hand_is_used() {
        assert_eq!(named_boundary(b"multipart/form-data; Boundary=abc; x=y").as_deref(), Some("abc"));
        assert_eq!(named_boundary(b"multipart/form-data; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(named_boundary(b"multipart/form-data"), None);
        assert_eq!(named_boundary(b"multipart/form-data; boundary="), None);
    }
}
