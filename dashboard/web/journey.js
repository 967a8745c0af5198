// What became of one request, from its `request` events: how far it came, and what each service had to do with it.
//
// The events of a trace come from different services in any order, and that of a service that hangs may never come. What
// is missing is told by the one before it: it knows why there was no answer.

import { time } from './words.js';

/**
 * @typedef {object} Cell
 * @property {string} service
 * @property {'ok' | 'degraded' | 'failed' | 'timeout' | 'unheard' | 'delivered' | 'kept' | 'away' | 'queued' | 'none'} kind `kept`: it never left the circuit before; `unheard`: answered when nobody waited any more; `delivered`: from the backlog
 * @property {string} glyph
 * @property {string} text
 * @property {boolean} injected
 *
 * @typedef {object} Journey
 * @property {string} id
 * @property {number} at
 * @property {Cell[]} cells
 * @property {number} reached index of the last service that was asked
 * @property {number | null} keptBy index of the service whose circuit kept it
 * @property {'ok' | 'degraded' | 'failed'} end
 * @property {string} verdict
 * @property {boolean} injected
 */

const GLYPHS = { ok: '✓', degraded: '◐', failed: '✕', timeout: '⏱', unheard: '✓⏱', delivered: '📮', kept: '⊘', away: '✕', queued: '📬', none: '·' };

/** Who ends no later than so many milliseconds after its caller has left did so for that. */
const LEFT = 50;

/**
 * @param {import('./types.js').Trace} trace
 * @param {string[]} chain
 * @returns {Journey}
 */
export function journey(trace, chain) {
    /** @type {Cell[]} */
    const cells = [];
    let reached = 0;
    /** @type {number | null} */
    let keptBy = null;
    chain.forEach((service, i) => {
        const told = trace.hops.get(service);
        const before = i > 0 ? trace.hops.get(chain[i - 1]) : null;
        const cell = told ? spoke(told, before) : silent(before);
        const injected = Boolean(told?.fault);
        cells.push({ service, glyph: GLYPHS[cell.kind], injected, ...cell });
        if (cell.kind === 'kept') keptBy = i - 1;
        else if (cell.kind !== 'none') reached = i;
    });
    const first = trace.hops.get(chain[0]);
    const end = !first || first.status >= 500 ? 'failed' : first.degraded || first.outcome === 'degraded' || first.outcome === 'queued' ? 'degraded' : first.status >= 400 ? 'failed' : 'ok';
    return { id: trace.id, at: trace.at, cells, reached, keptBy, end, verdict: verdict(first, end), injected: cells.some((cell) => cell.injected) };
}

/** @param {any} told @param {any} before @returns {{kind: Cell['kind'], text: string, glyph?: string}} */
function spoke(told, before) {
    if (before?.error && isLater(told, before)) return told.status < 400 ? { kind: 'delivered', text: 'delivered later' } : { kind: 'failed', text: `${told.status} when tried later` };
    if (before?.error === 'ETIMEDOUT' && told.took_ms <= before.next_ms + LEFT) {
        // It ended because its caller left.
        const saved = told.status < 400 ? '; saved all the same' : '';
        return { kind: 'timeout', text: `no answer within ${time(before.next_ms)}${saved}` };
    }
    if (before?.error === 'ETIMEDOUT') {
        const waited = before.next_ms ? `, waited for ${time(before.next_ms)}` : '';
        const failed = told.status >= 400;
        return { kind: 'unheard', glyph: failed ? '✕⏱' : GLYPHS.unheard, text: `${failed ? `${told.status}` : 'answered'} after ${time(told.took_ms)}: too late${waited}` };
    }
    switch (told.outcome) {
        case 'last': return { kind: 'ok', text: 'Last' };
        case 'ended': return { kind: 'ok', text: time(told.took_ms) };
        // The answer that was passed on may itself lack something.
        case 'passed': return { kind: told.degraded ? 'degraded' : 'ok', text: told.degraded ? `${told.status}, ${time(told.took_ms)}` : time(told.took_ms) };
        case 'degraded': return told.status >= 500 ? { kind: 'failed', text: String(told.status) } : { kind: 'degraded', text: `${told.status}, ${time(told.took_ms)}` };
        case 'queued': return { kind: 'queued', text: 'kept for later' };
        default: return { kind: 'failed', text: String(told.status) };
    }
}

/** Whether it was asked only after the one before it had ended: out of its backlog. @param {any} told @param {any} before */
function isLater(told, before) {
    return Date.parse(told.at) - told.took_ms >= Date.parse(before.at);
}

/** @param {any} before @returns {{kind: Cell['kind'], text: string}} */
function silent(before) {
    switch (before?.error) {
        case 'EOPENBREAKER': return { kind: 'kept', text: 'not asked: open' };
        case 'ESEMLOCKED': return { kind: 'kept', text: 'not asked: full' };
        case 'ETIMEDOUT': return { kind: 'timeout', text: before.next_ms ? `no answer within ${time(before.next_ms)}` : 'no answer in time' };
        case 'ECONNECT': return { kind: 'away', text: 'away' };
        case 'EUPSTREAM': return { kind: 'failed', text: 'failed' };
        default: return { kind: 'none', text: before?.outcome === 'last' || before?.outcome === 'ended' ? 'not asked' : '' };
    }
}

/** @param {any} first @param {Journey['end']} end */
function verdict(first, end) {
    if (!first) return 'no answer yet';
    if (end === 'degraded') return `${first.status} without ${first.degraded ?? first.next}`;
    return `${first.status} in ${time(first.took_ms)}`;
}
