// All numbers as a table: for screen readers, for the back of the room, and to be copied.

import { h } from './dom.js';
import { count, percent, perSecond, shown, STATES, time, trim } from './words.js';

/** @type {[string, (service: import('./types.js').Service, circuit: import('./types.js').Circuit) => string | number][]} */
const ROWS = [
    ['State', (_, circuit) => STATES[shown(circuit)].word],
    ['For', (_, circuit) => time(circuit.since_ms)],
    ['Probe in', (_, circuit) => time(circuit.probe_in_ms)],
    ['Failures', (_, circuit) => percent(circuit.rate)],
    ['Opens above', (_, circuit) => `${trim(circuit.threshold, 1)} %`],
    ['Calls in the window', (_, circuit) => count(circuit.volume)],
    ['At least', (_, circuit) => count(circuit.min_volume)],
    ['Answered', (_, circuit) => count(circuit.counts.successes)],
    ['Failed', (_, circuit) => count(circuit.counts.failures)],
    ['of them timed out', (_, circuit) => count(circuit.counts.timeouts)],
    ['Refused', (_, circuit) => count(circuit.counts.rejects)],
    ['No place', (_, circuit) => count(circuit.counts.semaphore_rejections)],
    ['In flight', (_, circuit) => circuit.in_flight],
    ['Failures in a row', (_, circuit) => circuit.fail_counter],
    ['p50', (_, circuit) => time(circuit.latency.p50_ms)],
    ['p90', (_, circuit) => time(circuit.latency.p90_ms)],
    ['p95', (_, circuit) => time(circuit.latency.p95_ms)],
    ['p99', (_, circuit) => time(circuit.latency.p99_ms)],
    ['Time-out', (_, circuit) => time(circuit.settings.timeout_ms)],
    ['Probe after', (_, circuit) => time(circuit.settings.reset_ms)],
    ['Calls since the start', (_, circuit) => count(circuit.totals.fires)],
    ['Refused since the start', (_, circuit) => count(circuit.totals.rejects)],
    ['Requests to the service', (service) => (service.requests ? count(service.requests.total) : '–')],
    ['Requests a second', (service) => perSecond(service.perSecond)],
];

/** @param {Element} parent */
export function numbers(parent) {
    const cells = new Map();
    let columns = '';
    return {
        /** @param {import('./types.js').Known} known */
        render(known) {
            const with_ = known.services.filter((service) => service.circuit);
            const names = with_.map((service) => service.name).join();
            if (names !== columns) {
                columns = names;
                cells.clear();
                const head = h('tr', {}, h('th', { scope: 'col' }, 'Circuit'), ...with_.map((service) => h('th', { scope: 'col' }, `${service.name} → ${service.circuit?.next}`)));
                const body = ROWS.map(([label]) => h('tr', {}, h('th', { scope: 'row' }, label), ...with_.map((service) => {
                    const cell = h('td');
                    cells.set(`${label} ${service.name}`, cell);
                    return cell;
                })));
                parent.replaceChildren(h('table', { class: 'numbers' }, h('thead', {}, head), h('tbody', {}, ...body)));
            }
            for (const service of with_) for (const [label, value] of ROWS) cells.get(`${label} ${service.name}`).textContent = String(value(service, /** @type {any} */ (service.circuit)));
        },
    };
}
