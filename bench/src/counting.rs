//! Counts the documents that were really saved: asked of the database, not of the services.
//!
//! An embedded store has nobody else to ask: there the pages that a service shows are counted.

use crate::ask::ask;
use crate::candidate::Keeping;
use crate::fill;
use crate::fleet::{Fleet, Kit, Running};
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::runtime::Runtime;

/// From so many documents on a database is emptied before it is used again: all find it alike.
const MANY: u64 = 100_000;

/// Counts documents.
#[derive(Debug)]
pub(crate) struct Counting {
    runtime: Runtime,
    client: Client,
}

/// What was there already.
#[derive(Debug)]
pub(crate) enum Mark {
    Documents(Vec<u64>),
    Newest(Vec<Option<String>>),
}

impl Counting {
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let client = runtime.block_on(Client::with_uri_str(url)).map_err(|error| error.to_string())?;
        Ok(Self { runtime, client })
    }

    /// Whether there are so many documents that the database is to be emptied before it is used again.
    pub(crate) fn is_full(&self, kit: &Kit, fleet: &Fleet) -> Result<bool, String> {
        if fleet.setup.keeping == Keeping::Sqlite {
            return fill::most_in_sqlite(kit, fleet).map(|count| count > MANY);
        }
        Ok(self.in_database(fleet)?.iter().any(|&count| count > MANY))
    }

    /// Removes the documents of a setup. The indexes are made again: a service that runs makes them at its start, and
    /// counts on them.
    pub(crate) fn make_room(&self, kit: &Kit, fleet: &Fleet) -> Result<(), String> {
        if fleet.setup.keeping == Keeping::Sqlite {
            return fill::take_away(kit, self, fleet, 0);
        }
        fleet.services.iter().try_for_each(|service| self.run(empty(self.collection(fleet, service.name))))
    }

    /// The collection of a service.
    pub(crate) fn collection(&self, fleet: &Fleet, service: &str) -> Collection<Document> {
        self.client.database(&fleet.setup.place()).collection(&format!("{service}s"))
    }

    /// Has the server write down what it has only in memory.
    pub(crate) fn flush(&self) -> Result<(), String> {
        self.run(self.client.database("admin").run_command(doc! { "fsync": 1 }).into_future()).map(drop)
    }

    /// Waits for the answer of the server.
    pub(crate) fn run<T>(
        &self,
        asked: impl Future<Output = Result<T, mongodb::error::Error>>,
    ) -> Result<T, String> {
        self.runtime.block_on(asked).map_err(|error| format!("MongoDB: {error}"))
    }

    /// What is there now.
    pub(crate) fn mark(&self, fleet: &Fleet) -> Result<Mark, String> {
        if fleet.setup.keeping != Keeping::Sqlite {
            return self.in_database(fleet).map(Mark::Documents);
        }
        let newest = |service: &Running| {
            let page = page(service.addr, &format!("/{}s?limit=1", service.name))?;
            Ok(page.keys.into_iter().next())
        };
        fleet.services.iter().map(newest).collect::<Result<_, String>>().map(Mark::Newest)
    }

    /// How many documents each service has saved since.
    pub(crate) fn since(&self, mark: &Mark, fleet: &Fleet) -> Result<Vec<u64>, String> {
        match mark {
            Mark::Documents(then) => {
                let now = self.in_database(fleet)?;
                Ok(now.iter().zip(then).map(|(now, then)| now.saturating_sub(*then)).collect())
            }
            Mark::Newest(then) => {
                let services = fleet.services.iter().zip(then);
                services.map(|(service, then)| newer(service.addr, service.name, then.as_deref())).collect()
            }
        }
    }

    fn in_database(&self, fleet: &Fleet) -> Result<Vec<u64>, String> {
        let count = |service: &Running| {
            self.run(self.collection(fleet, service.name).estimated_document_count().into_future())
        };
        fleet.services.iter().map(count).collect()
    }
}

async fn empty(collection: Collection<Document>) -> Result<(), mongodb::error::Error> {
    let mut cursor = collection.list_indexes().await?;
    let mut indexes = Vec::new();
    while cursor.advance().await? {
        indexes.push(cursor.deserialize_current()?);
    }
    collection.drop().await?;
    collection.create_indexes(indexes).await.map(drop)
}

/// Follows the pages until a key that is known.
fn newer(service: SocketAddr, name: &str, then: Option<&str>) -> Result<u64, String> {
    let mut count = 0;
    let mut next = Some(format!("/{name}s?limit=100"));
    while let Some(path) = next {
        let page = page(service, &path)?;
        for key in page.keys {
            if Some(&*key) == then {
                return Ok(count);
            }
            count += 1;
        }
        next = page.next;
    }
    Ok(count)
}

struct Page {
    keys: Vec<String>,
    next: Option<String>,
}

fn page(service: SocketAddr, path: &str) -> Result<Page, String> {
    let answer = ask(service, "GET", path, "")?;
    let page: Value = serde_json::from_str(&answer.body).map_err(|error| format!("{path}: {error}"))?;
    let records = path.trim_start_matches('/').split('?').next().unwrap_or_default();
    let documents = page[records].as_array().ok_or_else(|| format!("{path}: no documents in {page}"))?;
    let keys = documents.iter().filter_map(|document| document["key"].as_str().map(ToOwned::to_owned));
    Ok(Page { keys: keys.collect(), next: page["next"].as_str().map(ToOwned::to_owned) })
}
