//! What is wrong with a file, where, and what would be right.

use crate::settings::SettingsError;
use std::io;
use std::path::PathBuf;

/// Why a file does not become a [`Config`](super::Config).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// It is a directory, a pipe, a device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than 1 MiB.
    #[error("{} is longer than 1 MiB: that is no file of settings", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not in UTF-8.
    #[error("{} is not text in UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// Its name does not say what it is.
    #[error("{} has an unknown ending: name it .yaml, .yml or .toml", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// It is not what its name says.
    #[error("not {format}: {message}")]
    Syntax {
        /// `YAML` or `TOML`.
        format: &'static str,
        /// What the parser says, with the line where it can tell.
        message: String,
    },
    /// It says nothing about circuits.
    #[error("there is nothing in it: write `cse`, or `defaults` and `circuits`")]
    Empty,
    /// It says two things that may contradict each other.
    #[error("it has go-chassis' `cse` and our own `defaults` or `circuits`: keep one of the two shapes")]
    TwoShapes,
    /// A key that has no meaning there.
    #[error("{at}: unknown key; {hint}")]
    Unknown {
        /// Where, as in `cse.isolation.Consumer.timeout`.
        at: String,
        /// The nearest known key, or all of them.
        hint: String,
    },
    /// A key that stands there twice.
    #[error("{at}: stands there twice")]
    Twice {
        /// Where.
        at: String,
    },
    /// A value of the wrong kind.
    #[error("{at}: {found} where {wanted} is wanted")]
    Wrong {
        /// Where.
        at: String,
        /// What stands there.
        found: String,
        /// What should.
        wanted: String,
    },
    /// Settings that no circuit can work with, taken together.
    #[error("{at}: {error}")]
    Settings {
        /// Where.
        at: String,
        /// Which rule they break.
        #[source]
        error: SettingsError,
    },
}
