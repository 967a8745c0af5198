//! `.http` files: the common subset, and a refusal with the line's number for all else.
//!
//! What is refused is as much of the promise as what is read: a tour that one client sends otherwise is worse than none.

use testkit::http_file::{HttpRequest, parse, parse_with};

const TOUR: &str = r#"
# A tour.
@host = http://127.0.0.1
@order={{host}}:3000
// The documents:
@id = 7

GET {{order}}/

### Create an order
# @name create
# It takes a count.
# @sleep 100
POST {{ order }}/create?count=1 HTTP/1.1
Content-Type: application/json
# and not text:
Accept: application/json

{
  "id": "{{id}}",

  "items": [{"sku": {"n": {{id}}}}]
}

### Only comments here
# nothing to send
@id = 8

####
https://example.org/{{id}}

"#;

fn only(text: &str) -> HttpRequest {
    let [request] = parse(text).try_into().expect("one request");
    request
}

#[test]
fn reads_a_tour() {
    let requests = parse(TOUR);
    let expected = [
        HttpRequest {
            title: String::new(),
            name: None,
            method: "GET".into(),
            url: "http://127.0.0.1:3000/".into(),
            headers: Vec::new(),
            body: String::new(),
            line: 8,
        },
        HttpRequest {
            title: "Create an order".into(),
            name: Some("create".into()),
            method: "POST".into(),
            url: "http://127.0.0.1:3000/create?count=1".into(),
            headers: vec![
                ("Content-Type".into(), "application/json".into()),
                ("Accept".into(), "application/json".into()),
            ],
            body: "{\n  \"id\": \"7\",\n\n  \"items\": [{\"sku\": {\"n\": 7}}]\n}".into(),
            line: 14,
        },
        HttpRequest {
            title: String::new(),
            name: None,
            method: "GET".into(),
            url: "https://example.org/8".into(),
            headers: Vec::new(),
            body: String::new(),
            line: 30,
        },
    ];
    assert_eq!(requests, expected);
}

#[test]
fn given_values_win_and_carry_on() {
    let requests = parse_with(TOUR, &[("host", "http://127.0.0.2"), ("id", "9")]);
    assert_eq!(requests[0].url, "http://127.0.0.2:3000/");
    assert_eq!(requests[2].url, "https://example.org/9");
}

#[test]
#[should_panic(expected = r#"does not define {"hots"}"#)]
fn a_given_value_must_be_for_something() {
    parse_with(TOUR, &[("hots", "http://127.0.0.2")]);
}

#[test]
fn reads_the_shortest() {
    assert_eq!(only("http://x/").method, "GET");
    assert_eq!(only("DELETE http://x/\r\nA: b\r\n\r\nbody\r\n\r\n").headers, [("A".into(), "b".into())]);
    assert_eq!(only("POST http://x/\r\n\r\none\r\ntwo\r\n\r\n").body, "one\ntwo");
    assert_eq!(parse(""), []);
}

#[test]
fn refuses_the_rest_by_line() {
    let refused = [
        ("\nFETCH http://x/", "line 2 of the .http file: not a request line"),
        ("get http://x/", "line 1 of the .http file: not a request line"),
        ("GET http://x/ y", "line 1 of the .http file: not a request line"),
        ("GET /path", "line 1 of the .http file: the URL does not begin with http"),
        ("GET {{host}}/", "line 1 of the .http file: {{host}} is not defined above"),
        ("@a = {{b}}\n@b = 1", "line 1 of the .http file: {{b}} is not defined above"),
        ("GET http://x/{{$guid}}", "{{$guid}} is not defined above"),
        ("GET http://x/{{a", "{{ without }}"),
        ("@a", "a definition without ="),
        ("@a b = 1", "a variable's name is of letters"),
        ("GET http://x/\n  ?count=http://y", "line 2 of the .http file: neither a header nor the blank line"),
        ("GET http://x/\n&count=a:b", "line 2 of the .http file: neither a header"),
        ("GET http://x/\n?? status == 200", "line 2 of the .http file: neither a header"),
        ("GET http://x/\n\n?? status == 200", "line 3 of the .http file: the clients differ"),
        ("POST http://x/\n\n{\n  // why\n}", "line 4 of the .http file: the clients differ"),
        ("POST http://x/\n\n< ./body.json", "line 3 of the .http file: the clients differ"),
        ("POST http://x/\n\n{}\n\n> {% client.log(1) %}", "line 5 of the .http file: the clients differ"),
        ("POST http://x/\n\n{}\n@a = 1", "line 4 of the .http file: the clients differ"),
        ("# @no-redirect\nGET http://x/", "line 1 of the .http file: of these only"),
        ("# @sleep long\nGET http://x/", "line 1 of the .http file: of these only"),
        ("# @name\nGET http://x/", "line 1 of the .http file: of these only"),
        ("GET http://x/\n# @name late", "line 2 of the .http file: a name stands above"),
        ("# @name a\n# @name b\nGET http://x/", "line 2 of the .http file: a second name"),
        (
            "# @name a\nGET http://x/\n###\n# @name a\nGET http://x/",
            "line 4 of the .http file: this name is taken",
        ),
        ("# @name a-b\nGET http://x/", "line 1 of the .http file: a request's name is a word"),
        ("@a = 1\n# @name a\nGET http://x/", "line 2 of the .http file: this name is a variable's"),
        ("# @name a\n###\nGET http://x/", "line 2 of the .http file: no request follows the name"),
        ("GET http://x/\n###\n# @name a\n", "line 3 of the .http file: no request follows the name"),
    ];
    for (text, why) in refused {
        let panic = std::panic::catch_unwind(|| parse(text)).expect_err(text);
        let said = panic.downcast_ref::<String>().expect("a formatted panic");
        assert!(said.contains(why), "{text:?}\n  said:   {said}\n  wanted: {why}");
    }
}
