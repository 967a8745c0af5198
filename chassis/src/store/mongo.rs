//! The store of the compose stack: a MongoDB collection per service, through the official driver.
//!
//! The driver's futures must not be dropped half-way, so each operation runs in a task of its own, which goes on when
//! the request that asked for it is gone. Inserts of concurrent requests are written together. A document is written
//! once even if the driver's answer to it is lost: it bears our key, so that a second try that finds it there has
//! succeeded.

mod convert;
mod inserts;

use super::{Page, Pending, Saved, Store, StoreError};
use crate::limits;
use crate::settings::Secret;
use convert::{from_bson, to_bson};
use inserts::{Inserts, Unwritten};
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::error::Error;
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use mongodb::{Client, Collection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::{debug, warn};
use uuid::Uuid;

/// The database where the URL names none.
const DATABASE: &str = "retail";
/// After what time the driver takes a server for away.
const AWAY: Duration = Duration::from_secs(2);

/// Keeps documents in a MongoDB collection.
#[derive(Debug)]
pub struct MongoStore {
    client: Client,
    collection: Collection<RawDocumentBuf>,
    inserts: Inserts,
    /// An operation that is under way holds one, also when nobody waits for it any more.
    places: Arc<Semaphore>,
}

impl MongoStore {
    /// Prepares to use the collection `records` of the database that the URL names. Connects only when it has to.
    ///
    /// # Errors
    ///
    /// Where the URL cannot be used. The error does not show it, for it may hold a password.
    pub async fn new(url: &Secret, records: &str) -> Result<Self, StoreError> {
        let mut options = ClientOptions::parse(url.reveal()).await.map_err(unusable)?;
        options.app_name.get_or_insert_with(|| format!("retail-{records}"));
        options.server_selection_timeout.get_or_insert(AWAY);
        options.connect_timeout.get_or_insert(AWAY);
        let database = options.default_database.clone().unwrap_or_else(|| DATABASE.to_owned());
        let concern = options.write_concern.get_or_insert_with(WriteConcern::default);
        if concern.journal.is_none() && concern.w != Some(Acknowledgment::Nodes(0)) {
            concern.journal = Some(true);
        }
        let client = Client::with_options(options).map_err(unusable)?;
        let collection = client.database(&database).collection(records);
        let inserts = Inserts::start(Collection::clone(&collection));
        Ok(Self { client, collection, inserts, places: Arc::new(Semaphore::new(limits::REQUESTS)) })
    }
}

impl Store for MongoStore {
    fn insert(&self, saved: Arc<Saved>) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut written = self.inserts.insert(to_bson(&saved).map_err(StoreError::new)?).await;
            if let Err(Unwritten::Lost(_)) = written {
                written = match self.inserts.insert(to_bson(&saved).map_err(StoreError::new)?).await {
                    Err(Unwritten::Duplicate(_)) => Ok(()),
                    other => other,
                };
            }
            written.map_err(|unwritten| StoreError::new(Error::from(unwritten)))
        })
    }

    fn get(&self, key: Uuid) -> Pending<'_, Option<Saved>> {
        let collection = self.collection.clone();
        self.detached(async move {
            let found = collection.find_one(doc! { "_id": key.to_string() }).await?;
            found.as_deref().map(from_bson).transpose()
        })
    }

    fn list(&self, limit: u32, before: Option<Uuid>) -> Pending<'_, Page> {
        let collection = self.collection.clone();
        self.detached(async move {
            // Documents of others, whose keys are no strings, are passed over.
            let filter = match before {
                Some(key) => doc! { "_id": { "$type": "string", "$lt": key.to_string() } },
                None => doc! { "_id": { "$type": "string" } },
            };
            let newest_first = doc! { "_id": -1 };
            let mut cursor = collection.find(filter).sort(newest_first).limit(i64::from(limit)).await?;
            let mut page = Page::default();
            let (mut found, mut bytes) = (0, 0);
            while cursor.advance().await? {
                found += 1;
                bytes += cursor.current().as_bytes().len();
                match from_bson(cursor.current()) {
                    Ok(saved) => page.documents.push(saved),
                    Err(error) => warn!("a document is passed over: {error}"),
                }
                if bytes > limits::PAGE_BYTES {
                    page.more = true;
                    return Ok(page);
                }
            }
            page.more = found == limit;
            Ok(page)
        })
    }

    fn ping(&self) -> Pending<'_, ()> {
        let database = self.client.database(DATABASE);
        self.detached(async move { database.run_command(doc! { "ping": 1 }).await.map(drop) })
    }

    fn close(&self) -> Pending<'_, ()> {
        let client = self.client.clone();
        self.detached(async move {
            client.shutdown().await;
            Ok(())
        })
    }
}

impl MongoStore {
    /// Runs an operation to its end, whoever waits for it.
    fn detached<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Pending<'static, T> {
        let places = Arc::clone(&self.places);
        Box::pin(async move {
            let place = places.acquire_owned().await.expect("the semaphore is never closed");
            // Who asked may not wait any more when the reason is known.
            let told = async {
                let _place = place;
                operation.await.inspect_err(|error| debug!("MongoDB: {error}"))
            };
            match tokio::spawn(told).await {
                Ok(result) => result.map_err(StoreError::new),
                Err(panic) => Err(StoreError::new(panic)),
            }
        })
    }
}

/// Without the driver's reason, which may quote a part of the URL that nobody may see.
fn unusable(_: Error) -> StoreError {
    StoreError::new(
        "it is not of the form mongodb://user:password@host:27017/database; the characters : / ? # [ ] @ % in user and password must be percent-encoded",
    )
}
