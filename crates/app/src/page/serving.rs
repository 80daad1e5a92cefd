//! Connections to the page's port, within limits.
//!
//! Why it exists: whoever may open the port may open it a thousand times, or open it and say nothing. Every program of
//! the machine may, so what a connection costs is bounded before anything is known of it.
//!
//! Invariants: heads and their time are limited, and so are connections and how long one lasts; a page's WebSocket is
//! counted by itself, since it lives as long as the page.
//!
//! Knows nothing of who may come in.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Connections at a time; more wait until one ends.
const CONNECTIONS_MAX: usize = 64;
/// The largest head of a request.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of a request.
const HEADERS_MAX: usize = 64;
/// How long a head may take, and how long a connection may say nothing.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection lasts that is no WebSocket; the browser opens another.
const CONNECTION_TIME_MAX: Duration = Duration::from_mins(2);
/// How long to wait when the system cannot give one more connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers every connection, without end.
pub(super) async fn serve<A, F>(listener: TcpListener, answer: A)
where
    A: Fn(Request<Body>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let answer = answer.clone();
        tokio::spawn(async move {
            converse(stream, answer).await;
            drop(place);
        });
    }
}

async fn converse<A, F>(stream: TcpStream, answer: A)
where
    A: Fn(Request<Body>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // Small answers go at once; where that cannot be set they go a little later.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answered = answer(request.map(Body::new));
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // It ends by itself, by an error of the other side, or by its time: nobody is left to be told.
    drop(timeout(CONNECTION_TIME_MAX, connection).await);
}
