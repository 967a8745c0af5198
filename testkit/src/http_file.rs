//! Reading `.http` files, so that a test can send what is written there for people.
//!
//! What is read is what VS Code's REST Client, JetBrains' client and httpyac have in common: `###` between requests,
//! `# @name`, `@variable = value` and `{{variable}}`, comments, request line, headers, body. On anything else they
//! differ, or a reader would be misled, so it panics with the line's number: scripts, assertions, included files,
//! continued query lines, and comments within a body, which one client strips and the others send. `# @sleep`, by which
//! httpyac waits, is passed over: who sends one by one waits as he likes.

mod reader;
mod variables;

use reader::Reader;
use variables::Variables;

/// A request of a `.http` file, its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// What stands after the `###` above it; empty where nothing does.
    pub title: String,
    /// What its `# @name` line calls it.
    pub name: Option<String>,
    /// `GET`, `POST`, …
    pub method: String,
    /// The whole URL, which begins with `http://` or `https://`.
    pub url: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, without the white space at its end; empty where there is none.
    pub body: String,
    /// The number of its request line, for messages.
    pub line: usize,
}

/// The requests of a file.
///
/// # Panics
///
/// On a line that is not understood, naming its number.
pub fn parse(text: &str) -> Vec<HttpRequest> {
    parse_with(text, &[])
}

/// The requests of a file, with other values for some of the variables it defines: the ports of a test, say.
///
/// # Panics
///
/// As [`parse`] does, and where the file does not define one of `variables`.
pub fn parse_with(text: &str, variables: &[(&str, &str)]) -> Vec<HttpRequest> {
    let mut reader = Reader::new(Variables::with(variables));
    for (index, text) in text.lines().enumerate() {
        reader.line(Line { number: index + 1, text });
    }
    reader.finish(Line { number: text.lines().count(), text: "the end of the file" })
}

/// A line of the file and its number, from 1.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    number: usize,
    text: &'a str,
}

impl Line<'_> {
    fn fail(self, why: &str) -> ! {
        panic!("line {} of the .http file: {why}: {:?}", self.number, self.text)
    }
}
