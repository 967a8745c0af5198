"""Records what the real pybreaker does, on a clock that is moved by hand. See README.md.

    pip download --no-deps pybreaker==1.4.1
    PYTHONPATH=pybreaker-1.4.1-py3-none-any.whl python3 record.py > traces.jsonl
"""

import json
import random
from datetime import datetime, timedelta, timezone

import pybreaker

RANDOM = 200


class Clock(datetime):
    """Stands in for `datetime` in pybreaker."""

    millis = 0

    @classmethod
    def now(cls, tz=None):
        return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=cls.millis)


class Failed(Exception):
    pass


class Excluded(Exception):
    pass


class Interrupt(BaseException):
    pass


ENDS = {"error": Failed, "excluded": Excluded, "interrupt": Interrupt}


def play(name, options, steps):
    """`steps` answers, told the breaker's state, what comes next: (ms later, what), or None at the end."""
    Clock.millis = 0
    breaker = pybreaker.CircuitBreaker(
        fail_max=options["fail_max"],
        reset_timeout=options["reset_timeout"] / 1000,
        success_threshold=options["success_threshold"],
        exclude=[Excluded],
    )
    trace = []
    while (step := steps(breaker.current_state, len(trace))) is not None:
        later, what = step
        Clock.millis += later
        made = False

        def action():
            nonlocal made
            made = True
            if what != "ok":
                raise ENDS[what]

        if what == "open":
            breaker.open()
        elif what == "close":
            breaker.close()
        else:
            try:
                breaker.call(action)
            except (pybreaker.CircuitBreakerError, Failed, Excluded, Interrupt):
                pass
        state = breaker.current_state
        trace.append([Clock.millis, what, made, state, breaker.fail_counter])
    print(json.dumps({"name": name, "options": options, "steps": trace}, separators=(",", ":")))


def listed(*steps):
    return lambda _state, number: steps[number] if number < len(steps) else None


def made_up(seed):
    chance = random.Random(seed)
    wait = [0, 0, 1, 500, options["reset_timeout"] // 2, options["reset_timeout"], options["reset_timeout"] - 1]
    luck = chance.choice([0.2, 0.5, 0.9])
    length = chance.randint(5, 60)

    def step(state, number):
        if number == length:
            return None
        by_hand = chance.random()
        # The two that differ, see README.md, are left out.
        if by_hand < 0.03 and state != "open":
            return chance.choice(wait), "open"
        if by_hand > 0.97 and state != "closed":
            return chance.choice(wait), "close"
        if chance.random() < luck:
            return chance.choice(wait), chance.choice(["ok", "ok", "ok", "excluded"])
        return chance.choice(wait), chance.choice(["error", "error", "error", "interrupt"])

    return step


pybreaker.datetime = Clock
defaults = {"fail_max": 5, "reset_timeout": 60_000, "success_threshold": 1}
error, ok = (0, "error"), (0, "ok")
play("five in a row open it", defaults, listed(*[error] * 5, ok))
play("a success begins anew", defaults, listed(*[error] * 4, ok, *[error] * 4, ok))
play("what is excluded begins anew too", defaults, listed(*[error] * 4, (0, "excluded"), *[error] * 5))
play("half-open to the millisecond", defaults, listed(*[error] * 5, (59_999, "ok"), (1, "ok"), error))
play("a failed trial opens for the whole time", defaults, listed(*[error] * 5, (60_000, "error"), (59_999, "ok"), (1, "ok")))
play("after closing five again", defaults, listed(*[error] * 5, (60_000, "ok"), *[error] * 5))
play("opened by hand it heals", defaults, listed((0, "open"), (59_999, "ok"), (1, "ok")))
play("three successes", {**defaults, "success_threshold": 3}, listed((0, "open"), (60_000, "ok"), ok, error, (60_000, "ok"), ok, ok))
for seed in range(RANDOM):
    chance = random.Random(f"options {seed}")
    options = defaults if seed % 2 == 0 else {
        "fail_max": chance.randint(1, 4),
        "reset_timeout": chance.choice([1, 1_000, 30_000]),
        "success_threshold": chance.randint(1, 3),
    }
    play(f"random-{seed}", options, made_up(seed))
