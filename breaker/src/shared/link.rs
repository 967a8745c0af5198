//! The connection to Redis. Whatever is done with it has a time limit: a Redis that hangs is one that is away.

use super::FleetSettings;
use super::member::Member;
use super::settings::FleetError;
use super::wire::{Answer, Ask, FleetKeys, Manner, SCRIPT};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo as _, ProtocolVersion, PushInfo, PushKind, RedisError,
    RedisResult, Value,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How to connect.
#[derive(Debug)]
pub(super) struct Address {
    client: Client,
    patience: Duration,
}

/// A connection that answers.
pub(super) struct Link {
    connection: MultiplexedConnection,
    /// The name of the script in Redis.
    script: String,
    patience: Duration,
}

/// What came back.
pub(super) struct Answers {
    /// How many changes the fleet has seen. Read before the answers, so they are as new as this at least.
    pub(super) version: u64,
    pub(super) answers: Vec<Result<Answer, String>>,
}

/// A change that somebody in the fleet has made: the version it made, and the circuit's name.
pub(super) type OnChange = dyn Fn(u64, &str) + Send + Sync;

impl Address {
    pub(super) fn new(settings: &FleetSettings) -> Result<Self, FleetError> {
        let no_use = |error: RedisError| FleetError::Url(error.to_string());
        let info = settings.url.as_str().into_connection_info().map_err(no_use)?;
        // Changes are told on the connection that asks.
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(redis)).map_err(no_use)?;
        Ok(Self { client, patience: settings.patience })
    }

    /// Connects, and asks to be told of changes.
    pub(super) async fn connect(&self, keys: &FleetKeys, on_change: Arc<OnChange>) -> Result<Link, String> {
        let limit = self.patience.saturating_mul(2);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(self.patience))
            .set_push_sender(move |push: PushInfo| -> Result<(), ()> {
                if let Some((version, circuit)) = read_push(&push) {
                    on_change(version, &circuit);
                }
                Ok(())
            });
        // The name server may hang too.
        let made = timeout(limit, async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            let script =
                redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query_async::<String>(&mut connection).await?;
            connection.subscribe(&keys.channel).await?;
            Ok::<_, RedisError>(Link { connection, script, patience: self.patience })
        });
        made.await.map_err(|_| late(limit))?.map_err(|error| error.to_string())
    }
}

impl Link {
    /// One exchange for many circuits.
    ///
    /// # Errors
    ///
    /// Where Redis is away, or of no use to any of them: why, in words.
    pub(super) async fn exchange(
        &mut self,
        keys: &FleetKeys,
        manner: &Manner,
        asks: &[(Arc<Member>, Ask)],
    ) -> Result<Answers, String> {
        let mut pipeline = redis::Pipeline::with_capacity(1 + asks.len());
        pipeline.ignore_errors().cmd("GET").arg(&keys.version);
        for (member, ask) in asks {
            let whose = (&member.keys, member.me.as_str(), member.breaker.name());
            ask.add_to(&mut pipeline, &self.script, keys, manner, whose);
        }
        let answers = pipeline.query_async::<Vec<RedisResult<Value>>>(&mut self.connection);
        let answers = timeout(self.patience, answers).await.map_err(|_| late(self.patience))?;
        let mut answers = answers.map_err(|error| error.to_string())?.into_iter();
        let version = answers.next().unwrap_or(Ok(Value::Nil));
        let version = version.and_then(|value| Ok(redis::from_redis_value::<Option<u64>>(value)?));
        let version = version.map_err(|error| error.to_string())?.unwrap_or(0);
        let answers = answers.map(|answer| match answer {
            Err(error) if is_for_all(&error) => Err(error.to_string()),
            Err(error) => Ok(Err(error.to_string())),
            Ok(value) => Ok(Answer::read(value)),
        });
        Ok(Answers { version, answers: answers.collect::<Result<_, _>>()? })
    }
}

/// Whether it is not about one circuit's keys: the script is gone, Redis has become a replica, is full, or still starts.
fn is_for_all(error: &RedisError) -> bool {
    const CODES: [&str; 8] =
        ["NOSCRIPT", "READONLY", "LOADING", "MASTERDOWN", "NOAUTH", "NOPERM", "OOM", "MISCONF"];
    // Redis 6 wraps what goes wrong within a script.
    let text = error.to_string();
    error.is_io_error() || CODES.iter().any(|code| error.code() == Some(code) || text.contains(code))
}

fn read_push(push: &PushInfo) -> Option<(u64, String)> {
    if push.kind != PushKind::Message {
        return None;
    }
    let Some(Value::BulkString(text)) = push.data.get(1) else { return None };
    let (version, circuit) = std::str::from_utf8(text).ok()?.split_once(':')?;
    Some((version.parse().ok()?, circuit.to_owned()))
}

fn late(limit: Duration) -> String {
    format!("no answer within {limit:?}")
}
