//! A mongod that starts, dies and comes back with its data, tried through the real driver.
//!
//! The driver's operations have tasks of their own: dropped half-way, they could leave it in disorder.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};
use testkit::{Mongod, Process, Proxy, eventually};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(20);

async fn things(url: &str) -> Collection<Document> {
    let url = format!("{url}/?serverSelectionTimeoutMS=500&retryWrites=false");
    Client::with_uri_str(url).await.expect("a client").database("testkit").collection("things")
}

/// How many there are, where the server says so within a second.
async fn count(things: &Collection<Document>) -> Option<u64> {
    let things = things.clone();
    let counted = tokio::spawn(async move { things.count_documents(doc! {}).await.ok() });
    timeout(Duration::from_secs(1), counted).await.ok()?.expect("the driver does not panic")
}

async fn insert(things: &Collection<Document>, id: i32) {
    let journaled = mongodb::options::WriteConcern::builder().journal(true).build();
    things.insert_one(doc! { "_id": id }).write_concern(journaled).await.expect("it is saved");
}

#[tokio::test]
async fn keeps_its_data_and_its_address_over_a_kill() {
    let mut mongod = Mongod::start().await;
    let before = mongod.addr();
    assert_eq!(mongod.url(), format!("mongodb://{before}"));
    let things = things(&mongod.url()).await;
    insert(&things, 1).await;

    mongod.kill().await;
    assert_eq!(TcpStream::connect(before).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(count(&things).await, None);

    mongod.restart().await;
    assert_eq!(mongod.addr(), before);
    eventually("the driver's return", LIMIT, async || count(&things).await.filter(|count| *count == 1)).await;

    mongod.restart().await;
    eventually("its second return", LIMIT, async || count(&things).await.filter(|count| *count == 1)).await;
}

#[tokio::test]
async fn stands_behind_a_line() {
    let mongod = Mongod::start().await;
    let line = Proxy::start(mongod.addr()).await;
    let things = things(&format!("mongodb://{}", line.addr())).await;
    insert(&things, 1).await;

    line.cut();
    assert_eq!(count(&things).await, None);
    line.mend();
    eventually("the driver after the cut", LIMIT, async || count(&things).await).await;

    line.freeze();
    assert_eq!(count(&things).await, None);
    line.mend();
    eventually("the driver after the frost", LIMIT, async || count(&things).await).await;
}

#[tokio::test]
async fn two_know_nothing_of_each_other() {
    let (one, other) = tokio::join!(Mongod::start(), Mongod::start());
    insert(&things(&one.url()).await, 1).await;
    assert_eq!(count(&things(&other.url()).await).await, Some(0));
}

#[tokio::test]
async fn leaves_nothing_behind() {
    let mongod = Mongod::start().await;
    let addr = mongod.addr();
    // The only place that tells its directory is its own Debug form.
    let shown = format!("{mongod:?}");
    let dir =
        shown.split('"').find(|part| part.contains("testkit-mongod-")).expect("its directory").to_owned();
    assert!(Path::new(&dir).join("mongod.log").is_file());
    drop(mongod);
    assert!(!Path::new(&dir).exists());
    assert_eq!(TcpStream::connect(addr).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

/// Run by the tests below in a process of its own, for the environment is the process's.
#[tokio::test]
async fn starts() {
    Mongod::start().await;
}

async fn said_starting_with(env: &[(&str, &str)]) -> String {
    let this = std::env::current_exe().expect("the test binary");
    let mut process = Process::spawn(this, &["--exact", "mongod::starts"], env);
    assert_eq!(process.wait().await.code(), Some(101));
    process.lines().join("\n")
}

#[tokio::test]
async fn says_what_is_missing() {
    let said = said_starting_with(&[("MONGOD", "/no/such/mongod")]).await;
    assert!(said.contains("MONGOD names /no/such/mongod, which is no file"), "{said}");
}

#[tokio::test]
async fn says_why_it_does_not_come_up() {
    let said = said_starting_with(&[("MONGOD", "/bin/false")]).await;
    assert!(said.contains("mongod does not accept connections: it has ended, exit status: 1"), "{said}");
}
