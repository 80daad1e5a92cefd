//! What only Satchel is put through: coming back after long, and many apps typing into one request.

use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};

use crate::app::App;
use crate::measure::{millis, tell};
use crate::scenes::EMAIL;
use crate::server::{Proxy, Server};
use crate::{Options, Outcome};

/// Calls under way at once where only the amount of edits matters.
const AT_ONCE: usize = 50;
/// Changes that wait in the app that was away, and those that it missed, for each edit of the scene: with 500
/// edits 1,000 and 5,000.
const WAITING_FACTOR: usize = 2;
const MISSED_FACTOR: usize = 10;
/// Seven keys a second: a fast typist.
const KEY_PERIOD: Duration = Duration::from_millis(140);
const LOOK_PERIOD: Duration = Duration::from_millis(5);

/// An app with waiting edits meets many of another app's, in other fields of partly the same requests.
pub(crate) async fn week(
    options: &Options,
    a: &App,
    away: &App,
    proxy: &Proxy,
    ids: &[String],
) -> Outcome<()> {
    let (waiting, missed) = (options.edits * WAITING_FACTOR, options.edits * MISSED_FACTOR);
    proxy.cut(true);
    while away.is_in_sync().await? {
        tokio::time::sleep(LOOK_PERIOD).await;
    }
    edit_many(away, ids, waiting, "description", "away").await?;
    edit_many(a, ids, missed, "url", "meanwhile").await?;
    a.sync().await?;
    proxy.cut(false);
    let begun = Instant::now();
    away.sync().await?;
    tell("week back", millis(begun.elapsed()), "ms");
    a.sync().await?;
    let (there, here) = (a.status().await?, away.status().await?);
    tell("week conflicts", f64::from(u32::try_from(there.conflicts.max(here.conflicts))?), "conflicts");
    check_equal(a, away, ids, waiting.max(missed)).await
}

async fn edit_many(app: &App, ids: &[String], count: usize, field: &str, word: &str) -> Outcome<()> {
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(AT_ONCE) {
        let edits = some.iter().map(|number| async move {
            app.set(&ids[number % ids.len()], field, &format!("{word}-{number}-end")).await
        });
        try_join_all(edits).await?;
    }
    Ok(())
}

async fn check_equal(a: &App, b: &App, ids: &[String], count: usize) -> Outcome<()> {
    for id in ids.iter().take(count) {
        if a.document(id).await? != b.document(id).await? {
            return Err(format!("request {id} is not the same in both apps").into());
        }
    }
    Ok(())
}

/// So many apps type into headers of one request, one each, as fast as people do.
pub(crate) async fn typing(options: &Options) -> Outcome<()> {
    let server = Server::start(&options.server, &options.folder)?;
    let first = App::sign_up(&options.folder.join("app0"), &server.url, EMAIL).await?;
    first.import(&options.input).await?;
    let id = first.requests().await?.swap_remove(0);
    let mut apps = vec![first];
    for number in 1..options.apps {
        let app = App::sign_in(&options.folder.join(format!("app{number}")), &server.url, EMAIL).await?;
        app.sync().await?;
        apps.push(app);
    }
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let typed = join_all(apps.iter().enumerate().map(|(number, app)| type_until(app, number, &id, end)));
    let typed = typed.await.into_iter().collect::<Outcome<Vec<String>>>()?;
    let begun = Instant::now();
    let document = wait_until_equal(&apps, &id).await?;
    tell("typing equal", millis(begun.elapsed()), "ms");
    let lost = typed.iter().filter(|text| !document.contains(text.as_str())).count();
    tell("typing lost", f64::from(u32::try_from(lost)?), "texts");
    tell("typing tries p99", tries(&apps, 99).await?, "tries");
    Ok(())
}

/// Types for as long; the last text.
async fn type_until(app: &App, number: usize, id: &str, end: Instant) -> Outcome<String> {
    let field = format!("header.X-App-{number}");
    let (mut keys, mut text) = (0_u64, String::new());
    let mut next = Instant::now();
    while Instant::now() < end {
        keys += 1;
        text = format!("app {number} has typed {keys} keys.");
        app.set(id, &field, &text).await?;
        next += KEY_PERIOD;
        tokio::time::sleep_until(next.into()).await;
    }
    Ok(text)
}

async fn wait_until_equal(apps: &[App], id: &str) -> Outcome<String> {
    loop {
        let mut documents = Vec::with_capacity(apps.len());
        let mut is_quiet = true;
        for app in apps {
            let status = app.status().await?;
            is_quiet &= app.is_in_sync().await? && status.pending.up == 0;
            documents.push(app.document(id).await?);
        }
        let first = documents.swap_remove(0);
        if is_quiet && documents.iter().all(|other| *other == first) {
            return Ok(first);
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

/// The number of tries that this part of all accepted commits did not exceed.
async fn tries(apps: &[App], percent: u64) -> Outcome<f64> {
    let mut counts: Vec<u64> = Vec::new();
    for app in apps {
        let of_app = app.status().await?.tries;
        counts.resize(counts.len().max(of_app.len()), 0);
        counts.iter_mut().zip(of_app).for_each(|(sum, count)| *sum += count);
    }
    let wanted = (counts.iter().sum::<u64>() * percent).div_ceil(100);
    let mut seen = 0;
    for (tries, count) in (1_u32..).zip(counts) {
        seen += count;
        if seen >= wanted {
            return Ok(f64::from(tries));
        }
    }
    Ok(f64::NAN)
}
