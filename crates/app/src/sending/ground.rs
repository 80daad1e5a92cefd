//! What the runner needs, made of what the profile gave.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use satchel_client::api::SourcesView;
use satchel_runner::auth::oauth2::Token;
use satchel_runner::build;
use satchel_runner::cookie::Jar;
use satchel_runner::http::{Proxies, Settings};
use satchel_runner::run::{KeptTokens, Means};
use satchel_runner::script::{Launch, Limits, Trust};
use satchel_runner::variable::{Layer, Scope, Scopes, Variable};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::{How, SCRIPT_WORD, USER_AGENT, now_ms};
use crate::failure::Failure;

/// What the profile gave, and what is made of it once.
pub(crate) struct Ground {
    /// What the profile gave.
    pub(crate) sources: SourcesView,
    launch: Launch,
}

impl Ground {
    /// Looks where this program is, for the process for scripts.
    pub(crate) fn new(sources: SourcesView) -> Result<Self, Failure> {
        let launch = Launch::this_program([SCRIPT_WORD]).map_err(|error: io::Error| {
            Failure::agent("finding this program", error.to_string(), "install it again and try again")
        })?;
        Ok(Self { sources, launch })
    }

    /// Ground of no workspace.
    pub(crate) fn bare() -> Result<Self, Failure> {
        Self::new(SourcesView {
            workspace: String::new(),
            item: None,
            ancestors: Vec::new(),
            collection: None,
            environment: None,
            globals: json!({}),
            trusted: false,
            cookies: Vec::new(),
            tokens: json!({}),
        })
    }

    /// All variables that the item sees.
    pub(crate) fn scopes(&self, locals: &[(String, String)]) -> Scopes {
        let mut layers = vec![Layer::from_document(Scope::Global, &self.sources.globals)];
        for (depth, above) in self.sources.ancestors.iter().enumerate() {
            let scope = if depth == 0 { Scope::Collection } else { Scope::Folder };
            layers.push(named(Layer::from_document(scope, &above.document), &above.item.name));
        }
        // A folder or a collection has variables of its own.
        if let Some(own) = self.sources.item.as_ref().filter(|own| own.item.kind != "request") {
            let scope = if self.sources.ancestors.is_empty() { Scope::Collection } else { Scope::Folder };
            layers.push(named(Layer::from_document(scope, &own.document), &own.item.name));
        }
        layers.extend(self.environment());
        layers.extend(local_layer(locals));
        Scopes::new(layers)
    }

    /// The environment's variables.
    pub(crate) fn environment(&self) -> Option<Layer> {
        let found = self.sources.environment.as_ref()?;
        Some(named(Layer::from_document(Scope::Environment, &found.document), &found.item.name))
    }

    /// What sending needs besides documents and variables; a fresh copy of cookies and tokens.
    pub(crate) fn means(&self, how: &How) -> Means {
        let is_trusted = self.sources.trusted || how.trusts;
        let jar = Jar::from_json(&Json::Array(self.sources.cookies.clone()), now_ms() / 1_000);
        let limits = Limits::default();
        Means {
            options: build::Options {
                settings: how.settings.clone(),
                user_agent: USER_AGENT.to_owned(),
                files: how.files.clone(),
            },
            jar: Arc::new(Mutex::new(jar)),
            tokens: KeptTokens::new(tokens(&self.sources.tokens)),
            browser: how.browser.clone(),
            trust: if is_trusted { Trust::Given } else { Trust::Missing },
            launch: self.launch.clone(),
            script_limits: Limits { time: how.script_time.unwrap_or(limits.time), ..limits },
            stop: how.stop.clone(),
        }
    }
}

fn named(layer: Layer, name: &str) -> Layer {
    Layer { name: name.to_owned(), ..layer }
}

/// Variables that were given for this one send.
pub(crate) fn local_layer(locals: &[(String, String)]) -> Option<Layer> {
    let variables: Vec<_> =
        locals.iter().map(|(key, value)| Variable::new(key.clone(), value.clone())).collect();
    (!variables.is_empty()).then(|| Layer { variables, ..Layer::new(Scope::Local, "") })
}

/// The usual rules, with the proxies of the environment.
pub(crate) fn usual_settings() -> Settings {
    let proxies = Proxies::from_environment(|name| std::env::var(name).ok());
    Settings { proxies, ..Settings::default() }
}

/// A token as it is kept.
pub(crate) fn token_json(token: &Token) -> Json {
    json!({
        "access": token.access.as_str(),
        "refresh": token.refresh.as_ref().map(|refresh| refresh.as_str()),
        "kind": token.kind,
        "scope": token.scope,
        "expires_ms": token.expires_ms,
    })
}

fn tokens(kept: &Json) -> HashMap<String, Token> {
    let token = |json: &Json| {
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        Some(Token {
            access: Zeroizing::new(text("access")?),
            refresh: text("refresh").map(Zeroizing::new),
            kind: text("kind")?,
            scope: text("scope"),
            expires_ms: json.get("expires_ms").and_then(Json::as_u64),
        })
    };
    let all = kept.as_object().into_iter().flatten();
    all.filter_map(|(key, json)| Some((key.clone(), token(json)?))).collect()
}
