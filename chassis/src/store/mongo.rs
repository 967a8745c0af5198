//! The store of the compose stack: a MongoDB collection per service, through the official driver.
//!
//! The driver's futures must not be dropped half-way, so each operation is finished, by a task of its own when the request
//! that asked for it is gone. Inserts of concurrent requests are written together. A document is written
//! once even if the driver's answer to it is lost: it bears our key, so that a second try that finds it there has
//! succeeded.
//!
//! What is to be handed on and the key of the request lie inside the document, under names of ours. So one insert writes
//! all, on a server of any kind: no transaction is needed, and no replica set.

mod convert;
mod handovers;
mod inserts;
mod settle;

use super::{
    Backlog, Claimed, End, Entry, Inserted, Known, Outbox, Page, Pending, Place, Queued, Saved, Store,
    StoreError, outbox,
};
use crate::finish::Finish;
use crate::limits;
use crate::settings::Secret;
use convert::{REQUEST_KEY, from_bson, known, to_bson};
use futures_util::FutureExt as _;
use inserts::{Inserts, Unwritten};
use jiff::Timestamp;
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::error::Error;
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use mongodb::{Client, Collection, Database};
use settle::Settler;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    database: Database,
    collection: Collection<RawDocumentBuf>,
    inserts: Inserts,
    /// An operation that is under way holds one, also when nobody waits for it any more.
    places: Arc<Semaphore>,
    settler: Settler,
    /// Whether the indexes are known to be there.
    prepared: Arc<AtomicBool>,
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
        let database = client.database(&database);
        let collection: Collection<RawDocumentBuf> = database.collection(records);
        let inserts = Inserts::new(collection.clone());
        let settler = Settler::start(database.clone(), records);
        let places = Arc::new(Semaphore::new(limits::REQUESTS));
        Ok(Self { client, database, collection, inserts, places, settler, prepared: Arc::default() })
    }
}

impl Store for MongoStore {
    fn insert(&self, entry: Arc<Entry>) -> Pending<'_, Inserted> {
        Box::pin(async move {
            let Some(request) = &entry.request else {
                return match self.write(&entry).await? {
                    Ok(()) => Ok(Inserted::Kept),
                    Err(there) => Err(StoreError::new(there)),
                };
            };
            // Without its index, two of the same key could both be kept.
            self.prepare().await?;
            if self.write(&entry).await?.is_ok() {
                return Ok(Inserted::Kept);
            }
            match self.known(request.key.clone()).await? {
                // The first try had come through.
                Some((known, _)) if known.saved.key == entry.saved.key => return Ok(Inserted::Kept),
                Some((known, expires_at)) if expires_at > entry.saved.created_at => {
                    return Ok(Inserted::Known(Box::new(known)));
                }
                _ => {}
            }
            self.forget(Some(request.key.clone()), entry.saved.created_at).await?;
            let written = self.write(&entry).await?;
            written.map(|()| Inserted::Kept).map_err(StoreError::new)
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
        let (database, collection) = (self.database.clone(), self.collection.clone());
        let prepared = Arc::clone(&self.prepared);
        self.detached(async move {
            prepare(&collection, &prepared).await?;
            database.run_command(doc! { "ping": 1 }).await.map(drop)
        })
    }

    fn close(&self) -> Pending<'_, ()> {
        let client = self.client.clone();
        self.after_ends(async move {
            client.shutdown().await;
            Ok(())
        })
    }
}

impl Outbox for MongoStore {
    fn settle(&self, key: Uuid, end: End) -> Pending<'_, ()> {
        self.settler.settle(key, end)
    }

    fn unnoted(&self) -> u64 {
        self.settler.unnoted()
    }

    fn claim(&self, now: Timestamp, lease: Timestamp, limit: u32) -> Pending<'_, Vec<Claimed>> {
        let (collection, prepared) = (self.collection.clone(), Arc::clone(&self.prepared));
        let claim = self.after_ends(async move {
            prepare(&collection, &prepared).await?;
            handovers::claim(&collection, now, lease, limit).await
        });
        Box::pin(async move {
            let (claimed, unreadable) = claim.await?;
            for (key, attempts, error) in unreadable {
                warn!(%key, "set aside, for it cannot be read: {error}");
                self.settle(key, End::Refused { attempts, error: outbox::unreadable(&error) }).await?;
            }
            Ok(claimed)
        })
    }

    fn queued(&self, which: Option<Place>, limit: u32, after: Option<Uuid>) -> Pending<'_, Vec<Queued>> {
        let (collection, prepared) = (self.collection.clone(), Arc::clone(&self.prepared));
        self.after_ends(async move {
            prepare(&collection, &prepared).await?;
            handovers::list(&collection, which, limit, after).await
        })
    }

    fn backlog(&self, now: Timestamp) -> Pending<'_, Backlog> {
        let (collection, prepared) = (self.collection.clone(), Arc::clone(&self.prepared));
        self.after_ends(async move {
            prepare(&collection, &prepared).await?;
            handovers::backlog(&collection, now).await
        })
    }

    fn retry(&self, key: Uuid, now: Timestamp) -> Pending<'_, bool> {
        let collection = self.collection.clone();
        self.after_ends(async move { handovers::retry(&collection, key, now).await })
    }

    fn discard(&self, key: Uuid, end: String) -> Pending<'_, bool> {
        let collection = self.collection.clone();
        self.after_ends(async move { handovers::discard(&collection, key, end).await })
    }

    fn sweep(&self, now: Timestamp) -> Pending<'_, u32> {
        let (collection, prepared) = (self.collection.clone(), Arc::clone(&self.prepared));
        self.detached(async move {
            // Once more: somebody may have dropped the collection.
            prepared.store(false, Ordering::Relaxed);
            prepare(&collection, &prepared).await?;
            handovers::forget_expired(&collection, None, now).await
        })
    }
}

impl MongoStore {
    /// Writes a document, once more where nobody knows what became of it. The inner error says that it, or one with the
    /// same key of a request, is there already; where the first try may have been that, it is none.
    async fn write(&self, entry: &Entry) -> Result<Result<(), Error>, StoreError> {
        let document = || to_bson(entry).map_err(StoreError::new);
        let mut written = self.inserts.insert(document()?).await;
        let lost = matches!(written, Err(Unwritten::Lost(_)));
        if lost {
            written = self.inserts.insert(document()?).await;
        }
        match written {
            Ok(()) => Ok(Ok(())),
            Err(Unwritten::Duplicate(_)) if lost && entry.request.is_none() => Ok(Ok(())),
            Err(Unwritten::Duplicate(error)) => Ok(Err(error)),
            Err(unwritten) => Err(StoreError::new(Error::from(unwritten))),
        }
    }

    /// The document of the request that bore this key, and until when that is known.
    fn known(&self, request: String) -> Pending<'_, Option<(Known, Timestamp)>> {
        let collection = self.collection.clone();
        self.after_ends(async move {
            let found = collection.find_one(doc! { REQUEST_KEY: request }).await?;
            found.as_deref().map(known).transpose()
        })
    }

    fn forget(&self, request: Option<String>, now: Timestamp) -> Pending<'_, u32> {
        let collection = self.collection.clone();
        self.detached(async move { handovers::forget_expired(&collection, request.as_deref(), now).await })
    }

    /// Sees to it that the indexes are there.
    fn prepare(&self) -> Pending<'_, ()> {
        if self.prepared.load(Ordering::Relaxed) {
            return Box::pin(async { Ok(()) });
        }
        let (collection, prepared) = (self.collection.clone(), Arc::clone(&self.prepared));
        self.detached(async move { prepare(&collection, &prepared).await })
    }

    /// Runs an operation that is to see what was settled before it.
    fn after_ends<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Pending<'_, T> {
        let operation = self.detached(operation);
        Box::pin(async move {
            self.settler.flush().await;
            operation.await
        })
    }

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
            match Finish::new(AssertUnwindSafe(told).catch_unwind()).await {
                Ok(result) => result.map_err(StoreError::new),
                Err(_) => Err(StoreError::new("a panic: see the standard error")),
            }
        })
    }
}

/// Makes the indexes, unless that was done. Many may come to do so at once: the server makes each but once.
async fn prepare(collection: &Collection<RawDocumentBuf>, prepared: &AtomicBool) -> Result<(), Error> {
    if !prepared.load(Ordering::Relaxed) {
        collection.create_indexes(handovers::indexes()).await?;
        prepared.store(true, Ordering::Relaxed);
    }
    Ok(())
}

/// Without the driver's reason, which may quote a part of the URL that nobody may see.
fn unusable(_: Error) -> StoreError {
    StoreError::new(
        "it is not of the form mongodb://user:password@host:27017/database; the characters : / ? # [ ] @ % in user and password must be percent-encoded",
    )
}
