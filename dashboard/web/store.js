// What the page knows: everything it has heard, and nothing that it has drawn.
//
// `apply` takes one event and the time; no clock is read here, and nothing grows without bound.

import { journal } from './journal.js';

/**
 * @typedef {import('./types.js').Service} Service
 * @typedef {import('./types.js').Known} Known
 */

const LINES = 500;
const TRACES = 60;
/** How much of the past the time line shows, and a little more. */
export const PAST = 120_000;
const KEPT = PAST + 15_000;
/** Two snapshots further apart than this leave a gap in the time line. */
const GAP = 2_500;
/** The time of a probe is moved only by more than this, so that the countdown does not tremble. */
const TREMBLE = 200;

/** @returns {Known} */
export function nothing() {
    return {
        link: 'connecting', linkSince: 0, services: [], load: null, me: null, log: [], dropped: 0, next: 1, traces: new Map(), bands: new Map(), faults: new Map(),
        lastTransition: null,
    };
}

/**
 * @param {Known} known
 * @param {string} event
 * @param {any} data
 * @param {number} now
 */
export function apply(known, event, data, now) {
    if (!data || typeof data !== 'object') return;
    if (event === 'load') {
        known.load = data;
        return;
    }
    if (typeof data.service !== 'string') return;
    const service = serviceOf(known, data.service);
    if (event === 'service') reached(known, service, data, now);
    else if (event === 'snapshot') snapshot(known, service, data, now);
    else if (event === 'request') request(known, data, now);
    else if (event === 'transition') transition(known, service, data, now);
    const line = journal(event, data);
    if (line) note(known, now, line);
}

/** Says whether the stream is there. @param {Known} known @param {'connecting' | 'live' | 'away'} link @param {number} now */
export function linked(known, link, now) {
    if (known.link === link) return;
    if (link === 'away') note(known, now, { kind: 'service', text: '📡 the dashboard’s server is away' });
    if (link === 'live' && known.link === 'away') note(known, now, { kind: 'service', text: '📡 the dashboard’s server is back' });
    known.link = link;
    known.linkSince = now;
}

/** Adds a line to the log. @param {Known} known @param {number} now @param {{kind: string, text: string, service?: string, tone?: string}} line */
export function note(known, now, line) {
    known.log.push({ number: known.next, at: now, service: '', tone: '', ...line });
    known.next += 1;
    if (known.log.length > LINES) {
        known.dropped += known.log.length - LINES;
        known.log.splice(0, known.log.length - LINES);
    }
}

/** @param {Known} known @param {string} name @returns {Service} */
function serviceOf(known, name) {
    let service = known.services.find((one) => one.name === name);
    if (!service) {
        service = { name, url: '', reachable: null, why: null, since: 0, heard: 0, requests: null, perSecond: 0, circuit: null, probeAt: null, chaos: null, queue: null, seen: [] };
        known.services.push(service);
    }
    return service;
}

/** @param {Known} known @param {Service} service @param {any} data @param {number} now */
function reached(known, service, data, now) {
    if (service.reachable === false && data.reachable === true) note(known, now, { kind: 'service', service: service.name, text: `📡 ${service.name} is back` });
    if (service.reachable !== false && data.reachable === false) {
        note(known, now, { kind: 'service', service: service.name, text: `📡 ${service.name} is away${data.why ? `: ${data.why}` : ''}`, tone: 'open' });
    }
    service.url = data.url;
    service.reachable = data.reachable;
    service.why = data.why ?? null;
    service.since = now;
}

/** @param {Known} known @param {Service} service @param {any} data @param {number} now */
function snapshot(known, service, data, now) {
    service.heard = now;
    if (service.reachable !== true) service.reachable = true;
    service.requests = data.requests ?? null;
    service.circuit = isCircuit(data.circuit) ? data.circuit : null;
    service.chaos = Array.isArray(data.chaos?.rules) ? data.chaos : null;
    service.queue = data.queue ?? null;
    service.perSecond = speed(service, data.requests?.total ?? 0, now);
    const wait = service.circuit?.probe_in_ms;
    if (wait === null || wait === undefined) service.probeAt = null;
    else if (service.probeAt === null || Math.abs(service.probeAt - now - wait) > TREMBLE) service.probeAt = now + wait;
    if (service.circuit) band(known.bands, service.name, service.circuit.mode === 'auto' ? service.circuit.state : service.circuit.mode, now, service.circuit.since_ms);
    const active = activeRules(service.chaos);
    if (active.length > 0) band(known.faults, service.name, service.chaos?.preset ?? active.map((rule) => rule.name).join(', '), now, 0);
}

/** Whether that can be drawn; another version of a service may say something else. @param {any} circuit */
function isCircuit(circuit) {
    return Boolean(circuit && Array.isArray(circuit.window?.buckets) && circuit.counts && circuit.totals && circuit.latency && circuit.settings);
}

/** The rules that can strike now. @param {import('./types.js').Chaos | null} chaos */
export function activeRules(chaos) {
    return chaos?.enabled ? chaos.rules.filter((rule) => rule.now?.active) : [];
}

/** Requests a second over the last two seconds or so. @param {Service} service @param {number} total @param {number} now */
function speed(service, total, now) {
    const last = service.seen.at(-1);
    if (last && total < last.total) service.seen = [];
    service.seen.push({ at: now, total });
    while (service.seen.length > 2 && now - service.seen[1].at > 2000) service.seen.shift();
    const first = service.seen[0];
    return now > first.at ? ((total - first.total) * 1000) / (now - first.at) : 0;
}

/**
 * Goes on with the last band of a row, or begins one.
 * @param {Map<string, import('./types.js').Band[]>} rows
 * @param {string} row
 * @param {string} name
 * @param {number} now
 * @param {number} lasted how long it has been so
 */
function band(rows, row, name, now, lasted) {
    const bands = rows.get(row) ?? [];
    rows.set(row, bands);
    const last = bands.at(-1);
    if (last && last.name === name && now - last.to < GAP) last.to = now;
    else {
        // A change of state is told by the next snapshot, which knows when it was.
        const from = Math.max(now - Math.min(lasted, KEPT), last ? Math.min(last.to, now) : 0);
        if (last && from - last.to < GAP) last.to = from;
        bands.push({ name, from, to: now });
    }
    while (bands.length > 0 && bands[0].to < now - KEPT) bands.shift();
}

/** @param {Known} known @param {any} data @param {number} now */
function request(known, data, now) {
    if (typeof data.trace !== 'string') return;
    let trace = known.traces.get(data.trace);
    if (!trace) {
        trace = { id: data.trace, at: now, hops: new Map() };
        known.traces.set(data.trace, trace);
    }
    trace.hops.set(data.service, data);
    while (known.traces.size > TRACES) known.traces.delete(known.traces.keys().next().value ?? '');
}

/** @param {Known} known @param {Service} service @param {any} data @param {number} now */
function transition(known, service, data, now) {
    if (!service.circuit) return;
    // At once, without waiting for the next snapshot.
    service.circuit.state = data.to;
    service.circuit.last = { from: data.from, to: data.to, at: data.at, ago_ms: 0, reason: data.reason, failures: data.failures };
    service.probeAt = data.to === 'open' ? now + service.circuit.settings.reset_ms : null;
    if (service.circuit.mode === 'auto') band(known.bands, service.name, data.to, now, 0);
    known.lastTransition = { service: service.name, next: service.circuit.next, to: data.to, reason: data.reason, at: now };
}
