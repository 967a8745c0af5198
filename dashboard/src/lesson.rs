//! One lesson at a time: of two, each would take the other's scene for what was there before, and put that back.
//!
//! A page takes the lesson for a while and takes it again as long as it goes on. One that is gone holds nobody up for long.

use crate::limits;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Lesson(Mutex<Option<Turn>>);

#[derive(Debug)]
struct Turn {
    page: String,
    until: Instant,
}

impl Lesson {
    /// Takes the lesson for a page, or goes on with it. Where another has it: how long it may be before that is over.
    pub(crate) fn take(&self, page: String) -> Result<(), Duration> {
        let (mut turn, now) = (self.turn(), Instant::now());
        match &*turn {
            Some(other) if other.page != page && other.until > now => Err(other.until - now),
            _ => {
                *turn = Some(Turn { page, until: now + limits::LESSON });
                Ok(())
            }
        }
    }

    /// Leaves it to others, if this page has it.
    pub(crate) fn leave(&self, page: &str) {
        self.turn().take_if(|turn| turn.page == page);
    }

    fn turn(&self) -> MutexGuard<'_, Option<Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Lesson;
    use crate::limits;
    use std::time::Duration;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn one_page_has_it_until_it_leaves_or_is_gone() {
        let (lesson, second) = (Lesson::default(), Duration::from_secs(1));
        let (one, other) = (|| lesson.take("one".to_owned()), || lesson.take("other".to_owned()));
        assert_eq!(one(), Ok(()));
        assert_eq!(other(), Err(limits::LESSON));
        advance(limits::LESSON - second).await;
        assert_eq!((other(), one()), (Err(second), Ok(())), "it goes on");
        lesson.leave("other");
        assert_eq!(other(), Err(limits::LESSON), "what it does not have it cannot leave");
        advance(limits::LESSON).await;
        assert_eq!((other(), one()), (Ok(()), Err(limits::LESSON)), "the first one is gone");
        lesson.leave("other");
        assert_eq!(one(), Ok(()));
    }
}
