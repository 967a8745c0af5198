// What an event is called in the log: one line, with the emoji that the services' own logs use.

import { time } from './words.js';

/** What became of a request. @param {any} data */
function became(data) {
    const name = data.service;
    const took = time(data.took_ms);
    switch (data.outcome) {
        case 'last': return { text: `👌 ${name}: Last, the chain stops at hop ${data.hop}`, tone: '' };
        case 'ended': return { text: `👌 ${name}: Ended Transaction, ${took}`, tone: '' };
        case 'passed': return data.degraded
            ? { text: `◐ ${name}: answered through ${data.next}, without ${data.degraded}, ${took}`, tone: 'degraded' }
            : { text: `👌 ${name}: answered through ${data.next}, ${took}`, tone: '' };
        case 'queued': return { text: `📬 ${name}: kept for ${data.next ?? 'later'}, ${took}`, tone: 'degraded' };
        case 'fault': return { text: `🐒 ${name}: answered ${data.status} by the rule ${data.fault ?? 'of a fault'}`, tone: 'open' };
        case 'degraded': return { text: `◐ ${name}: ${data.status} without ${data.degraded ?? data.next}${data.error ? ` (${data.error})` : ''}, ${took}`, tone: 'degraded' };
        default: return { text: `🚫 ${name}: refused with ${data.status}`, tone: '' };
    }
}

/**
 * The line for an event, or null where it has none.
 * @param {string} event
 * @param {any} data
 * @returns {{kind: string, text: string, service: string, tone: string} | null}
 */
export function journal(event, data) {
    const service = data.service;
    switch (event) {
        case 'transition': {
            const line = typeof data.line === 'string' ? data.line : `🔌 status:: ${data.to} circuit="${data.circuit}"`;
            return { kind: 'transition', service, text: data.reason ? `${line} (${data.reason})` : line, tone: data.to };
        }
        case 'request': return { kind: 'request', service, ...became(data) };
        case 'fault': return { kind: 'fault', service, text: `🐒 ${service}: ${data.rule} injected ${data.kind}${data.status ? ` ${data.status}` : ''}`, tone: 'open' };
        case 'config': return { kind: 'config', service, text: `🔧 ${service}: ${data.text}`, tone: '' };
        default: return null;
    }
}
