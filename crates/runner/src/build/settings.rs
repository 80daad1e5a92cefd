//! A document's `protocolProfileBehavior` over the settings of the caller.

use serde_json::{Map, Value as Json};

use crate::build::Warning;
use crate::http::Settings;

/// The behaviour that counts: the request's over its folders' over its collection's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behavior(Map<String, Json>);

impl Behavior {
    /// Of documents, the outermost first.
    pub(crate) fn of<'a>(documents: impl IntoIterator<Item = &'a Json>) -> Self {
        let mut all = Map::new();
        for fields in
            documents.into_iter().filter_map(|document| document.get("protocolProfileBehavior")?.as_object())
        {
            all.extend(fields.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        Self(all)
    }

    /// Whether something is said to be so.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Json::Bool(true))
    }

    /// Whether a header that is put in by itself is switched off; its name in lower case.
    pub(crate) fn leaves_out(&self, header: &str) -> bool {
        self.0.get("disabledSystemHeaders").and_then(|headers| headers.get(header)) == Some(&Json::Bool(true))
    }

    /// Lays it over settings.
    pub(crate) fn apply(&self, settings: &mut Settings, warnings: &mut Vec<Warning>) {
        let set = |field: &mut bool, name: &str, is_turned: bool| {
            if let Some(Json::Bool(value)) = self.0.get(name) {
                *field = *value != is_turned;
            }
        };
        set(&mut settings.follow_redirects, "followRedirects", false);
        set(&mut settings.keep_method_on_redirect, "followOriginalHttpMethod", false);
        set(&mut settings.keep_authorization_on_redirect, "followAuthorizationHeader", false);
        set(&mut settings.remove_referer_on_redirect, "removeRefererHeaderOnRedirect", false);
        set(&mut settings.verify_tls, "strictSSL", false);
        set(&mut settings.send_cookies, "disableCookies", true);
        set(&mut settings.store_cookies, "disableCookies", true);
        if let Some(most) = self.0.get("maxRedirects").and_then(Json::as_u64) {
            settings.max_redirects = u32::try_from(most).unwrap_or(u32::MAX);
        }
        for version in self.list("tlsDisabledProtocols") {
            match version {
                "TLSv1_2" => settings.tls12 = false,
                "TLSv1_3" => settings.tls13 = false,
                _ => {} // older ones are never spoken
            }
        }
        let is_said = |name: &&str| self.flag(name) || !self.list(name).is_empty();
        let unknown = ["tlsPreferServerCiphers", "tlsCipherSelection", "insecureHTTPParser"]
            .into_iter()
            .filter(is_said);
        warnings.extend(unknown.map(|setting| Warning::Setting { setting }));
    }

    fn list(&self, name: &str) -> Vec<&str> {
        self.0
            .get(name)
            .and_then(Json::as_array)
            .map(|list| list.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default()
    }
}
