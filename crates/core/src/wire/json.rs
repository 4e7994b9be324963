//! A JSON value in a payload: it borrows texts that need no unescaping.
//!
//! Owns the shape of a value, and not its meaning. Every record passes through here, and a map with
//! an allocated key and text per field would cost more than all later steps.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::WireError;

/// A JSON value.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Null,
    Flag(bool),
    Integer(u64),
    /// A negative number or one that is written with a fraction or an exponent.
    Double(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Fields<'a>),
}

/// The fields of a JSON object, in their order. A `null` counts as no field.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

/// Parses a JSON text.
pub(super) fn parse(text: &str) -> Result<Value<'_>, WireError> {
    serde_json::from_str(text).map_err(|_| WireError::NotJson)
}

impl<'a> Fields<'a> {
    /// A field that is not `null`; the last of two with the same name.
    pub(super) fn field(&self, name: &str) -> Option<&Value<'a>> {
        // Most names differ in their first byte, and every record is searched for all of them.
        let first = name.as_bytes().first();
        let is_it = |key: &str| key.as_bytes().first() == first && key == name;
        let (_, value) = self.0.iter().rev().find(|(key, _)| is_it(key))?;
        (!matches!(value, Value::Null)).then_some(value)
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        #[expect(clippy::cast_precision_loss, reason = "a negative number is out of range anyway")]
        let double = number as f64;
        Ok(u64::try_from(number).map_or(Value::Double(double), Value::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(Value::Double(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value<'de>, A::Error> {
        // The number of fields that a device record has.
        let mut fields = Vec::with_capacity(12);
        while let Some(Key(key)) = object.next_key()? {
            fields.push((key, object.next_value()?));
        }
        Ok(Value::Object(Fields(fields)))
    }
}

/// The name of a field.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyReader).map(Self)
    }
}

struct KeyReader;

impl<'de> Visitor<'de> for KeyReader {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
