//! The files of the page.

use crate::place::{Answer, Running, client, raw};
use reqwest::Method;
use std::path::Path;

const NOBODY: &str = "order=http://127.0.0.1:9";

/// All files of the folder, by their names.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let entries = std::fs::read_dir(folder).expect("the page's folder").map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|file| {
            let name = file.file_name().into_string().expect("a plain name");
            (name, std::fs::read(file.path()).expect("a file of ours"))
        })
        .collect()
}

#[tokio::test]
async fn every_file_is_served_as_what_it_is_and_not_sent_twice() {
    let dashboard = Running::dashboard(NOBODY, &[]).await;
    let files = files();
    assert!(files.iter().any(|(name, _)| name == "index.html"));
    for (name, content) in files {
        let path = if name == "index.html" { "/".to_owned() } else { format!("/assets/{name}") };
        let response = dashboard.request(Method::GET, &path).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        let tag = response.headers()["etag"].to_str().expect("text").to_owned();
        assert_eq!(response.bytes().await.expect("a body"), content, "{path}");
        let expected = match name.rsplit_once('.').expect("an extension").1 {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            other => panic!("nobody has said what a .{other} is"),
        };
        assert_eq!(kind, expected, "{path}");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
            let request = dashboard.request(Method::GET, &path).header("if-none-match", known);
            let answer = Answer::of(request).await;
            assert_eq!((answer.status, answer.text.as_str(), answer.header("etag")), (304, "", &*tag));
        }
        let request = dashboard.request(Method::GET, &path).header("if-none-match", "\"other\"");
        assert_eq!(Answer::of(request).await.status, 200);
    }
    dashboard.stop().await;
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let dashboard = Running::dashboard(NOBODY, &[]).await;
    for (path, status) in
        [("/", 200), ("/api/services", 200), ("/api/load", 200), ("/nothing", 404), ("/api/order", 405)]
    {
        let answer = dashboard.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'self'"), "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    dashboard.stop().await;
}

#[tokio::test]
async fn hystrix_leads_to_the_page_and_nothing_leads_out_of_the_folder() {
    let dashboard = Running::dashboard(NOBODY, &[]).await;
    let answer = dashboard.get("/hystrix").await;
    assert_eq!((answer.status, answer.header("location")), (308, "/"));
    for path in [
        "/assets/",
        "/assets/nothing.js",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2fCargo.toml",
        "/assets/%2fetc/passwd",
        "/assets//etc/passwd",
        "/index.html",
    ] {
        let answer = raw(&dashboard, &format!("GET {path}")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{path}: {answer}");
    }
    assert_eq!(client().get(dashboard.url("/livez")).send().await.expect("an answer").status(), 200);
    dashboard.stop().await;
}
