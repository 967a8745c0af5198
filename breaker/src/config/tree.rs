//! What YAML and TOML have in common: a tree of sections, lists and values.
//!
//! Both are read into this one first, and what they mean is read from there. So there is one reader and one kind of
//! error, with the path of the key; serde's derived errors know neither the path nor which maps are services.

use super::error::ConfigError;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::path::Path;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Nothing,
    Flag(bool),
    Whole(u64),
    /// Also whole numbers below zero, which nobody wants here.
    Number(f64),
    Text(String),
    List,
    Map(Vec<(String, Node)>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    Yaml,
    Toml,
}

impl Format {
    /// By the ending of a file's name.
    pub(super) fn of(path: &Path) -> Result<Self, ConfigError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Ok(Self::Yaml),
            "toml" => Ok(Self::Toml),
            _ => Err(ConfigError::Format { path: path.to_owned() }),
        }
    }
}

impl Node {
    pub(super) fn parse(text: &str, format: Format) -> Result<Self, ConfigError> {
        // Both parsers bound the depth, and the one of YAML what aliases may blow up to.
        let (format, parsed) = match format {
            Format::Yaml => ("YAML", serde_saphyr::from_str(text).map_err(|error| error.to_string())),
            Format::Toml => ("TOML", toml::from_str(text).map_err(|error| error.to_string())),
        };
        parsed.map_err(|message| ConfigError::Syntax { format, message })
    }

    /// What it is, in the words of an error.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Flag(flag) => flag.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::List => "a list".to_owned(),
            Self::Map(_) => "a section".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build)
    }
}

struct Build;

impl<'de> Visitor<'de> for Build {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section, a list or a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(u64::try_from(number).map_or(Node::Number(number as f64), Node::Whole))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Node, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Node, E> {
        Ok(Node::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        while items.next_element::<Node>()?.is_some() {}
        Ok(Node::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = items.next_entry::<String, Node>()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}
