//! Why a file does not come in.

use std::fmt;

use crate::format::json::JsonError;
use crate::format::postman::{BODY_BYTES_MAX, ITEMS_MAX};

/// Why a file does not come in. Nothing of it has come in then.
#[derive(Debug)]
pub enum ImportError {
    /// It is not readable as JSON, or over the limits of that.
    Json(JsonError),
    /// It is something else that was recognised.
    Foreign(Foreign),
    /// It is JSON, but nothing that is known.
    Unrecognised {
        /// What it looks like.
        seen: String,
    },
    /// It is a collection of a version that is not known.
    Version {
        /// The schema that it names.
        schema: String,
    },
    /// It has more than [`ITEMS_MAX`] items.
    TooManyItems,
    /// An item has more than [`BODY_BYTES_MAX`] bytes.
    ItemTooLarge {
        /// Its name.
        name: String,
        /// About how many bytes it has.
        bytes: usize,
    },
    /// It is of a known kind, but there is nothing to import in it.
    Nothing {
        /// What it is.
        source: String,
    },
    /// A ZIP archive unpacks to more than the limit, or has too many files.
    ArchiveTooLarge {
        /// The limit, in words.
        limit: String,
    },
    /// A ZIP archive is damaged or uses something that is not read here.
    Archive {
        /// The file in the archive, if one is to blame.
        entry: Option<String>,
        /// What the reader says.
        source: zip::result::ZipError,
    },
    /// A file in a ZIP archive is broken.
    Entry {
        /// Its name.
        name: String,
        /// Why it does not come in.
        source: Box<ImportError>,
    },
}

impl ImportError {
    /// Whether the file is over a limit rather than wrong.
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Json(error) => error.is_limit(),
            Self::TooManyItems | Self::ItemTooLarge { .. } | Self::ArchiveTooLarge { .. } => true,
            Self::Entry { source, .. } => source.is_limit(),
            _ => false,
        }
    }
}

impl From<JsonError> for ImportError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::Foreign(foreign) => write!(
                f,
                "recognising the file: it is {foreign}, not a Postman collection, environment or data dump"
            ),
            Self::Unrecognised { seen } => write!(
                f,
                "recognising the file: it is JSON ({seen}), but no Postman collection, environment or data dump"
            ),
            Self::Version { schema } => write!(
                f,
                "recognising the file: it is a Postman collection of a version that is not known ({schema}); \
                 v1.0.0, v2.0.0 and v2.1.0 are read"
            ),
            Self::TooManyItems => write!(f, "importing: it has more than {ITEMS_MAX} items"),
            Self::ItemTooLarge { name, bytes } => {
                write!(f, "importing {name}: it has about {bytes} bytes, an item may have {BODY_BYTES_MAX}")
            }
            Self::Nothing { source } => write!(f, "importing a {source}: there is nothing in it to import"),
            Self::ArchiveTooLarge { limit } => {
                write!(f, "unpacking the archive: it is larger than allowed ({limit})")
            }
            Self::Archive { entry: None, source } => write!(f, "unpacking the archive: {source}"),
            Self::Archive { entry: Some(entry), source } => {
                write!(f, "unpacking {entry} of the archive: {source}")
            }
            Self::Entry { name, source } => write!(f, "reading {name} of the archive: {source}"),
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Archive { source, .. } => Some(source),
            Self::Entry { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Something that people have in hand when they look for a Postman file, and that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// A web page, such as a sign-in page that was saved in place of the file.
    Html,
    /// Another XML document, such as WSDL.
    Xml,
    /// An `OpenAPI` or Swagger description, JSON or YAML.
    OpenApi,
    /// An `AsyncAPI` description.
    AsyncApi,
    /// A RAML description.
    Raml,
    /// An HTTP archive of a browser.
    Har,
    /// A cURL command.
    Curl,
    /// A raw HTTP message or `.http` file.
    Http,
    /// An export of Insomnia.
    Insomnia,
    /// A Bruno collection or request.
    Bruno,
    /// A Thunder Client collection.
    ThunderClient,
    /// A Hoppscotch collection.
    Hoppscotch,
    /// A GraphQL schema or its introspection.
    GraphQl,
    /// A JSON Schema.
    JsonSchema,
    /// The results of a collection run.
    RunResults,
    /// A backup of Satchel.
    Backup,
    /// A file of the Node package manager.
    Package,
    /// A `.env` file.
    DotEnv,
    /// A gzip archive.
    Gzip,
    /// A PDF document.
    Pdf,
    /// An image.
    Image,
    /// An executable or another binary file.
    Binary,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "a web page (HTML)",
            Self::Xml => "an XML document",
            Self::OpenApi => "an OpenAPI description",
            Self::AsyncApi => "an AsyncAPI description",
            Self::Raml => "a RAML description",
            Self::Har => "an HTTP archive (HAR)",
            Self::Curl => "a cURL command",
            Self::Http => "a raw HTTP request",
            Self::Insomnia => "an Insomnia export",
            Self::Bruno => "a Bruno file",
            Self::ThunderClient => "a Thunder Client collection",
            Self::Hoppscotch => "a Hoppscotch collection",
            Self::GraphQl => "a GraphQL schema",
            Self::JsonSchema => "a JSON Schema",
            Self::RunResults => "the results of a collection run",
            Self::Backup => "a backup of Satchel (restore it as one)",
            Self::Package => "a package.json file",
            Self::DotEnv => "a file of environment variables (.env)",
            Self::Gzip => "a gzip archive",
            Self::Pdf => "a PDF document",
            Self::Image => "an image",
            Self::Binary => "a binary file",
        })
    }
}
