//! The libraries that scripts may `require`, as they lie in `js/`, and the parts of `pm`.

/// A bundled library: a `CommonJS` module's body.
pub(super) fn source(name: &str) -> Option<&'static str> {
    LIBRARIES.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}

macro_rules! libraries {
    ($($name:literal),* $(,)?) => {
        /// By the name that `require` takes.
        const LIBRARIES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../js/", $name, ".js")))),*];
    };
}

libraries![
    "ajv",
    "assert",
    "buffer",
    "chai",
    "cheerio",
    "crypto-js",
    "csv-parse",
    "events",
    "lodash",
    "lodash3",
    "moment",
    "path",
    "punycode",
    "querystring",
    "stream",
    "string_decoder",
    "tv4",
    "url",
    "util",
    "xml2js",
];

macro_rules! parts {
    ($($name:literal),* $(,)?) => {
        /// The parts of `pm`, each a function of the shared state, in the order in which they build on each other; the
        /// last one gives the functions that the engine calls.
        pub(super) const PARTS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../pm/", $name, ".js")))),*];
    };
}

parts![
    "list",
    "url",
    "request",
    "response",
    "variables",
    "assertions",
    "console",
    "require",
    "timers",
    "pm",
    "legacy",
    "main",
];
