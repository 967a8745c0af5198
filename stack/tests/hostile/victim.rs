//! All three services in one process, and what that process holds.

use crate::programs::{ORDER, Stack, try_create};
use std::net::SocketAddr;

/// A stack under attack.
pub(crate) struct Victim {
    stack: Stack,
}

impl Victim {
    /// Starts it, with no faults of its own.
    pub(crate) async fn start() -> Self {
        Self { stack: Stack::start(&[("INJECT_ERR", "0"), ("RUST_LOG", "warn,chassis::service=info")]).await }
    }

    /// Where one of its services listens.
    pub(crate) fn address(&self, number: usize) -> SocketAddr {
        let urls = [&self.stack.order, &self.stack.payment, &self.stack.shipment];
        urls[number % urls.len()].trim_start_matches("http://").parse().expect("an address")
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> u64 {
        self.stack.process.memory()
    }

    /// Open files.
    pub(crate) fn files(&self) -> usize {
        self.stack.process.files()
    }

    pub(crate) async fn takes_an_order(&self) {
        assert!(self.try_order().await, "an order is not taken");
    }

    pub(crate) async fn try_order(&self) -> bool {
        let answer = try_create(&self.stack.order, 0, ORDER).await;
        answer.is_ok_and(|answer| answer.status == 200 && answer.degraded.is_empty())
    }

    /// It takes an order, has not panicked, and stops when it is told to.
    pub(crate) async fn unharmed(mut self) {
        self.takes_an_order().await;
        let lines = self.stack.process.lines();
        let panic = lines.iter().find(|line| line.contains("panicked"));
        assert!(panic.is_none(), "{panic:?}");
        assert!(self.stack.process.terminate().await.success());
    }
}
