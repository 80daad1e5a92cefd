//! A way to the server that keeps every byte of both directions, and can be closed for a while.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::process::holds;

/// What was heard: a list for each direction of a connection.
type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

pub(super) struct Recorder {
    pub(super) url: String,
    heard: Heard,
    closed: Arc<AtomicBool>,
}

impl Recorder {
    pub(super) fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let heard = Heard::default();
        let closed = Arc::new(AtomicBool::new(false));
        let (server, record, is_closed) = (server.to_owned(), heard.clone(), closed.clone());
        std::thread::spawn(move || {
            for app in listener.incoming().flatten() {
                if is_closed.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(there) = TcpStream::connect(&server) else { continue };
                let (Ok(app_too), Ok(there_too)) = (app.try_clone(), there.try_clone()) else { continue };
                let (up, down) = (record.clone(), record.clone());
                std::thread::spawn(move || pass(app, there, &up));
                std::thread::spawn(move || pass(there_too, app_too, &down));
            }
        });
        Self { url, heard, closed }
    }

    /// Lets no new connection through, or lets them through again.
    pub(super) fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// All that was heard, as the server reads it.
    pub(super) fn captured(&self) -> Vec<u8> {
        let heard = self.heard.lock().expect("no thread fails with it");
        heard.iter().flat_map(|direction| unmasked(direction)).collect()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, record: &Mutex<Vec<Vec<u8>>>) {
    let own = {
        let mut heard = record.lock().expect("no thread fails with it");
        heard.push(Vec::new());
        heard.len() - 1
    };
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        record.lock().expect("no thread fails with it")[own].extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
    drop(from.shutdown(Shutdown::Read));
}

/// A web socket's client masks what it sends (RFC 6455, 5.2); without taking the masks off, a search of
/// the wire would find nothing whatever is in it.
fn unmasked(direction: &[u8]) -> Vec<u8> {
    let Some(head) = direction.windows(4).position(|window| window == b"\r\n\r\n") else {
        return direction.to_vec();
    };
    let (head, mut rest) = direction.split_at(head + 4);
    let mut read = head.to_vec();
    let text = String::from_utf8_lossy(head).to_lowercase();
    // Frames that are compressed would have to be expanded first; none are.
    assert!(!text.contains("permessage-deflate"), "frames are not compressed");
    if !text.contains("upgrade: websocket") || !head.starts_with(b"GET") {
        read.extend_from_slice(rest);
        return read;
    }
    while let Some((payload, after)) = frame(rest) {
        read.extend(payload);
        rest = after;
    }
    read.extend_from_slice(rest);
    read
}

fn frame(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let short = bytes.get(1)?;
    assert!(short & 0x80 != 0, "a client's frame is masked");
    let (length, at) = match short & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        length => (usize::from(length), 2),
    };
    let mask = bytes.get(at..at + 4)?;
    let payload = bytes.get(at + 4..at + 4 + length)?;
    let opened = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((opened, &bytes[at + 4 + length..]))
}

#[test]
fn the_recorder_takes_the_masks_off() {
    let head = b"GET /v1/socket HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    let mask = [1, 2, 3, 4];
    let masked: Vec<u8> =
        b"planted".iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    let sent = [&head[..], &[0x82, 0x80 | 7], &mask, &masked].concat();
    assert!(holds(&unmasked(&sent), b"planted") && !holds(&sent, b"planted"));
}
