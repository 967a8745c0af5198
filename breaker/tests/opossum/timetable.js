// Which milliseconds of a script are spoken for.
//
// Two things that fall on one millisecond, or one that falls on the end of a bucket, have no order that every breaker
// must keep. A script with such a tie is refused, so that a trace never turns on it.

export class Tie extends Error {}

export class Timetable {
  constructor (options, script = []) {
    this.timeout = options.timeout ?? 10000;
    this.window = options.rollingCountTimeout ?? 10000;
    this.interval = Math.floor(this.window / (options.rollingCountBuckets ?? 10));
    this.taken = new Map();
    if (options.allowWarmUp) this.taken.set(this.window, 'end of warm-up');
    for (const step of script) this.enter(step);
  }

  isFree (at) {
    return !this.taken.has(at) && (at === 0 || at % this.interval !== 0);
  }

  claim (at, what) {
    if (!this.isFree(at)) throw new Tie(`at ${at} ms: ${what} meets ${this.taken.get(at) ?? 'end of a bucket'}`);
    this.taken.set(at, what);
  }

  // A call takes up three: its start, its end, and its timeout even if it ends before.
  moments ({ op, at, takes }) {
    if (op !== 'fire') return [at];
    return this.timeout ? [at, at + takes, at + this.timeout] : [at, at + takes];
  }

  enter (step) {
    for (const at of this.moments(step)) this.claim(at, step.op);
  }

  fits (step) {
    const moments = this.moments(step);
    return new Set(moments).size === moments.length && moments.every(at => this.isFree(at));
  }

  // Enters the step if there is room for it, and says whether there was.
  enterIfItFits (step) {
    const fits = this.fits(step);
    if (fits) this.enter(step);
    return fits;
  }
}
