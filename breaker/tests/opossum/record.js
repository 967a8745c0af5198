// Plays scripts to the real opossum on a fake clock and writes down what it did, one JSON object a line.
//
//   node record.js --replay < handmade.jsonl      scripts written by hand
//   node record.js --seed 1 --count 300           scripts made up from a seed
//
// README.md says what the keys of a line mean.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import FakeTimers from '@sinonjs/fake-timers';
import CircuitBreaker from 'opossum';
import { Dice, bringForward, lookCloser, makeOptions, makeScript } from './scripts.js';
import { Tie, Timetable } from './timetable.js';

const EVENTS = ['fire', 'reject', 'timeout', 'success', 'failure', 'fallback', 'semaphoreLocked', 'open', 'halfOpen', 'close'];
const TURNS = ['open', 'halfOpen', 'close'];
const COUNTS = ['fires', 'successes', 'failures', 'timeouts', 'rejects', 'fallbacks', 'semaphoreRejections'];
const REFUSALS = { EOPENBREAKER: 'open', ESEMLOCKED: 'semaphore', ETIMEDOUT: 'timeout' };
const AFTERMATH = 20000; // ms for which the clock runs on after the last step
const FALLEN_BACK = Symbol('the fallback answered');

// Gives back the trace, its turns (changes of state), and the calls whose answers came after one: those are late.
async function record ({ name, options, script }) {
  const timetable = new Timetable(options, script);
  const clock = FakeTimers.install({ now: 0, toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const { fallback, ...settings } = options;
  const events = [];
  const calls = [];
  const checks = [];
  const admitted = [];

  const action = ({ call, at, takes, outcome }) => {
    if (breaker.enabled) admitted.push({ call, from: at, to: at + Math.min(takes, timetable.timeout || takes) });
    return new Promise((resolve, reject) => {
      setTimeout(() => outcome === 'ok' ? resolve() : reject(Object.assign(new Error(), { outcome })), takes);
    });
  };
  const breaker = new CircuitBreaker(action, { ...settings, enableSnapshots: false, errorFilter: e => e.outcome === 'filtered' });
  if (fallback) breaker.fallback(() => FALLEN_BACK);
  for (const event of EVENTS) breaker.on(event, () => events.push({ at: clock.now, event }));

  const perform = {
    fire (step) {
      const end = result => calls.push({ call: step.call, at: clock.now, result });
      breaker.fire(step).then(
        value => end(value === FALLEN_BACK ? 'fallback' : 'ok'),
        error => end(REFUSALS[error.code] ?? 'error'));
    },
    check () {
      const state = breaker.opened ? 'open' : breaker.halfOpen ? 'halfOpen' : 'closed';
      const counts = COUNTS.map(count => [count, breaker.stats[count]]);
      checks.push({ at: clock.now, state, enabled: breaker.enabled, ...Object.fromEntries(counts) });
    },
    open: () => breaker.open(),
    close: () => breaker.close(),
    enable: () => breaker.enable(),
    disable: () => breaker.disable()
  };

  try {
    for (const step of script) {
      if (step.at < clock.now) throw new Error(`the step at ${step.at} ms is out of order`);
      await clock.tickAsync(step.at - clock.now);
      perform[step.op](step);
      await clock.tickAsync(0);
    }
    await clock.tickAsync(AFTERMATH);
  } finally {
    breaker.shutdown();
    clock.uninstall();
  }

  // opossum half-opens by a timer of its own, so these moments are known only now.
  for (const { at, event } of events) if (event === 'halfOpen') timetable.claim(at, event);
  const turns = events.filter(({ event }) => TURNS.includes(event));
  const late = admitted
    .map(call => ({ ...call, turn: turns.find(({ at }) => call.from < at && at < call.to)?.at }))
    .filter(({ turn }) => turn !== undefined);
  const lateAt = late.length ? Math.min(...late.map(({ to }) => to)) : null;
  return { trace: { name, options, late_at: lateAt, script, events, calls, checks }, turns, late };
}

const numbered = (script, call = 0) => script.map(({ at, op, takes, outcome }) =>
  op === 'fire' ? { at, op, call: call++, takes, outcome } : { at, op });

// Makes up a script and records it, then again with closer looks at what came of it, then again until no answer is late.
async function makeUp (name, seed) {
  const dice = new Dice(seed);
  const options = makeOptions(dice);
  const play = script => record({ name, options, script: numbered(script) });

  let played = await play(makeScript(dice, options));
  played = await play(lookCloser(dice, played.trace, played.turns));
  const asItComes = dice.chance(0.08);
  for (let round = 0; played.late.length && !asItComes && round < 10; round++) {
    played = await play(bringForward(dice, played.trace, played.late));
  }
  return played.trace;
}

// The trace of one seed; nothing if its script has a tie.
const makeUpIfItCan = (name, seed) => makeUp(name, seed).catch(error => {
  if (!(error instanceof Tie)) throw error;
});

const print = trace => console.log(JSON.stringify(trace));

async function printReplayed (lines) {
  for await (const line of lines) {
    if (!line.trim()) continue;
    const script = JSON.parse(line);
    const { trace } = await record(script).catch(cause => { throw new Error(`cannot record ${script.name}`, { cause }); });
    print(trace);
  }
}

async function printMadeUp (seed, count) {
  for (let nr = 1, printed = 0; printed < count; nr++) {
    const trace = await makeUpIfItCan(`random-${seed}-${nr}`, seed * 100000 + nr);
    if (!trace) continue;
    print(trace);
    printed++;
  }
}

const { values } = parseArgs({
  options: { replay: { type: 'boolean' }, seed: { type: 'string', default: '1' }, count: { type: 'string', default: '100' } }
});
await (values.replay
  ? printReplayed(createInterface({ input: process.stdin }))
  : printMadeUp(Number(values.seed), Number(values.count)));
