//! Reads JSON straight into the values of documents, lists and all.
//!
//! Why it exists: records are read far more often than written, and a tree of `serde_json` values in between
//! cost more than everything else about it.
//!
//! Invariant: objects that stand for lists are told from others by what is in them, so an object is made of
//! its finished parts; the record's own parts (`fields`, `conflicts` and each conflict) are never such objects.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::{CONFLICTS, FIELDS, Text, marked};
use crate::{Map, Value};

/// How `serde_json` hands over a number with all its digits: as an object with this one name.
const NUMBER: &str = "$serde_json::private::Number";

/// What is read at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A whole record.
    Record {
        /// It is a body, with fields below a name of their own.
        body: bool,
    },
    /// The record's own parts, so many levels of them.
    Part(u8),
    /// Content.
    Content,
}

/// Reads a record: mostly an object.
pub(super) fn record(bytes: &[u8], body: bool) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    reader.disable_recursion_limit(); // the caller has measured it
    let value = Place::Record { body }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

impl Place {
    fn below(self, name: &str) -> Self {
        match self {
            Self::Record { body: true } if name == FIELDS => Self::Part(1),
            Self::Record { .. } if name == CONFLICTS => Self::Part(2),
            Self::Part(levels @ 2..) => Self::Part(levels - 1),
            Self::Record { .. } | Self::Part(_) | Self::Content => Self::Content,
        }
    }

    fn finished(self, map: Map) -> Value {
        if self == Self::Content { marked(map) } else { Value::Object(map) }
    }
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element_seed(Self::Content)? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if map.is_empty() && name == NUMBER {
                let digits: String = fields.next_value()?;
                return digits.parse::<Number>().map(Value::Number).map_err(A::Error::custom);
            }
            let value = fields.next_value_seed(self.below(&name))?;
            map.insert(name, value);
        }
        Ok(self.finished(map))
    }
}

/// What was read and not kept: JSON that [`Place`] reads as content, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    /// An object.
    Object,
    /// Anything else.
    Other,
}

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Check)
    }
}

/// Reads every value, text and number, and keeps none.
struct Check;

impl<'de> Visitor<'de> for Check {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Checked, E> {
        Ok(Checked::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Checked, E> {
        Ok(Checked::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Checked, A::Error> {
        while values.next_element::<Checked>()?.is_some() {}
        Ok(Checked::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Checked, A::Error> {
        let mut is_first = true;
        while let Some(Text(name)) = fields.next_key()? {
            if std::mem::take(&mut is_first) && name == NUMBER {
                let Text(digits) = fields.next_value()?;
                return digits.parse::<Number>().map(|_| Checked::Other).map_err(A::Error::custom);
            }
            fields.next_value::<Checked>()?;
        }
        Ok(Checked::Object)
    }
}
