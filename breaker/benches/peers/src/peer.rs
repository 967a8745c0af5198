//! What a library has to offer to be measured, and a row of the table made of it.
//!
//! Each library's loop is compiled for it alone, so that its calls may be inlined; it is then held as a trait object,
//! which costs one indirect call a burst.

use crate::call::Answer;
use serde::{Deserialize, Serialize};
use std::hint::black_box;

/// A circuit breaker with settings that this project has chosen; clones share the circuit.
pub(crate) trait Peer: Clone + Send + 'static {
    /// Closed; 99 % of failures or fewer do not open it, though they are judged.
    fn closed() -> Self;
    /// Open, for an hour at least.
    fn open() -> Self;
    /// A call that succeeds at once.
    fn good(&mut self) -> Answer;
    /// A call that fails at once.
    fn bad(&mut self) -> Answer;
    /// A call that is pending once; not asked for where [`Row::sync`].
    fn pends(&mut self) -> Answer {
        Answer::Odd
    }
}

/// What is done over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Case {
    /// Let through, succeeds at once.
    Good,
    /// Refused by an open circuit.
    Refused,
    /// Let through, fails at once.
    Bad,
    /// Let through, pending once, then succeeds.
    Pends,
}

impl Case {
    pub(crate) const ALL: [Self; 4] = [Self::Good, Self::Refused, Self::Bad, Self::Pends];
}

/// Where a row stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The call without a breaker, which is taken off the others.
    Bare,
    /// This library.
    Ours,
    /// Another library.
    Peer,
    /// What the machine allows.
    Limit,
}

/// One row: a library in one way of using it.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it judges by, in words.
    pub(crate) window: &'static str,
    /// Whether that is a stretch of time that slides.
    pub(crate) slides: bool,
    /// Whether it wraps closures rather than futures.
    pub(crate) sync: bool,
    /// The cases it can be measured in.
    pub(crate) cases: &'static [Case],
    /// The cases that two threads can be measured in.
    pub(crate) together: &'static [Case],
    pub(crate) make: fn(Case) -> Box<dyn Circuit>,
}

impl Row {
    pub(crate) const fn new<P: Peer>(name: &'static str, kind: Kind, window: &'static str) -> Self {
        Self {
            name,
            kind,
            window,
            slides: false,
            sync: false,
            cases: &Case::ALL,
            together: &Case::ALL,
            make: make::<P>,
        }
    }

    pub(crate) fn is_bare(&self) -> bool {
        self.kind == Kind::Bare
    }

    pub(crate) fn is_breaker(&self) -> bool {
        matches!(self.kind, Kind::Ours | Kind::Peer)
    }

    pub(crate) const fn slides(self) -> Self {
        Self { slides: true, ..self }
    }

    pub(crate) const fn sync(self) -> Self {
        Self { sync: true, ..self.only(&[Case::Good, Case::Refused, Case::Bad]) }
    }

    /// Leaves cases out on two threads.
    pub(crate) const fn together(self, together: &'static [Case]) -> Self {
        Self { together, ..self }
    }

    pub(crate) const fn only(self, cases: &'static [Case]) -> Self {
        Self { cases, together: cases, ..self }
    }
}

/// A breaker that has been made.
pub(crate) trait Circuit: Send {
    /// What one thread needs to make calls through it.
    fn hand(&self) -> Box<dyn Hand>;
}

/// One thread's way to a breaker.
pub(crate) trait Hand: Send {
    /// Makes so many calls. Says how many ended otherwise than they should.
    fn run(&mut self, case: Case, calls: u32) -> u32;
}

struct Held<P>(P);

fn make<P: Peer>(case: Case) -> Box<dyn Circuit> {
    Box::new(MakesHands(if case == Case::Refused { P::open() } else { P::closed() }))
}

struct MakesHands<P>(P);

impl<P: Peer> Circuit for MakesHands<P> {
    fn hand(&self) -> Box<dyn Hand> {
        Box::new(Held(self.0.clone()))
    }
}

impl<P: Peer> Hand for Held<P> {
    fn run(&mut self, case: Case, calls: u32) -> u32 {
        let peer = &mut self.0;
        match case {
            Case::Good => burst(peer, calls, Answer::Good, P::good),
            Case::Refused => burst(peer, calls, Answer::Refused, P::good),
            Case::Bad => burst(peer, calls, Answer::Bad, P::bad),
            Case::Pends => burst(peer, calls, Answer::Good, P::pends),
        }
    }
}

#[inline(always)]
fn burst<P>(peer: &mut P, calls: u32, expected: Answer, call: impl Fn(&mut P) -> Answer) -> u32 {
    let mut wrong = 0;
    for _ in 0..calls {
        wrong += u32::from(black_box(call(black_box(peer))) != expected);
    }
    wrong
}
