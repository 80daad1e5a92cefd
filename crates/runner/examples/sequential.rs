//! Sends requests one after the other over a kept connection and prints how many a second, and the memory held.
//!
//! `cargo run --release -p satchel-runner --features testing --example sequential -- [SECONDS]`
//!
//! The server runs in a child of the same binary, so that the memory told is the client's.

use std::env;
use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use satchel_runner::http::{Client, Request};
use satchel_runner::testing::{TestServer, answer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1).as_deref() {
        Some("serve") => serve().await,
        seconds => measure(seconds.unwrap_or("3").parse()?).await,
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let server =
        TestServer::start(|_| answer("200 OK\r\nContent-Type: application/json", r#"{"ok":true}"#)).await;
    println!("{}", server.url("/"));
    std::future::pending().await
}

async fn measure(seconds: u64) -> Result<(), Box<dyn Error>> {
    let mut child = Command::new(env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
    let mut url = String::new();
    let output = child.stdout.take().ok_or("the child has an output")?;
    BufReader::new(output).read_line(&mut url)?;
    let client = Client::default();
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let response = client.send(Request::new("GET", url.trim()), &mut |_| {}).await?;
        assert_eq!(response.status, 200);
        count += 1;
    }
    let rate = f64::from(count) / begun.elapsed().as_secs_f64();
    child.kill()?;
    println!("{count} requests, {rate:.0} a second, {} KiB resident", resident_kib().unwrap_or_default());
    Ok(())
}

fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
