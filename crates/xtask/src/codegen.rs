//! `cargo xtask codegen`: the page's types, read out of the Rust types that travel.
//!
//! ```text
//! crates/client/src/api/*.rs ──syn──▶ structs, enums, serde's attributes ──▶ ui/src/host/api.ts
//! ```
//! Why it exists: a type that is written twice is wrong once. The sources are parsed as text, so this needs none of
//! the product's code, and what it writes is kept in the repository, so that the page is built without Rust.
//!
//! Invariants: an attribute of serde's or a type that it does not know is an error, never a guess; a field may be left out
//! only where serde lets it: `default` on the way in, `skip_serializing_if` on the way out. A test fails when a file differs.
//!
//! Knows nothing of what the types mean.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Field, Fields, GenericArgument, Item, Lit, Meta, PathArguments, Token, Type};

use crate::failure::Failure;
use crate::shell;

/// One line for the overview.
pub(crate) const SUMMARY: &str = "write the page's types from the Rust types that it is sent";

/// The text of `--help`.
pub(crate) const HELP: &str = "
usage: cargo xtask codegen

Reads the types of the client's interface and writes them as TypeScript into the folder ui/src/host. Run it after
a change of those types and commit what it writes; a test of xtask fails while the two differ.";

/// A file that is written, what it is made from, and the file whose types it may name.
struct Output {
    file: &'static str,
    /// A folder with a `mod.rs`, whose modules are read in its order.
    folder: &'static str,
    /// The types that travel to Rust, with all that is in them: their fields with a default may be left out.
    inbound: &'static [&'static str],
}

const OUTPUTS: &[Output] =
    &[Output { file: "ui/src/host/api.ts", folder: "crates/client/src/api", inbound: &["Request"] }];

/// Writes every file that differs.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::usage(format!("codegen takes no argument, not {argument:?}")));
    }
    for output in OUTPUTS {
        let text = generate(output)?;
        let path = shell::root().join(output.file);
        if fs::read_to_string(&path).ok().as_ref() == Some(&text) {
            println!("{} is as the Rust types are", output.file);
            continue;
        }
        fs::write(&path, text).map_err(|error| Failure::new(format!("writing {}: {error}", output.file)))?;
        println!("{} is written", output.file);
    }
    Ok(())
}

fn generate(output: &Output) -> Result<String, Failure> {
    let read = |file: &str| {
        let text = fs::read_to_string(shell::root().join(file));
        text.map_err(|error| Failure::new(format!("reading {file}: {error}")))
    };
    let mut items = Vec::new();
    let all = format!("{}/mod.rs", output.folder);
    for name in modules(&read(&all)?).map_err(|what| Failure::new(format!("{all}: {what}")))? {
        let file = format!("{}/{name}.rs", output.folder);
        let text = read(&file)?;
        items.extend(declarations(&text).map_err(|what| Failure::new(format!("{file}: {what}")))?);
    }
    let head = format!(
        "// Written by `cargo xtask codegen` from {}: change the Rust types and run it again.\n\n\
         export type Json = null | boolean | number | string | Json[] | {{ [key: string]: Json }};\n",
        output.folder
    );
    let body = typescript(&items, output.inbound)
        .map_err(|what| Failure::new(format!("{}: {what}", output.folder)))?;
    Ok(head + &body)
}

/// What is not known, in words.
type Unknown = String;

/// One type that travels.
struct Declared {
    name: String,
    comment: String,
    shape: Shape,
}

enum Shape {
    /// The same as another type.
    Alias(Type),
    Record(Vec<Member>),
    Choice {
        tag: Option<String>,
        variants: Vec<Variant>,
    },
}

struct Member {
    name: String,
    comment: String,
    kind: Type,
    has_default: bool,
    is_skipped: bool,
}

struct Variant {
    name: String,
    comment: String,
    content: Content,
}

enum Content {
    Nothing,
    One(Box<Type>),
    Members(Vec<Member>),
}

/// The modules that a file has beside itself.
fn modules(source: &str) -> Result<Vec<String>, Unknown> {
    let file = syn::parse_file(source).map_err(|error| error.to_string())?;
    let name = |item| match item {
        Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
        _ => None,
    };
    Ok(file.items.into_iter().filter_map(name).filter(|name| name != "tests").collect())
}

/// The types of a file that serde writes or reads.
fn declarations(source: &str) -> Result<Vec<Declared>, Unknown> {
    let file = syn::parse_file(source).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for item in file.items {
        let (name, attributes, shape) = match item {
            Item::Struct(item) if is_travelling(&item.attrs) => {
                let serde = Serde::read(&item.attrs)?;
                let shape = match (serde.is_transparent, item.fields) {
                    (true, fields) => match fields.into_iter().next() {
                        Some(field) => Shape::Alias(field.ty),
                        None => return Err(format!("{} is transparent around nothing", item.ident)),
                    },
                    (false, Fields::Named(fields)) => {
                        Shape::Record(members(fields.named, serde.rename_all.as_deref())?)
                    }
                    (false, _) => return Err(format!("{} has fields without names", item.ident)),
                };
                (item.ident, item.attrs, shape)
            }
            Item::Enum(item) if is_travelling(&item.attrs) => {
                let serde = Serde::read(&item.attrs)?;
                let variants = item.variants.into_iter().map(|variant| read_variant(variant, &serde));
                let variants = variants.collect::<Result<_, _>>()?;
                (item.ident, item.attrs, Shape::Choice { tag: serde.tag, variants })
            }
            _ => continue,
        };
        found.push(Declared { name: name.to_string(), comment: comment(&attributes), shape });
    }
    Ok(found)
}

fn read_variant(variant: syn::Variant, all: &Serde) -> Result<Variant, Unknown> {
    let own = Serde::read(&variant.attrs)?;
    let name = named(&variant.ident.to_string(), own.rename, all.rename_all.as_deref())?;
    let content = match variant.fields {
        Fields::Unit => Content::Nothing,
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields
            .unnamed
            .into_iter()
            .next()
            .map_or(Content::Nothing, |field| Content::One(Box::new(field.ty))),
        Fields::Unnamed(_) => {
            return Err(format!("{} has more than one field without a name", variant.ident));
        }
        Fields::Named(fields) => Content::Members(members(fields.named, own.rename_all.as_deref())?),
    };
    Ok(Variant { name, comment: comment(&variant.attrs), content })
}

fn members(fields: Punctuated<Field, Token![,]>, rename_all: Option<&str>) -> Result<Vec<Member>, Unknown> {
    let read = |field: Field| {
        let own = Serde::read(&field.attrs)?;
        let name =
            field.ident.map(|name| name.to_string().trim_start_matches("r#").to_owned()).unwrap_or_default();
        Ok(Member {
            name: match (own.rename, rename_all) {
                (Some(name), _) => name,
                (None, None | Some("snake_case")) => name,
                (None, Some(other)) => return Err(format!("fields renamed to {other}")),
            },
            comment: comment(&field.attrs),
            kind: field.ty,
            has_default: own.has_default,
            is_skipped: own.is_skipped,
        })
    };
    fields.into_iter().map(read).collect()
}

/// What serde is told about a type, a variant or a field.
#[derive(Default)]
struct Serde {
    tag: Option<String>,
    rename: Option<String>,
    rename_all: Option<String>,
    is_transparent: bool,
    has_default: bool,
    is_skipped: bool,
}

impl Serde {
    fn read(attributes: &[Attribute]) -> Result<Self, Unknown> {
        let mut read = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            let words = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            for word in words.map_err(|error| error.to_string())? {
                let name = word.path().get_ident().map(ToString::to_string).unwrap_or_default();
                match (name.as_str(), text(&word)) {
                    ("tag", Some(value)) => read.tag = Some(value),
                    ("rename", Some(value)) => read.rename = Some(value),
                    ("rename_all", Some(value)) => read.rename_all = Some(value),
                    ("transparent", None) => read.is_transparent = true,
                    ("default", _) => read.has_default = true,
                    ("skip_serializing_if", Some(_)) => read.is_skipped = true,
                    // How a value is checked or shared on its way in leaves its shape alone.
                    ("deny_unknown_fields" | "borrow", None) => {}
                    _ => return Err(format!("serde's attribute `{name}` is not known here")),
                }
            }
        }
        Ok(read)
    }
}

/// The text of `name = "text"`.
fn text(meta: &Meta) -> Option<String> {
    let Meta::NameValue(pair) = meta else { return None };
    match &pair.value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn is_travelling(attributes: &[Attribute]) -> bool {
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let paths = derives.filter_map(|attribute| {
        attribute.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated).ok()
    });
    paths.flatten().any(|path| path.is_ident("Serialize") || path.is_ident("Deserialize"))
}

/// The words above an item, on one line, without the links between Rust's types.
fn comment(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let lines = lines.filter_map(|attribute| text(&attribute.meta));
    let words = lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
    words.replace("[`super::", "`").replace("[`", "`").replace("`]", "`").trim().to_owned()
}

fn named(variant: &str, rename: Option<String>, rename_all: Option<&str>) -> Result<String, Unknown> {
    match (rename, rename_all) {
        (Some(name), _) => Ok(name),
        (None, None) => Ok(variant.to_owned()),
        (None, Some("snake_case")) => Ok(snake_case(variant)),
        (None, Some("lowercase")) => Ok(variant.to_lowercase()),
        (None, Some(other)) => Err(format!("variants renamed to {other}")),
    }
}

/// As serde does it: an underscore before every capital but the first.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn typescript(declared: &[Declared], inbound: &[&str]) -> Result<String, Unknown> {
    let known: BTreeSet<&str> = declared.iter().map(|one| one.name.as_str()).collect();
    let inbound = reached(declared, inbound)?;
    let mut out = String::new();
    for one in declared {
        out.push('\n');
        say(&mut out, "", &one.comment);
        let writer = Writer { known: &known, is_inbound: inbound.contains(&one.name) };
        match &one.shape {
            Shape::Alias(kind) => {
                line(&mut out, &format!("export type {} = {};", one.name, writer.kind(kind)?));
            }
            Shape::Record(members) => {
                line(&mut out, &format!("export interface {} {{", one.name));
                for member in members {
                    say(&mut out, "  ", &member.comment);
                    line(&mut out, &format!("  {};", writer.member(member)?));
                }
                line(&mut out, "}");
            }
            Shape::Choice { tag, variants } => {
                line(&mut out, &format!("export type {} =", one.name));
                for (at, variant) in variants.iter().enumerate() {
                    say(&mut out, "  ", &variant.comment);
                    let end = if at + 1 == variants.len() { ";" } else { "" };
                    line(&mut out, &format!("  | {}{end}", writer.variant(variant, tag.as_deref())?));
                }
            }
        }
    }
    Ok(out)
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn say(out: &mut String, indent: &str, comment: &str) {
    if !comment.is_empty() {
        let _ = writeln!(out, "{indent}/// {comment}");
    }
}

/// The names of some types and of all that is in them.
fn reached(declared: &[Declared], from: &[&str]) -> Result<BTreeSet<String>, Unknown> {
    let known: BTreeSet<&str> = declared.iter().map(|one| one.name.as_str()).collect();
    let mut reached = BTreeSet::new();
    let mut left: Vec<String> = from.iter().map(|name| (*name).to_owned()).collect();
    while let Some(name) = left.pop() {
        let Some(one) = declared.iter().find(|one| one.name == name) else {
            return Err(format!("there is no type {name}"));
        };
        if !reached.insert(name) {
            continue;
        }
        let mut kinds = Vec::new();
        match &one.shape {
            Shape::Alias(kind) => kinds.push(kind),
            Shape::Record(members) => kinds.extend(members.iter().map(|member| &member.kind)),
            Shape::Choice { variants, .. } => {
                for variant in variants {
                    match &variant.content {
                        Content::Nothing => {}
                        Content::One(kind) => kinds.push(kind),
                        Content::Members(members) => kinds.extend(members.iter().map(|member| &member.kind)),
                    }
                }
            }
        }
        for kind in kinds {
            let written = Writer { known: &known, is_inbound: true }.kind(kind)?;
            let words = written.split(|letter: char| !letter.is_alphanumeric());
            left.extend(words.filter(|word| known.contains(word)).map(str::to_owned));
        }
    }
    Ok(reached)
}

struct Writer<'a> {
    known: &'a BTreeSet<&'a str>,
    is_inbound: bool,
}

impl Writer<'_> {
    fn member(&self, member: &Member) -> Result<String, Unknown> {
        let may_miss = if self.is_inbound { member.has_default } else { member.is_skipped };
        let mark = if may_miss { "?" } else { "" };
        Ok(format!("{}{mark}: {}", member.name, self.kind(&member.kind)?))
    }

    fn members(&self, members: &[Member]) -> Result<String, Unknown> {
        let written: Result<Vec<_>, _> = members.iter().map(|member| self.member(member)).collect();
        Ok(written?.join("; "))
    }

    fn variant(&self, variant: &Variant, tag: Option<&str>) -> Result<String, Unknown> {
        let name = &variant.name;
        Ok(match (tag, &variant.content) {
            (Some(tag), Content::Nothing) => format!("{{ {tag}: \"{name}\" }}"),
            (Some(tag), Content::One(kind)) => format!("({{ {tag}: \"{name}\" }} & {})", self.kind(kind)?),
            (Some(tag), Content::Members(members)) => {
                format!("{{ {tag}: \"{name}\"; {} }}", self.members(members)?)
            }
            (None, Content::Nothing) => format!("\"{name}\""),
            (None, Content::One(kind)) => format!("{{ {name}: {} }}", self.kind(kind)?),
            (None, Content::Members(members)) => format!("{{ {name}: {{ {} }} }}", self.members(members)?),
        })
    }

    fn kind(&self, kind: &Type) -> Result<String, Unknown> {
        if let Type::Tuple(tuple) = kind {
            let written: Result<Vec<_>, _> = tuple.elems.iter().map(|kind| self.kind(kind)).collect();
            return Ok(format!("[{}]", written?.join(", ")));
        }
        let Type::Path(path) = kind else {
            return Err("a type that is neither a name nor a tuple".to_owned());
        };
        let Some(last) = path.path.segments.last() else { return Err("a type without a name".to_owned()) };
        let name = last.ident.to_string();
        let mut inner = Vec::new();
        if let PathArguments::AngleBracketed(arguments) = &last.arguments {
            for argument in &arguments.args {
                if let GenericArgument::Type(kind) = argument {
                    inner.push(self.kind(kind)?);
                }
            }
        }
        Ok(match (name.as_str(), inner.as_slice()) {
            ("String" | "PathBuf", []) => "string".to_owned(),
            ("bool", []) => "boolean".to_owned(),
            ("u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "f64", []) => "number".to_owned(),
            ("Value", []) => "Json".to_owned(),
            ("Map", _) => "{ [key: string]: Json }".to_owned(),
            ("Box" | "Arc", [inner]) => inner.clone(),
            ("Option", [inner]) if inner == "Json" => inner.clone(),
            ("Option", [inner]) => format!("{inner} | null"),
            ("Vec", [inner]) if inner.contains(" | ") => format!("({inner})[]"),
            ("Vec" | "BTreeSet", [inner]) => format!("{inner}[]"),
            ("BTreeMap" | "HashMap", [key, value]) if key == "string" => {
                format!("{{ [key: string]: {value} }}")
            }
            (name, []) if self.known.contains(name) => name.to_owned(),
            _ => return Err(format!("the type `{name}` is not known here")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_types_are_those_of_the_client() {
        for output in OUTPUTS {
            let expected = generate(output).expect("the types are all known");
            let found = fs::read_to_string(shell::root().join(output.file)).unwrap_or_default();
            assert!(
                found == expected,
                "{} differs from the Rust types: run `cargo xtask codegen`",
                output.file
            );
        }
    }

    fn check(rust: &str, inbound: &[&str], expected: &str) {
        let written = declarations(rust).and_then(|declared| typescript(&declared, inbound));
        assert_eq!(written.expect("it is known").trim(), expected.trim());
    }

    #[test]
    fn a_record_has_serdes_names_and_holes() {
        let rust = r#"
            /// A thing, see [`super::Other`].
            #[derive(Serialize, Deserialize)]
            struct Thing {
                /// Its id.
                id: String,
                #[serde(default)]
                r#type: Option<super::Other>,
                #[serde(rename = "n", skip_serializing_if = "Vec::is_empty")]
                numbers: Vec<(String, u64)>,
            }
            #[derive(Debug)]
            struct Unseen { id: String }
            #[derive(Serialize)]
            #[serde(transparent)]
            struct Other(Option<serde_json::Value>);
        "#;
        let record = |type_mark: &str, number_mark: &str| {
            format!(
                "/// A thing, see `Other`.\nexport interface Thing {{\n  /// Its id.\n  id: string;\n  \
                 type{type_mark}: Other | null;\n  n{number_mark}: [string, number][];\n}}\n\nexport type Other = Json;"
            )
        };
        check(rust, &[], &record("", "?"));
        check(rust, &["Thing"], &record("?", ""));
    }

    #[test]
    fn a_choice_is_tagged_as_serde_tags_it() {
        check(
            r#"#[derive(Serialize)] #[serde(tag = "call", rename_all = "snake_case")]
               enum Call { Status, SignUp { server: String }, Inner(Kind) }
               #[derive(Serialize)] #[serde(rename_all = "snake_case")]
               enum Kind { InSync, At(Vec<Option<bool>>), Both { a: u8, b: u8 } }"#,
            &[],
            "export type Call =\n  | { call: \"status\" }\n  | { call: \"sign_up\"; server: string }\n  \
             | ({ call: \"inner\" } & Kind);\n\nexport type Kind =\n  | \"in_sync\"\n  \
             | { at: (boolean | null)[] }\n  | { both: { a: number; b: number } };",
        );
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        let refused = |rust: &str| {
            let written = declarations(rust).and_then(|declared| typescript(&declared, &[]));
            assert!(written.is_err(), "{written:?}");
        };
        refused("#[derive(Serialize)] struct A { a: Stranger }");
        refused("#[derive(Serialize)] struct A { #[serde(flatten)] a: String }");
        refused("#[derive(Serialize)] #[serde(rename_all = \"camelCase\")] struct A { a_b: String }");
        refused("#[derive(Serialize)] #[serde(rename_all = \"SCREAMING\")] enum A { B }");
        refused("#[derive(Serialize)] struct A(u8, u8);");
    }
}
