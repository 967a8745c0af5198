//! The lines of a `.http` file, one after the other, made into requests.
//!
//! What a line means hangs on where it stands, so the reader is always in one of three parts, and each part has a
//! method that takes the next line and says which part comes then.

use super::variables::Variables;
use super::{HttpRequest, Line};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
/// What begins a line that one of the clients does not take for a part of the body.
const NO_BODY: [&str; 9] = ["#", "//", "@", "< ", "<@", "<>", "> ", ">>", "??"];

#[derive(Debug)]
pub(super) struct Reader {
    variables: Variables,
    done: Vec<HttpRequest>,
    title: String,
    name: Option<String>,
    part: Part,
}

/// Where in a request the reader stands.
#[derive(Debug)]
enum Part {
    Before,
    Headers(HttpRequest),
    Body(HttpRequest),
}

impl Reader {
    pub(super) fn new(variables: Variables) -> Self {
        Self { variables, done: Vec::new(), title: String::new(), name: None, part: Part::Before }
    }

    pub(super) fn line(&mut self, line: Line<'_>) {
        if line.text.starts_with("###") {
            self.close(line);
            self.title = line.text.trim_start_matches('#').trim().to_owned();
            return;
        }
        self.part = match std::mem::replace(&mut self.part, Part::Before) {
            Part::Before => self.before(line),
            Part::Headers(request) => self.header(request, line),
            Part::Body(request) => self.body(request, line),
        };
    }

    fn before(&mut self, line: Line<'_>) -> Part {
        let text = line.text.trim();
        if let Some(comment) = comment(text) {
            if let Some(name) = directive(comment, line) {
                self.name(name, line);
            }
        } else if let Some(definition) = text.strip_prefix('@') {
            self.variables.define(definition, line);
        } else if !text.is_empty() {
            return Part::Headers(self.request(line));
        }
        Part::Before
    }

    fn header(&mut self, mut request: HttpRequest, line: Line<'_>) -> Part {
        if line.text.trim().is_empty() {
            return Part::Body(request);
        }
        if let Some(comment) = comment(line.text) {
            if directive(comment, line).is_some() {
                line.fail("a name stands above the request line");
            }
            return Part::Headers(request);
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match line.text.split_once(':') {
            Some((name, value)) if !name.is_empty() && name.chars().all(is_name) => {
                let value = self.variables.fill(value.trim(), line);
                request.headers.push((name.to_owned(), value));
            }
            _ => line.fail("neither a header nor the blank line before a body"),
        }
        Part::Headers(request)
    }

    fn body(&mut self, mut request: HttpRequest, line: Line<'_>) -> Part {
        if NO_BODY.iter().any(|mark| line.text.trim_start().starts_with(mark)) {
            line.fail("the clients differ on whether this is a part of the body");
        }
        request.body.push_str(&self.variables.fill(line.text, line));
        request.body.push('\n');
        Part::Body(request)
    }

    fn request(&mut self, line: Line<'_>) -> HttpRequest {
        let text = self.variables.fill(line.text, line);
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.pop_if(|last| last.starts_with("HTTP/"));
        let (method, url) = match words[..] {
            [url] => ("GET", url),
            [method, url] if METHODS.contains(&method) => (method, url),
            _ => line.fail("not a request line, METHOD URL HTTP/1.1"),
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            line.fail("the URL does not begin with http:// or https://");
        }
        HttpRequest {
            title: self.title.clone(),
            name: self.name.take(),
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: String::new(),
            line: line.number,
        }
    }

    /// One client makes a variable of the answer: its name must be a word, and not that of another variable.
    fn name(&mut self, name: &str, line: Line<'_>) {
        if name.starts_with(|c: char| c.is_ascii_digit())
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            line.fail("a request's name is a word of letters, digits and _");
        }
        if self.variables.has(name) {
            line.fail("this name is a variable's: the answer would take its place");
        }
        if self.done.iter().any(|request| request.name.as_deref() == Some(name)) {
            line.fail("this name is taken");
        }
        if self.name.replace(name.to_owned()).is_some() {
            line.fail("a second name for one request");
        }
    }

    /// Ends the request that the reader is in, at the `###` or the end of the file.
    fn close(&mut self, end: Line<'_>) {
        match std::mem::replace(&mut self.part, Part::Before) {
            Part::Before if self.name.is_some() => end.fail("no request follows the name above"),
            Part::Before => {}
            Part::Headers(mut request) | Part::Body(mut request) => {
                request.body.truncate(request.body.trim_end().len());
                self.done.push(request);
            }
        }
    }

    pub(super) fn finish(mut self, end: Line<'_>) -> Vec<HttpRequest> {
        self.close(end);
        self.variables.check();
        self.done
    }
}

fn comment(text: &str) -> Option<&str> {
    text.strip_prefix('#').or_else(|| text.strip_prefix("//"))
}

/// What a `# @name` comment names; none for a plain comment, and for a wait, which changes nothing of what is sent. Other
/// `# @words` change what clients do.
fn directive<'a>(comment: &'a str, line: Line<'_>) -> Option<&'a str> {
    let words: Vec<&str> = comment.split_whitespace().collect();
    match words[..] {
        ["@name", name] => Some(name),
        ["@sleep", time] if time.parse::<u32>().is_ok() => None,
        [word, ..] if word.starts_with('@') => {
            line.fail("of these only `# @name word` and `# @sleep ms` are understood")
        }
        _ => None,
    }
}
