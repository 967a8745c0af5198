//! What stands in for an answer that the breaker refused to wait for.
//!
//! The three policies of go-chassis, and its rule: they act on the breaker's own errors only. What the callee said, it
//! said, and the caller hears it.

use crate::error::CallError;
use std::fmt;
use std::sync::Arc;

/// What is answered where the circuit was open, had no place, or gave the call up. The call's own error is passed through.
///
/// ```
/// use breaker::{Breaker, CallError, Fallback};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker::SettingsError> {
/// let breaker = Breaker::builder("prices").build()?;
/// breaker.open();
/// let yesterdays = Fallback::own(|_why| Ok(250));
/// let price = yesterdays.apply(breaker.call(async { Ok::<u32, String>(240) }).await);
/// assert_eq!(price, Ok(250));
///
/// let down = Err(CallError::Failed("down".to_owned()));
/// assert_eq!(yesterdays.apply(down.clone()), down, "the callee's own word");
/// # Ok(()) }
/// ```
pub enum Fallback<T, E> {
    /// Nothing: `T::default()`. go-chassis' `returnnull`.
    Null,
    /// The error itself. go-chassis' `throwexception`, and the default.
    Throw,
    /// What a function makes of it; see [`Fallback::own`].
    Own(OwnFallback<T, E>),
}

/// The function of a [`Fallback::Own`].
pub type OwnFallback<T, E> = Arc<dyn Fn(CallError<E>) -> Result<T, CallError<E>> + Send + Sync>;

impl<T, E> Fallback<T, E> {
    /// A function that is told why, and answers or hands the error back. Never told [`CallError::Failed`].
    ///
    /// For one that has to wait, see [`PolicyCall::or_else`](crate::PolicyCall::or_else).
    pub fn own(answer: impl Fn(CallError<E>) -> Result<T, CallError<E>> + Send + Sync + 'static) -> Self {
        Self::Own(Arc::new(answer))
    }
}

impl<T, E> Fallback<T, E> {
    /// Whether it is asked about this answer.
    pub(crate) fn is_asked(&self, answer: &Result<T, CallError<E>>) -> bool {
        !matches!((self, answer), (Self::Throw, _) | (_, Ok(_) | Err(CallError::Failed(_))))
    }
}

impl<T: Default, E> Fallback<T, E> {
    /// The answer, or what stands in for it.
    ///
    /// # Errors
    ///
    /// The call's own error; with [`Throw`](Self::Throw) any other too, with [`Own`](Self::Own) what it hands back.
    ///
    /// ```
    /// use breaker::{CallError, Fallback};
    ///
    /// let full: Result<Vec<u8>, CallError<String>> = Err(CallError::Full { capacity: 1 });
    /// assert_eq!(Fallback::Null.apply(full.clone()), Ok(Vec::new()));
    /// assert_eq!(Fallback::Throw.apply(full.clone()), full);
    /// ```
    pub fn apply(&self, answer: Result<T, CallError<E>>) -> Result<T, CallError<E>> {
        match (answer, self) {
            (Err(why), _) if matches!(why, CallError::Failed(_)) => Err(why),
            (Err(_), Self::Null) => Ok(T::default()),
            (Err(why), Self::Own(answer)) => answer(why),
            (answer, _) => answer,
        }
    }
}

#[expect(clippy::derivable_impls, reason = "derived, it would ask for defaults of T and E")]
impl<T, E> Default for Fallback<T, E> {
    fn default() -> Self {
        Self::Throw
    }
}

impl<T, E> Clone for Fallback<T, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Null => Self::Null,
            Self::Throw => Self::Throw,
            Self::Own(answer) => Self::Own(Arc::clone(answer)),
        }
    }
}

impl<T, E> fmt::Debug for Fallback<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Throw => "Throw",
            Self::Own(_) => "Own(..)",
        })
    }
}
