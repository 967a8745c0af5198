// What the page makes of events, without a browser: the store, the way of a request, the parts of a bar, the words.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ceiling, parts, whole } from '../../web/buckets.js';
import { journal } from '../../web/journal.js';
import { journey } from '../../web/journey.js';
import { apply, linked, nothing } from '../../web/store.js';
import { percent, perSecond, shown, time, tone } from '../../web/words.js';

const CHAIN = ['order', 'payment', 'shipment'];

/** @param {Record<string, object>} hops */
const trace = (hops) => ({ id: 'a'.repeat(32), at: 0, hops: new Map(Object.entries(hops)) });

function circuit(change = {}) {
    return { circuit: 'order→payment', next: 'payment', state: 'closed', mode: 'auto', since_ms: 5000, probe_in_ms: null, window: { buckets: [] }, counts: {}, totals: {}, latency: {}, settings: { reset_ms: 10_000 }, ...change };
}

test('a request that went all the way is whole', () => {
    const told = journey(trace({ order: { outcome: 'passed', status: 200, took_ms: 9 }, payment: { outcome: 'passed', status: 200, took_ms: 6 }, shipment: { outcome: 'ended', status: 200, took_ms: 2 } }), CHAIN);
    assert.deepEqual(told.cells.map((cell) => cell.kind), ['ok', 'ok', 'ok']);
    assert.equal(told.reached, 2);
    assert.equal(told.keptBy, null);
    assert.equal(told.end, 'ok');
});

test('a refused request never leaves its circuit', () => {
    const told = journey(trace({ order: { outcome: 'passed', status: 200, took_ms: 3, degraded: 'shipment', error: null }, payment: { outcome: 'degraded', status: 200, took_ms: 1, error: 'EOPENBREAKER', degraded: 'shipment' } }), CHAIN);
    assert.deepEqual(told.cells.map((cell) => cell.kind), ['degraded', 'degraded', 'kept']);
    assert.equal(told.keptBy, 1);
    assert.equal(told.reached, 1);
    assert.equal(told.end, 'degraded');
    assert.match(told.verdict, /200 without shipment/);
});

test('a fault is marked as injected', () => {
    const fault = journey(trace({ order: { outcome: 'degraded', status: 200, degraded: 'shipment' }, payment: { outcome: 'degraded', status: 200, error: 'EUPSTREAM' }, shipment: { outcome: 'fault', status: 503, fault: 'outage' } }), CHAIN);
    assert.ok(fault.injected);
    assert.deepEqual([fault.cells[2].kind, fault.cells[2].injected], ['failed', true]);
});

test('a time-out, an answer that came too late, and a later delivery are told apart', () => {
    const at = (/** @type {number} */ ms) => new Date(ms).toISOString();
    const order = { outcome: 'degraded', status: 200, error: 'ETIMEDOUT', degraded: 'payment', next_ms: 301, took_ms: 305, at: at(1_305) };
    /** @param {object} [payment] */
    const cell = (payment) => {
        const { kind, glyph, text } = journey(trace(payment ? { order, payment } : { order }), CHAIN).cells[1];
        return [kind, glyph, text];
    };
    assert.deepEqual(cell(), ['timeout', '⏱', 'no answer within 301 ms']);
    assert.deepEqual(cell({ outcome: 'passed', status: 200, took_ms: 500, at: at(1_501) }), ['unheard', '✓⏱', 'answered after 500 ms: too late, waited for 301 ms']);
    assert.deepEqual(cell({ outcome: 'ended', status: 200, took_ms: 302, at: at(1_303) }), ['timeout', '⏱', 'no answer within 301 ms; saved all the same']);
    assert.deepEqual(cell({ outcome: 'fault', status: 503, took_ms: 302, at: at(1_303) }), ['timeout', '⏱', 'no answer within 301 ms']);
    assert.deepEqual(cell({ outcome: 'fault', status: 503, took_ms: 500, at: at(1_501) }), ['unheard', '✕⏱', '503 after 500 ms: too late, waited for 301 ms']);
    assert.deepEqual(cell({ outcome: 'passed', status: 200, took_ms: 500, at: at(3_000) }), ['delivered', '📮', 'delivered later']);
    assert.deepEqual(cell({ outcome: 'refused', status: 422, took_ms: 5, at: at(3_000) }), ['failed', '✕', '422 when tried later']);
});

test('a chain that stops early has services that were not asked', () => {
    const told = journey(trace({ order: { outcome: 'passed', status: 200 }, payment: { outcome: 'last', status: 200 } }), CHAIN);
    assert.deepEqual(told.cells.map((cell) => cell.kind), ['ok', 'ok', 'none']);
    assert.equal(told.reached, 1);
});

test('with strict statuses a missing service is a failure, to the end', () => {
    const told = journey(trace({ order: { outcome: 'degraded', status: 502, error: 'EUPSTREAM', degraded: 'payment' }, payment: { outcome: 'degraded', status: 503, error: 'EOPENBREAKER' } }), CHAIN);
    assert.equal(told.end, 'failed');
    assert.equal(told.cells[1].kind, 'failed');
});

test('the parts of a bar are its calls, each once', () => {
    const told = parts({ fires: 20, successes: 5, failures: 9, timeouts: 3, semaphore_rejections: 2, rejects: 4 });
    assert.deepEqual(told, { error: 4, late: 3, full: 2, refused: 4, answered: 5, flying: 2 });
    assert.equal(whole({ fires: 20, successes: 5, failures: 9, timeouts: 3, semaphore_rejections: 2, rejects: 4 }), 20);
    assert.equal(whole({ fires: 3, successes: 4, failures: 0, timeouts: 0, semaphore_rejections: 0, rejects: 0 }), 4, 'a late answer does not stand out above');
    assert.deepEqual([0, 4, 5, 11, 21, 51, 101].map(ceiling), [4, 4, 5, 15, 25, 60, 150]);
});

test('the log, the traces and the time line do not grow without bound', () => {
    const known = nothing();
    for (let i = 0; i < 3000; i += 1) {
        const now = i * 1000;
        apply(known, 'request', { service: 'order', trace: String(i).padStart(32, '0'), outcome: 'ended', status: 200, took_ms: 1 }, now);
        apply(known, 'snapshot', { service: 'order', requests: { total: i }, circuit: circuit({ state: i % 2 ? 'open' : 'closed', since_ms: 900 }), chaos: { enabled: true, preset: `p${i % 3}`, rules: [{ name: 'x', now: { active: true } }] } }, now);
    }
    assert.ok(known.log.length <= 500);
    assert.equal(known.log.length + known.dropped, 3000);
    assert.ok(known.traces.size <= 60);
    assert.ok((known.bands.get('order')?.length ?? 0) <= 150);
    assert.ok((known.faults.get('order')?.length ?? 0) <= 150);
    assert.ok(known.services[0].seen.length < 20);
});

test('the countdown does not tremble with the network, and follows a real change', () => {
    const known = nothing();
    apply(known, 'snapshot', { service: 'order', circuit: circuit({ state: 'open', probe_in_ms: 10_000 }) }, 1000);
    assert.equal(known.services[0].probeAt, 11_000);
    apply(known, 'snapshot', { service: 'order', circuit: circuit({ state: 'open', probe_in_ms: 9_400 }) }, 1500);
    assert.equal(known.services[0].probeAt, 11_000);
    apply(known, 'snapshot', { service: 'order', circuit: circuit({ state: 'open', probe_in_ms: 2_000 }) }, 2000);
    assert.equal(known.services[0].probeAt, 4_000);
    apply(known, 'snapshot', { service: 'order', circuit: circuit() }, 2500);
    assert.equal(known.services[0].probeAt, null);
});

test('a transition is seen at once, with its reason', () => {
    const known = nothing();
    apply(known, 'snapshot', { service: 'order', circuit: circuit() }, 1000);
    apply(known, 'transition', { service: 'order', circuit: 'order→payment', from: 'closed', to: 'open', reason: '6 of 10 calls failed', line: '🔌 status:: opened', at: '' }, 1100);
    assert.equal(known.services[0].circuit?.state, 'open');
    assert.equal(known.services[0].probeAt, 11_100);
    assert.equal(known.lastTransition?.reason, '6 of 10 calls failed');
    assert.equal(known.log.at(-1)?.text, '🔌 status:: opened (6 of 10 calls failed)');
});

test('a gap in what was heard is a gap in the time line', () => {
    const known = nothing();
    for (const now of [0, 500, 1000, 9000, 9500]) apply(known, 'snapshot', { service: 'order', circuit: circuit({ since_ms: 100 }) }, 100_000 + now);
    const bands = known.bands.get('order') ?? [];
    assert.equal(bands.length, 2);
    assert.ok(bands[1].from - bands[0].to > 5_000);
});

test('what is no event of ours changes nothing', () => {
    const known = nothing();
    for (const data of [null, 7, 'text', [], {}, { service: 7 }]) apply(known, 'snapshot', data, 0);
    assert.deepEqual(known.services, []);
    apply(known, 'snapshot', { service: 'order', circuit: { state: 'closed' }, chaos: { rules: 'none' } }, 0);
    apply(known, 'transition', { service: 'order', to: 'open' }, 0);
    assert.equal(known.services[0].circuit, null);
});

test('the log says when the server and a service go and come back, once each', () => {
    const known = nothing();
    const kinds = () => known.log.map((line) => line.text);
    linked(known, 'live', 0);
    linked(known, 'away', 1);
    linked(known, 'away', 2);
    linked(known, 'live', 3);
    apply(known, 'service', { service: 'order', url: '', reachable: null }, 4);
    apply(known, 'service', { service: 'order', url: '', reachable: false, why: 'refused' }, 5);
    apply(known, 'service', { service: 'order', url: '', reachable: true }, 6);
    assert.deepEqual(kinds(), ['📡 the dashboard’s server is away', '📡 the dashboard’s server is back', '📡 order is away: refused', '📡 order is back']);
});

test('every outcome has a line of its own', () => {
    const outcomes = ['last', 'ended', 'passed', 'degraded', 'queued', 'fault', 'refused'];
    const lines = outcomes.map((outcome) => journal('request', { service: 'order', outcome, status: 200, hop: 1, took_ms: 2, next: 'payment' })?.text);
    assert.equal(new Set(lines).size, outcomes.length);
});

test('numbers and states in words', () => {
    assert.deepEqual([0, 0.42, 9.96, 12.4, 999, 1234, 376_000, null].map(time), ['0 ms', '0.4 ms', '10 ms', '12 ms', '999 ms', '1.2 s', '6 min 16 s', '–']);
    assert.deepEqual([0, 0.4, 52.6, 100].map(percent), ['0 %', '0.4 %', '53 %', '100 %']);
    assert.deepEqual([0, 2.1, 19.6].map(perSecond), ['0', '2.1', '20']);
    assert.deepEqual([shown(null), shown({ state: 'open', mode: 'auto' }), shown({ state: 'closed', mode: 'forced-open' }), shown({ state: 'odd', mode: 'auto' })], ['unknown', 'open', 'forced-open', 'unknown']);
    assert.deepEqual(['forced-open', 'forced-closed', 'unknown', 'half-open'].map(tone), ['open', 'closed', 'unknown', 'half-open']);
});

test('words can be read on every ground, in both themes', async () => {
    const css = await readFile(new URL('../../web/tokens.css', import.meta.url), 'utf8');
    const pairs = [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)];
    const themes = [2, 3].map((at) => Object.fromEntries(pairs.map((pair) => [pair[1], pair[at]])));
    /** @param {string} colour */
    const light = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)).reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    /** @param {string} one @param {string} other */
    const contrast = (one, other) => {
        const [more, less] = [light(one), light(other)].sort((a, b) => b - a);
        return (more + 0.05) / (less + 0.05);
    };
    for (const theme of themes) {
        for (const ground of ['ground', 'panel', 'raised']) {
            for (const ink of ['ink', 'soft', 'faint', 'closed-ink', 'half-ink', 'open-ink', 'degraded-ink']) assert.ok(contrast(theme[ink], theme[ground]) >= 4.5, `${ink} on ${ground}: ${contrast(theme[ink], theme[ground])}`);
            for (const area of ['closed', 'half', 'open', 'degraded', 'refused', 'edge-strong']) assert.ok(contrast(theme[area], theme[ground]) >= 3, `${area} beside ${ground}: ${contrast(theme[area], theme[ground])}`);
        }
        for (const tone of ['closed', 'half', 'open']) assert.ok(contrast(theme['on-tone'], theme[tone]) >= 4.5, `words on ${tone}: ${contrast(theme['on-tone'], theme[tone])}`);
    }
});
