//! The transport against a server that speaks, byte for byte, what each case says.

mod bodies;
mod cookies;
mod encodings;
mod failures;
mod proxies;
mod redirects;
mod requests;
mod secure;
mod sockets;
mod streams;

use satchel_runner::http::{Client, Request, Response, SendError};

/// Sends with a client of its own.
async fn send(request: Request) -> Result<Response, SendError> {
    Client::default().send(request, &mut |_| {}).await
}

fn with_headers(mut request: Request, headers: &[(&str, &str)]) -> Request {
    request.headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    request
}

/// An answer's body as text.
fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}
