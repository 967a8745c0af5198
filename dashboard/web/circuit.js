// The card of a circuit: its state, its machine, its window, its figures, and the switch to force it.

import { buckets } from './buckets.js';
import { countdown } from './chain.js';
import { h, keyed, set, text } from './dom.js';
import { machine } from './machine.js';
import { tuning } from './tuning.js';
import { clock, count, percent, perSecond, shown, some, STATES, time, tone } from './words.js';

/** @typedef {import('./types.js').Service} Service */

/** What the colours of a bar stand for, and how many there are in the window. */
const LEGEND = [
    ['answered', '✓', 'answered', (/** @type {Record<string, number>} */ counts) => counts.successes],
    ['error', '✕', 'failed', (/** @type {Record<string, number>} */ counts) => Math.max(0, counts.failures - counts.timeouts - counts.semaphore_rejections)],
    ['late', '⏱', 'timed out', (/** @type {Record<string, number>} */ counts) => counts.timeouts],
    ['full', '▣', 'no place', (/** @type {Record<string, number>} */ counts) => counts.semaphore_rejections],
    ['refused', '⊘', 'refused', (/** @type {Record<string, number>} */ counts) => counts.rejects],
];

const FIGURES = ['calls/s', 'in flight', 'p50', 'p90', 'p95', 'p99', 'in a row'];

/**
 * @param {Element} parent
 * @param {import('./tuning.js').Change} change asks the server for another setting
 */
export function circuits(parent, change) {
    /** @type {Map<string, ReturnType<typeof card>>} */
    const cards = new Map();
    /** @param {import('./types.js').Known} known */
    const withCircuit = (known) => known.services.filter((service) => service.circuit);
    return {
        /** @param {import('./types.js').Known} known */
        render(known) {
            keyed(parent, withCircuit(known), (service) => service.name, (service) => {
                const made = card(service, change);
                cards.set(service.name, made);
                return made.element;
            });
            for (const service of withCircuit(known)) cards.get(service.name)?.render(service, known);
        },

        /** @param {import('./types.js').Known} known @param {number} now @param {boolean} still */
        frame(known, now, still) {
            for (const service of withCircuit(known)) cards.get(service.name)?.frame(service, now, still);
        },
    };
}

/** @param {Service} service @param {import('./tuning.js').Change} change */
function card(service, change) {
    const name = `${service.name} → ${service.circuit?.next}`;
    const id = `circuit-${service.name}`;
    const states = machine(`State machine of ${name}`);
    const bars = buckets(`Window of ${name}`);
    const knobs = tuning(service.name, change);
    const icon = h('span', { class: 'chip-icon', 'aria-hidden': 'true' });
    const word = h('span', { class: 'chip-word' });
    const left = h('span', { class: 'left' });
    const tells = h('p', { class: 'tells' });
    const reason = h('p', { class: 'reason' });
    const volume = h('p', { class: 'volume-words' });
    const meter = h('div', { class: 'volume-meter', 'aria-hidden': 'true' }, h('span', { class: 'volume-fill' }));
    const legend = h('ul', { class: 'legend', 'aria-label': 'Calls in the window' }, ...LEGEND.map(([kind, glyph, what]) => h('li', { class: String(kind) }, h('span', { class: 'key', 'aria-hidden': 'true' }, String(glyph)), h('b', {}, '0'), ` ${what}`)));
    const figures = h('dl', { class: 'figures' }, ...FIGURES.map((figure) => h('div', {}, h('dt', {}, figure), h('dd', {}, '–'))));
    const away = h('p', { class: 'card-away', hidden: true });
    const element = h('article', { class: 'card panel', id, 'aria-labelledby': `${id}-title`, 'data-circuit': service.name },
        h('header', { class: 'card-head' }, h('h2', { id: `${id}-title` }, service.name, h('span', { class: 'arrow' }, ' → '), service.circuit?.next), h('p', { class: 'chip' }, icon, word, left), tells),
        away,
        h('div', { class: 'card-charts' },
            h('figure', {}, states.element, reason),
            h('figure', {}, bars.element, legend)),
        h('div', { class: 'volume' }, volume, meter),
        figures, knobs.element);

    return {
        element,

        /** @param {Service} service @param {import('./types.js').Known} known */
        render(service, known) {
            const { circuit } = service;
            if (!circuit) return;
            const gone = service.reachable === false;
            const name = gone ? 'unknown' : shown(circuit);
            set(element, { 'data-state': tone(name), 'data-name': name });
            text(icon, STATES[name].icon);
            text(word, STATES[name].word);
            text(tells, STATES[name].tells);
            away.hidden = !gone;
            if (gone) text(away, `${service.name} is away since ${clock(service.since)}. What you see is what it said last.`);
            left.hidden = service.probeAt === null || name !== 'open';
            states.render(service);
            bars.render(circuit, service.heard);
            text(reason, last(circuit, service.heard));
            LEGEND.forEach(([, , , many], i) => {
                const number = /** @type {(counts: Record<string, number>) => number} */ (many)(circuit.counts);
                text(/** @type {Element} */ (legend.children[i].querySelector('b')), count(number));
                set(legend.children[i], { 'data-none': number === 0, hidden: number === 0 && LEGEND[i][0] === 'full' });
            });
            judge(circuit, volume, meter);
            const { latency } = circuit;
            const some = latency.calls > 0;
            const figuresNow = [perSecond((circuit.counts.fires * 1000) / circuit.window.length_ms), circuit.in_flight, ...[latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms].map((ms) => (some ? time(ms) : '–')), circuit.fail_counter];
            figuresNow.forEach((figure, i) => text(/** @type {Element} */ (figures.children[i].lastElementChild), figure));
            knobs.render(circuit, known.me?.may_change !== false && !gone);
        },

        /** @param {Service} service @param {number} now @param {boolean} still */
        frame(service, now, still) {
            if (service.probeAt !== null) text(left, countdown(service, now));
            states.frame(service, now);
            bars.frame(now, still || service.reachable === false);
        },
    };
}

/** The last edge and why it was taken. @param {import('./types.js').Circuit} circuit @param {number} heard */
function last(circuit, heard) {
    const turn = circuit.last;
    if (!turn) return 'It has been closed since the start.';
    const when = Date.parse(turn.at) || heard - turn.ago_ms;
    return `${clock(when)}  ${STATES[turn.from]?.word ?? turn.from} → ${STATES[turn.to]?.word ?? turn.to}: ${turn.reason}`;
}

/** Volume against its minimum. @param {import('./types.js').Circuit} circuit @param {Element} words @param {Element} meter */
function judge(circuit, words, meter) {
    const { volume, min_volume: least } = circuit;
    const enough = volume >= least;
    const verdict = enough ? `${percent(circuit.rate)} of them failed` : 'not judged yet';
    text(words, least > 0 ? `${count(volume)} of at least ${some(least, 'call')} in the window: ${verdict}` : `${some(volume, 'call')} in the window, judged from the first on`);
    set(meter, { 'data-enough': enough, 'data-least': least > 0 });
    /** @type {HTMLElement} */ (meter.firstElementChild).style.width = `${least > 0 ? Math.min(100, (100 * volume) / least) : volume > 0 ? 100 : 0}%`;
}
