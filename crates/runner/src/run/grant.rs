//! Gets the OAuth 2.0 token that a request needs.

use std::time::Duration;

use rand_core::OsRng;

use super::Means;
use super::sending::now_ms;
use crate::auth::Surroundings;
use crate::auth::oauth2::{Grant, TokenError, Tokens as _, obtain};
use crate::http::Client;

/// How long a person has to agree in the browser.
const WAIT: Duration = Duration::from_mins(5);

/// Gets a token and keeps it; false where only a browser could help and there is none.
pub(super) async fn fetch(grant: &Grant, client: &Client, means: &Means) -> Result<bool, TokenError> {
    let key = grant.key();
    let known = means.tokens.get(&key);
    let renewable = known.as_ref().is_some_and(|token| token.refresh.is_some());
    if means.browser.is_none() && grant.direct_request().is_none() && !renewable {
        return Ok(false);
    }
    let wait = if means.browser.is_some() { WAIT } else { Duration::ZERO };
    let mut open = |address: &str| {
        if let Some(open) = &means.browser {
            open(address);
        }
    };
    let mut rng = OsRng;
    let mut around = Surroundings { now_ms: now_ms(), rng: &mut rng, tokens: &means.tokens };
    let send = |mut request: crate::http::Request| async move {
        let follow_redirects = request.settings.follow_redirects;
        request.settings = means.options.settings.clone();
        // A token request that follows a redirect would carry the client's secret to wherever that leads.
        request.settings.follow_redirects = follow_redirects;
        client.send(request, &mut |_| {}).await
    };
    let token = obtain(grant, known.as_ref(), &mut around, wait, &mut open, send).await?;
    means.tokens.keep(key, token);
    Ok(true)
}
