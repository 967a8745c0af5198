//! What stands in for the breaker's own errors.

use breaker::{CallError, Fallback};
use std::time::Duration;

type Answer = Result<u32, CallError<&'static str>>;

fn own_errors() -> [Answer; 3] {
    let time = Duration::from_secs(1);
    [
        Err(CallError::Open { retry_after: time }),
        Err(CallError::Full { capacity: 1 }),
        Err(CallError::TimedOut { after: time }),
    ]
}

fn all() -> [Fallback<u32, &'static str>; 3] {
    [Fallback::Null, Fallback::Throw, Fallback::own(|_| Ok(250))]
}

#[test]
fn each_policy_acts_on_the_breakers_own_errors() {
    for answer in own_errors() {
        let answers = all().map(|fallback| fallback.apply(answer.clone()));
        assert_eq!(answers, [Ok(0), answer, Ok(250)]);
    }
}

#[test]
fn none_acts_on_answers_and_real_errors() {
    for answer in [Ok(7), Err(CallError::Failed("no"))] {
        for fallback in all() {
            assert_eq!(fallback.apply(answer.clone()), answer, "{fallback:?}");
        }
    }
}

#[test]
fn a_function_sees_why_and_may_hand_it_back() {
    let fallback: Fallback<u32, &str> = Fallback::own(|why| match why {
        CallError::Full { capacity } => Ok(capacity),
        other => Err(other),
    });
    let [open, full, late] = own_errors().map(|answer| fallback.clone().apply(answer));
    assert_eq!(full, Ok(1));
    assert_eq!([open, late], [own_errors()[0].clone(), own_errors()[2].clone()]);
}

#[test]
fn without_a_choice_the_error_is_thrown() {
    let [open, ..] = own_errors();
    assert_eq!(Fallback::default().apply(open.clone()), open);
}
