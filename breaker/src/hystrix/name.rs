//! Names that the dashboard can show. It puts them into HTML, into selectors and into a script as they come.

use std::borrow::Cow;

/// A name with nothing in it that would end an attribute, begin a tag or spoil a selector.
pub(super) fn shown(name: &str) -> Cow<'_, str> {
    if name.chars().all(|char| harmless(char) == char) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.chars().map(harmless).collect())
    }
}

fn harmless(char: char) -> char {
    match char {
        '"' => '＂',
        '&' => '＆',
        '<' => '＜',
        '>' => '＞',
        '\\' => '＼',
        char if char.is_control() => char::REPLACEMENT_CHARACTER,
        char => char,
    }
}

/// As the dashboard writes it in a selector (`hystrixCommand.js`, `preProcessData`).
pub(super) fn escaped(shown: &str) -> String {
    let mut escaped = String::with_capacity(shown.len());
    for char in shown.chars() {
        if char == ' ' || (char.is_ascii_punctuation() && !matches!(char, '-' | '_' | '\\')) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}
