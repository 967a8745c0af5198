// Makes up options and scripts, and betters a script once it is known what opossum made of it.
import { Timetable } from './timetable.js';

// A small generator of random numbers (sfc32), so that a seed means the same scripts on every machine.
export class Dice {
  constructor (seed) {
    this.state = [seed, 0x2545f491, 0x6c078965, 1];
    for (let n = 0; n < 16; n++) this.next();
  }

  next () {
    const [a, b, c, count] = this.state;
    const sum = (a + b + count) | 0;
    this.state = [b ^ (b >>> 9), (c + (c << 3)) | 0, (((c << 21) | (c >>> 11)) + sum) | 0, count + 1];
    return (sum >>> 0) / 2 ** 32;
  }

  chance (p) { return this.next() < p; }
  from (low, high) { return low + Math.floor(this.next() * (high - low + 1)); }
  one (...things) { return things[Math.floor(this.next() * things.length)]; }
}

const WINDOWS = [
  { rollingCountTimeout: 1000, rollingCountBuckets: 1 },
  { rollingCountTimeout: 1000, rollingCountBuckets: 3 }, // of 333 ms
  { rollingCountTimeout: 1000, rollingCountBuckets: 4 },
  { rollingCountTimeout: 1000, rollingCountBuckets: 10 },
  { rollingCountTimeout: 700, rollingCountBuckets: 7 },
  { rollingCountTimeout: 2500, rollingCountBuckets: 6 }, // of 416 ms
  { rollingCountTimeout: 5000, rollingCountBuckets: 2 },
  { rollingCountTimeout: 10000, rollingCountBuckets: 1 },
  { rollingCountTimeout: 30000, rollingCountBuckets: 4 },
  { rollingCountTimeout: 7500 },
  { rollingCountBuckets: 3 } // of 3333 ms
];

export function makeOptions (dice) {
  const fallback = dice.chance(0.3) && { fallback: true };
  const retail = { timeout: 300, errorThresholdPercentage: 50, resetTimeout: 10000 };
  if (dice.chance(0.4)) return { ...retail, ...fallback };
  return {
    timeout: dice.one(0, 80, 300, 300, 1000, 2600),
    errorThresholdPercentage: dice.one(0, 0.5, 10, 12.5, 25, 33.3, 33.4, 50, 50, 60, 66.6, 66.7, 75, 90, 99.9, 100),
    resetTimeout: dice.one(60, 250, 500, 999, 2000, 5000, 10000, 15000),
    ...dice.chance(0.45) && { volumeThreshold: dice.one(1, 2, 3, 5, 8, 20) },
    ...dice.chance(0.4) && { capacity: dice.one(1, 1, 2, 3, 5) },
    ...dice.chance(0.2) && { allowWarmUp: true },
    ...dice.chance(0.7) && dice.one(...WINDOWS),
    ...fallback
  };
}

// A script is a row of scenes, each of a few steps.
export function makeScript (dice, options) {
  const timetable = new Timetable(options);
  const { timeout, window } = timetable;
  const script = [];
  let now = dice.from(1, 1500);
  let health = dice.one(0.1, 0.4, 0.6, 0.9); // the chance that a call succeeds

  const times = (low, high, act) => { for (let n = dice.from(low, high); n > 0; n--) act(); };
  const pause = (low, high) => { now += dice.from(low, high); };
  const put = step => {
    step.at = now;
    while (!timetable.enterIfItFits(step)) step.at++;
    script.push(step);
    now = step.at + 1;
  };

  const fire = (outcome = dice.chance(health) ? 'ok' : dice.chance(0.12) ? 'filtered' : 'error') => {
    const quick = dice.from(1, Math.min(250, (timeout || 300) - 1));
    const slow = timeout ? timeout + dice.from(1, 2 * timeout) : dice.from(300, 2000);
    const verySlow = Math.max(window, timeout) + dice.from(1, 300);
    put({ op: 'fire', takes: dice.chance(0.88) ? quick : dice.chance(0.8) ? slow : verySlow, outcome });
  };
  const fireAndWait = outcome => {
    fire(outcome);
    const { at, takes } = script.at(-1);
    now = at + Math.min(takes, timeout || takes) + 1;
  };

  const scenes = {
    traffic () {
      const longest = dice.one(30, 120, 400, 1500);
      times(3, 9, () => { fire(); pause(0, longest); });
    },
    oneByOne: () => times(3, 9, () => { fireAndWait(); pause(0, 200); }),
    outage: () => times(2, 6, () => { fireAndWait('error'); pause(0, 60); }),
    burst: () => times(2, 8, () => { fire(); pause(0, 4); }),
    untilReset () { // to about where an open circuit tries again
      pause(options.resetTimeout - 20, options.resetTimeout + 50);
      times(1, 3, fire);
    },
    lull: () => pause(0, window),
    silence: () => pause(window, 2 * window),
    mood: () => { health = dice.one(0, 0.2, 0.5, 0.8, 1); },
    byHand () {
      put({ op: dice.one('open', 'open', 'close') });
      pause(0, 200);
    },
    bypass () {
      put({ op: 'disable' });
      times(1, 4, () => { fire(); pause(0, 200); });
      if (dice.chance(0.8)) put({ op: 'enable' });
    },
    look: () => put({ op: 'check' })
  };
  const { traffic, oneByOne, outage, burst, untilReset, lull, silence, mood, byHand, bypass, look } = scenes;
  const often = [traffic, oneByOne, outage, burst, untilReset];
  const length = dice.from(15, 60);
  while (script.length < length) dice.one(...often, ...often, untilReset, lull, silence, mood, byHand, bypass, look, look)();
  pause(4000, 4000);
  look();
  return script;
}

const inOrder = script => script.sort((one, other) => one.at - other.at);

// Adds looks, and a few calls, beside what happened when the script was played: turns, and ends of buckets.
export function lookCloser (dice, { options, script, events }, turns) {
  const timetable = new Timetable(options, script);
  const { interval, window } = timetable;
  const closer = [...script];
  const add = step => { if (timetable.enterIfItFits(step)) closer.push(step); };
  const beside = at => at + dice.one(-1, 1, 2);

  for (const { at, event } of turns) {
    if (dice.chance(0.35)) add({ at: beside(at), op: 'check' });
    if (event === 'halfOpen' && dice.chance(0.3)) {
      add({ at: beside(at), op: 'fire', takes: dice.from(1, 60), outcome: dice.one('ok', 'error', 'filtered') });
    }
  }
  for (const { at, event } of events) {
    if (event !== 'failure' || dice.chance(0.9)) continue;
    const booked = Math.ceil(at / interval) * interval; // the end of its bucket
    const gone = booked + Math.round(window / interval - 1) * interval;
    add({ at: beside(dice.one(booked, gone)), op: 'check' });
  }
  return inOrder(closer);
}

// A late answer spoils a trace for comparing. It is made to come before the turn, mostly as a good one so that it does
// not bring about the turn itself; a call that has no time for that is left out.
export function bringForward (dice, { options, script }, late) {
  const lateCalls = late.map(({ call }) => call);
  const forward = script.filter(({ op, call }) => op !== 'fire' || !lateCalls.includes(call));
  const timetable = new Timetable(options, forward);
  for (const { call, from, turn } of late) {
    const slow = script.find(step => step.op === 'fire' && step.call === call);
    const step = { ...slow, outcome: dice.chance(0.7) ? 'ok' : slow.outcome };
    for (step.takes = turn - from - 1; step.takes > 0; step.takes--) {
      if (!timetable.enterIfItFits(step)) continue;
      forward.push(step);
      break;
    }
  }
  return inOrder(forward);
}
