//! Rust source as words and marks, with their lines; comments apart, texts emptied.
//!
//! Why it exists: a rule that looks for a word must not find it in a comment, in a text, or in a test.
//! Invariant: tokens keep their order and lines, and brackets inside texts or comments are never seen.

/// A word, a number, a text (always empty), or one punctuation mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The word or the mark; `""` stands for any text or character.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// A comment of one line, or one line of a longer comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    /// What it says, with its marks.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// Splits a source into its tokens and its comments.
pub(crate) fn split(source: &str) -> (Vec<Token>, Vec<Comment>) {
    let mut reader = Reader { rest: source, line: 1, tokens: Vec::new(), comments: Vec::new() };
    while !reader.rest.is_empty() {
        reader.step();
    }
    (reader.tokens, reader.comments)
}

/// The tokens without the items under `#[cfg(test)]` and without functions under `#[test]`.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut index = 0;
    while index < tokens.len() {
        if let Some(length) = test_attribute_end(&tokens[index..]) {
            index += length + item_length(&tokens[index + length..]);
        } else {
            kept.push(tokens[index].clone());
            index += 1;
        }
    }
    kept
}

/// The names of modules in other files that are only built for tests: `#[cfg(test)] mod name;`.
pub(crate) fn test_modules(tokens: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    for index in 0..tokens.len() {
        let Some(length) = test_attribute_end(&tokens[index..]) else { continue };
        let item = &tokens[index + length..];
        let item = &item[..item_length(item)];
        if let Some(at) = item.iter().position(|token| token.text == "mod")
            && item.last().is_some_and(|token| token.text == ";")
            && let Some(name) = item.get(at + 1)
        {
            names.push(name.text.clone());
        }
    }
    names
}

/// Whether `tokens` begin with `words`.
pub(crate) fn begins(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.text == *word)
}

/// The index after the bracket that closes the one at `open`, or the end.
pub(crate) fn after_bracket(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// The length of `#[cfg(test)]`, `#[cfg(all(test, …))]` or `#[test]` if `tokens` begin with it.
fn test_attribute_end(tokens: &[Token]) -> Option<usize> {
    const TEST_ATTRIBUTES: &[&[&str]] = &[
        &["#", "[", "cfg", "(", "test", ")"],
        &["#", "[", "cfg", "(", "all", "(", "test"],
        &["#", "[", "test", "]"],
    ];
    TEST_ATTRIBUTES.iter().any(|words| begins(tokens, words)).then(|| after_bracket(tokens, 1))
}

/// The length of the item at the start, with its further attributes: up to its `;` or closing brace.
pub(crate) fn item_length(tokens: &[Token]) -> usize {
    let mut index = 0;
    while index < tokens.len() {
        match tokens[index].text.as_str() {
            ";" => return index + 1,
            "{" => return after_bracket(tokens, index),
            "(" | "[" => index = after_bracket(tokens, index),
            _ => index += 1,
        }
    }
    tokens.len()
}

/// Where the split is.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_whitespace() {
            self.advance(first.len_utf8());
        } else if rest.starts_with("//") {
            self.comment(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.comment(block_comment_length(rest));
        } else if let Some(length) = raw_text_length(rest).or_else(|| text_length(rest)) {
            self.token("", length);
        } else if let Some(length) = character_length(rest) {
            self.token("", length);
        } else if first == '_' || first.is_alphanumeric() {
            let length = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            self.token(&rest[..length], length);
        } else {
            self.token(&rest[..first.len_utf8()], first.len_utf8());
        }
    }

    fn token(&mut self, text: &str, length: usize) {
        self.tokens.push(Token { text: text.to_owned(), line: self.line });
        self.advance(length);
    }

    fn comment(&mut self, length: usize) {
        for (offset, text) in self.rest[..length].lines().enumerate() {
            self.comments.push(Comment { text: text.to_owned(), line: self.line + offset });
        }
        self.advance(length);
    }

    fn advance(&mut self, length: usize) {
        let (passed, rest) = self.rest.split_at(length);
        self.line += passed.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of a block comment, which may hold others.
fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut index = 0;
    while index < rest.len() {
        let here = &rest.as_bytes()[index..];
        if here.starts_with(b"/*") {
            depth += 1;
            index += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return index;
            }
        } else {
            index += 1;
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#`, `br"…"` or `cr"…"`.
fn raw_text_length(rest: &str) -> Option<usize> {
    let after_mark =
        rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let inner = after_mark.trim_start_matches('#');
    let hashes = after_mark.len() - inner.len();
    let body = inner.strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let begin = rest.len() - body.len();
    Some(body.find(&closing).map_or(rest.len(), |at| begin + at + closing.len()))
}

/// The length of `"…"`, `b"…"` or `c"…"`.
fn text_length(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').or_else(|| rest.strip_prefix('c')).unwrap_or(rest).strip_prefix('"')?;
    let begin = rest.len() - body.len();
    let mut escaped = false;
    for (index, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(begin + index + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// The length of `'x'` or `b'\n'`; none for a lifetime.
fn character_length(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('\'')?;
    let begin = rest.len() - body.len();
    if body.starts_with('\\') {
        let closing = body.char_indices().skip(2).find(|(_, letter)| *letter == '\'')?.0;
        return Some(begin + closing + 1);
    }
    let first = body.chars().next()?.len_utf8();
    body[first..].starts_with('\'').then_some(begin + first + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let words: Vec<String> = split(source).0.into_iter().map(|token| token.text).collect();
        assert_eq!(words.join(" "), expected, "of {source}");
    }

    fn check_kept(source: &str, expected: &str) {
        let kept = without_tests(&split(source).0);
        let words: Vec<&str> = kept.iter().map(|token| token.text.as_str()).collect();
        assert_eq!(words.join(" "), expected, "of {source}");
    }

    #[test]
    fn texts_and_comments_leave_no_words() {
        check(r#"let a = "tokio \" }"; // tokio"#, "let a =  ;");
        check("r#\"a \" b\"# + br\"x\" /* a /* b */ c */ + d", " +  + d");
        check(r"match c { '{' => '\'', b'\n' => '\u{7d}' }", "match c {  = >  ,  = >  }");
    }

    #[test]
    fn lifetimes_are_not_characters() {
        check("fn f<'a>(x: &'a str)", "fn f < ' a > ( x : & ' a str )");
    }

    #[test]
    fn unfinished_texts_end_with_the_file() {
        check("a \"b", "a ");
        check("a r#\"b", "a ");
        check("a /* b", "a");
        check("a '", "a '");
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let (tokens, comments) = split("a\n/* b\n c */\n\"d\ne\" f // g");
        assert_eq!(tokens.last().map(|token| (token.text.as_str(), token.line)), Some(("f", 5)));
        assert_eq!(comments.iter().map(|comment| comment.line).collect::<Vec<_>>(), [2, 3, 5]);
    }

    #[test]
    fn test_items_are_left_out_and_nothing_else() {
        check_kept("a; #[cfg(test)] mod tests { fn f() { x } } b;", "a ; b ;");
        check_kept("#[cfg(test)] #[expect(x)] use y::z; b", "b");
        check_kept("#[test] fn f() -> [u8; 3] { x } b", "b");
        check_kept("#[cfg(all(test, unix))] fn f() {} b", "b");
        check_kept("#[cfg(feature = \"x\")] fn f() {}", "# [ cfg ( feature =  ) ] fn f ( ) { }");
    }

    #[test]
    fn modules_of_tests_in_other_files_are_named() {
        let (tokens, _) = split("mod a; #[cfg(test)] mod proofs; #[cfg(test)] mod inner { fn f() {} }");
        assert_eq!(test_modules(&tokens), ["proofs"]);
    }
}
