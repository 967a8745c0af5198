//! What the routes work with.

use crate::feed::Feed;
use crate::lesson::Lesson;
use crate::load::Load;
use crate::orders::Orders;
use crate::relay::Relay;
use crate::settings::Peers;
use chassis::Admin;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) peers: Peers,
    pub(crate) admin: Admin,
    pub(crate) feed: Arc<Feed>,
    pub(crate) relay: Relay,
    pub(crate) orders: Orders,
    pub(crate) load: Load,
    pub(crate) lesson: Lesson,
}
