//! Reads server-sent events, as they come in pieces, within bounds.
//!
//! By the rules of the HTML standard: lines may end in CR, LF or both, a line without a colon is a field without a value,
//! what has no blank line after it is no event. Not a crate's, since those that there are let a line grow as it will.

use crate::limits;

/// What a service told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
    /// The last one that was given, in this event or before.
    pub(crate) id: String,
}

/// Why it cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("an event of more than {} bytes", limits::EVENT)]
    TooLong,
    #[error("an event that is not UTF-8")]
    NotText,
}

/// Takes the pieces, and remembers what is not complete.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    /// The last byte was a CR: an LF that follows ends no further line.
    after_cr: bool,
    /// Past the first line, before which a mark of the byte order may stand.
    begun: bool,
    event: Event,
    has_data: bool,
}

impl Parser {
    /// Reads on. Events go to `told`; whether a line was completed.
    pub(crate) fn read(&mut self, piece: &[u8], told: &mut Vec<Event>) -> Result<bool, Unreadable> {
        let mut completed = false;
        let mut rest = piece;
        if let (true, Some(first)) = (self.after_cr, rest.first()) {
            rest = &rest[usize::from(*first == b'\n')..];
            self.after_cr = false;
        }
        while let Some(end) = rest.iter().position(|byte| b"\r\n".contains(byte)) {
            self.keep(&rest[..end])?;
            self.end_of_line(told)?;
            completed = true;
            let is_crlf = rest[end..].starts_with(b"\r\n");
            self.after_cr = rest[end..] == *b"\r";
            rest = &rest[end + 1 + usize::from(is_crlf)..];
        }
        self.keep(rest)?;
        Ok(completed)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        self.line.extend_from_slice(bytes);
        let all = self.line.len() + self.event.data.len() + self.event.name.len();
        if all > limits::EVENT { Err(Unreadable::TooLong) } else { Ok(()) }
    }

    fn end_of_line(&mut self, told: &mut Vec<Event>) -> Result<(), Unreadable> {
        let bytes = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&bytes).map_err(|_| Unreadable::NotText)?;
        let line = if self.begun { line } else { line.strip_prefix('\u{feff}').unwrap_or(line) };
        self.begun = true;
        if line.is_empty() {
            self.end_of_event(told);
        } else {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            self.field(field, value.strip_prefix(' ').unwrap_or(value));
        }
        // Its room is used again.
        self.line = bytes;
        self.line.clear();
        Ok(())
    }

    fn field(&mut self, field: &str, value: &str) {
        let event = &mut self.event;
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" => {
                if self.has_data {
                    event.data.push('\n');
                }
                event.data.push_str(value);
                self.has_data = true;
            }
            "id" if !value.contains('\0') => value.clone_into(&mut event.id),
            // A comment, the time to wait before coming back, or something of another time.
            _ => {}
        }
    }

    fn end_of_event(&mut self, told: &mut Vec<Event>) {
        let id = self.event.id.clone();
        let event = std::mem::replace(&mut self.event, Event { id, ..Event::default() });
        if std::mem::take(&mut self.has_data) {
            told.push(event);
        }
    }
}

#[cfg(test)]
mod tests;
