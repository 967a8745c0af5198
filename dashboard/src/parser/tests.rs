//! Server-sent events, cut everywhere.

use super::{Event, Parser, Unreadable};
use crate::limits;
use proptest::prelude::*;

fn event(name: &str, data: &str, id: &str) -> Event {
    Event { name: name.to_owned(), data: data.to_owned(), id: id.to_owned() }
}

/// What is told where the stream comes in pieces of that size.
fn read(stream: &[u8], size: usize) -> Result<Vec<Event>, Unreadable> {
    let (mut parser, mut told) = (Parser::default(), Vec::new());
    for piece in stream.chunks(size) {
        parser.read(piece, &mut told)?;
    }
    Ok(told)
}

#[test]
fn it_reads_what_the_standard_says_wherever_it_is_cut() {
    for (stream, expected) in [
        ("event: a\ndata: 1\n\n", vec![event("a", "1", "")]),
        ("\u{feff}event:a\r\ndata:1\r\n\r\n", vec![event("a", "1", "")]),
        ("event: a\rdata: 1\r\r", vec![event("a", "1", "")]),
        ("id: 7\ndata: 1\n\ndata: 2\n\n", vec![event("", "1", "7"), event("", "2", "7")]),
        ("data: {\ndata:  \"a\": 1}\n\n", vec![event("", "{\n \"a\": 1}", "")]),
        ("data: 1\r\n\n\r\ndata: 2\n\r", vec![event("", "1", ""), event("", "2", "")]),
        (": keep-alive\n\nretry: 2000\n\ndata\n\n", vec![event("", "", "")]),
        // No data, no event; nor where it is not complete.
        ("event: a\n\nevent: b\nid: 1\n\n", vec![]),
        ("data: 1\n", vec![]),
        ("id: 1\0\nid\ndata: ä€😀\n\n", vec![event("", "ä€😀", "")]),
        ("event: a\nevent: b\ndata: 1\nother: 2\n\n\n\n", vec![event("b", "1", "")]),
    ] {
        for size in 1..=stream.len() {
            assert_eq!(read(stream.as_bytes(), size), Ok(expected.clone()), "{stream:?} in pieces of {size}");
        }
    }
}

#[test]
fn it_says_whether_a_line_was_completed() {
    let (mut parser, mut told) = (Parser::default(), Vec::new());
    for (piece, completed) in [("da", false), ("ta: 1", false), ("\r", true), ("\n", false), ("\n", true)] {
        assert_eq!(parser.read(piece.as_bytes(), &mut told), Ok(completed), "{piece:?}");
    }
    assert_eq!(told, [event("", "1", "")]);
}

#[test]
fn nothing_grows_without_end() {
    let endless_line = vec![b'x'; limits::EVENT + 1];
    let endless_event = "data: some more\n".repeat(limits::EVENT / 8);
    let endless_name = [b"event: ".as_slice(), &endless_line].concat();
    for stream in [endless_line.as_slice(), endless_event.as_bytes(), &endless_name] {
        assert_eq!(read(stream, 1000), Err(Unreadable::TooLong));
    }
    // Comments without end are signs of life.
    let comments = ": still here\n".repeat(limits::EVENT / 10);
    assert_eq!(read(comments.as_bytes(), 1000), Ok(vec![]));
}

#[test]
fn what_is_no_text_is_refused() {
    assert_eq!(read(b"data: \xff\n\n", 4), Err(Unreadable::NotText));
}

/// Streams that are nearly right, and any bytes.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        3 => "(data|event|id|retry|other|)(:|: |)[ -~é]{0,12}(\r\n|\n|\r)",
        2 => Just("\n".to_owned()),
        1 => Just("\u{feff}".to_owned()),
        1 => "id: \0(\n|\r)",
    ];
    prop_oneof![
        4 => prop::collection::vec(line, 0..24).prop_map(|lines| lines.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..120),
    ]
}

proptest! {
    #[test]
    fn it_reads_the_same_wherever_it_is_cut(stream in streams(), size in 1_usize..20) {
        let whole = read(&stream, stream.len().max(1));
        let cut = read(&stream, size);
        prop_assert_eq!(&cut, &whole);
        if let Ok(told) = whole {
            prop_assert!(told.iter().all(|event| !event.id.contains('\0')));
        }
    }

    #[test]
    fn what_is_written_is_read_again(
        events in prop::collection::vec(("[a-z]{1,8}", "([ -~é]|\n){0,40}", "[ -~]{1,8}"), 0..8),
        end in prop::sample::select(vec!["\n", "\r", "\r\n"]),
        size in 1_usize..20,
    ) {
        let mut stream = String::new();
        for (name, data, id) in &events {
            stream += &format!("id: {id}{end}event: {name}{end}");
            stream.extend(data.split('\n').map(|line| format!("data: {line}{end}")));
            stream += end;
        }
        let expected: Vec<_> = events.iter().map(|(name, data, id)| event(name, data, id)).collect();
        prop_assert_eq!(read(stream.as_bytes(), size), Ok(expected));
    }
}
