//! Real parts for the tests: a mongod, a line that can be cut, a peer that misbehaves, processes.
//!
//! Tests of things that break are only worth something when the real thing breaks, so nothing here is a mock:
//! a [`Mongod`] is a server that is killed with SIGKILL, a [`Proxy`] resets TCP connections, a [`Peer`] sends bytes
//! that are no HTTP. The kit knows none of our services and is used in `[dev-dependencies]` only.
//!
//! - **It fails by panicking**, in a sentence that says what was awaited and shows the output or the log.
//! - **Every wait has a limit**, on tokio's clock. In a test with a paused clock (`start_paused`) these limits run out
//!   at once, for the clock jumps whenever no task is busy: use processes, mongods and [`eventually`] on a running one.
//! - **Dropping a part takes it away**: the process is killed and reaped, its directory removed, the port closed.
//!   A `static` is never dropped, so keep parts in the test itself.
//!
//! ```
//! use testkit::{Behaviour, Peer, Proxy};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let peer = Peer::start(Behaviour::json(200, r#"{"id":7}"#)).await;
//! let line = Proxy::start(peer.addr()).await;
//!
//! let mut client = tokio::net::TcpStream::connect(line.addr()).await?;
//! client.write_all(b"GET /seven HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//! assert!(answer.ends_with(r#"{"id":7}"#));
//! assert_eq!(peer.requests()[0].path, "/seven");
//!
//! line.cut();
//! let mut client = tokio::net::TcpStream::connect(line.addr()).await?;
//! assert!(client.read_u8().await.is_err());
//! # Ok(())
//! # }
//! ```

mod eventually;
pub mod http_file;
mod listening;
mod mongod;
mod peer;
mod ports;
mod process;
mod promtool;
mod proxy;

pub use eventually::eventually;
pub use mongod::Mongod;
pub use peer::{Behaviour, Peer, Request};
pub use ports::{free_port, refused_addr};
pub use process::Process;
pub use promtool::promtool;
pub use proxy::Proxy;
