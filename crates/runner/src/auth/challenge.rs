//! Challenges taken apart: `Digest realm="a", nonce="b", Basic realm="c"`.
//!
//! Invariant: any text gives some list of challenges, in time that grows with its length only.

/// A scheme with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Challenge {
    pub(crate) scheme: String,
    /// Names in lower case.
    params: Vec<(String, String)>,
    /// What stands alone after the scheme, as with NTLM.
    pub(crate) token: Option<String>,
}

impl Challenge {
    /// A parameter's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Takes the value of a header apart; there may be several challenges in one.
pub(crate) fn parse(text: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return challenges;
        }
        let (word, after) = rest.split_at(rest.find([' ', '\t', ',', '=', '"']).unwrap_or(rest.len()));
        let spaced = after.trim_start_matches([' ', '\t']);
        match (spaced.strip_prefix('='), challenges.last_mut()) {
            (Some(value), Some(challenge)) if !word.is_empty() && !value.starts_with('=') => {
                let (value, after) = value_of(value.trim_start_matches([' ', '\t']));
                challenge.params.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            _ if !word.is_empty() && is_token(spaced, after) => {
                let (token, after) = spaced.split_at(spaced.find([' ', '\t', ',']).unwrap_or(spaced.len()));
                challenges.push(Challenge {
                    scheme: word.to_owned(),
                    params: Vec::new(),
                    token: Some(token.to_owned()),
                });
                rest = after;
            }
            _ if !word.is_empty() && !after.starts_with('=') => {
                challenges.push(Challenge { scheme: word.to_owned(), ..Challenge::default() });
                rest = after;
            }
            _ => rest = rest.get(word.len() + 1..).unwrap_or_default(),
        }
    }
}

/// Whether what follows a scheme is one token and not a first parameter.
fn is_token(spaced: &str, after: &str) -> bool {
    let token = &spaced[..spaced.find([' ', '\t', ',']).unwrap_or(spaced.len())];
    let body = token.trim_end_matches('=');
    after.len() > spaced.len()
        && !body.is_empty()
        && !body.contains(['=', '"'])
        && !spaced[token.len()..].trim_start().starts_with('=')
        && (body.len() < token.len() || spaced[token.len()..].trim_start_matches([' ', '\t', ',']).is_empty())
}

/// A value, in quotes or not, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut signs = quoted.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(signs.next().map(|(_, sign)| sign)),
            sign => value.push(sign),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(text: &str, expected: &str) {
        let lines: Vec<_> = parse(text)
            .into_iter()
            .map(|challenge| {
                let params: Vec<_> =
                    challenge.params.iter().map(|(name, value)| format!(" {name}=<{value}>")).collect();
                format!(
                    "{}{}{}",
                    challenge.scheme,
                    challenge.token.map(|it| format!(" {it}")).unwrap_or_default(),
                    params.concat()
                )
            })
            .collect();
        assert_eq!(lines.join(" | "), expected);
    }

    #[test]
    fn challenges_are_taken_apart() {
        check("", "");
        check("NTLM", "NTLM");
        check("Negotiate, NTLM", "Negotiate | NTLM");
        check("NTLM TlRMTVNTUAAC==", "NTLM TlRMTVNTUAAC==");
        check("NTLM TlRMTVNT", "NTLM TlRMTVNT");
        check("Basic realm=\"x\"", "Basic realm=<x>");
        check(
            "Digest realm=\"a, \\\"b\", Nonce = n==, qop=\"auth,auth-int\",stale=FALSE, Basic realm=c",
            "Digest realm=<a, \"b> nonce=<n==> qop=<auth,auth-int> stale=<FALSE> | Basic realm=<c>",
        );
        check("Digest realm=\"open", "Digest realm=<open>");
        check("=,=\"\",,a", "a");
    }
}
