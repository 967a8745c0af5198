// The last two minutes: a row for each circuit with the states it was in, and one for each service that was broken.

import { h, keyed, s, set, text } from './dom.js';
import { PAST } from './store.js';
import { STATES, tone, trim } from './words.js';

const HIGH = 26;
/** A word needs so much room. */
const ROOM = 8;
const MARKS = [120, 90, 60, 30, 0];

/** @param {Element} parent */
export function timeline(parent) {
    const rows = h('div', { class: 'lanes' });
    const axis = h('div', { class: 'lane-axis', 'aria-hidden': 'true' }, ...MARKS.map((mark) => h('span', {}, mark === 0 ? 'now' : mark === 120 ? '2 min ago' : `${mark} s`)));
    parent.append(rows, axis);
    let drawn = 0;

    return {
        /** @param {import('./types.js').Known} known @param {number} now */
        frame(known, now) {
            // Eight pixels a second: more often than this nothing would move.
            if (now - drawn < 200) return;
            drawn = now;
            const wide = Math.max(100, (rows.clientWidth || 600) - labelWidth(rows));
            /** @type {{key: string, label: string, bands: import('./types.js').Band[], fault: boolean}[]} */
            const lanes = [];
            for (const service of known.services) if (service.circuit) lanes.push({ key: `state-${service.name}`, label: `${service.name} → ${service.circuit.next}`, bands: known.bands.get(service.name) ?? [], fault: false });
            for (const service of known.services) {
                const bands = (known.faults.get(service.name) ?? []).filter((band) => band.to > now - PAST);
                if (bands.length > 0) lanes.push({ key: `fault-${service.name}`, label: `🐒 ${service.name}`, bands, fault: true });
            }
            keyed(rows, lanes, (lane) => lane.key, (lane) => h('div', { class: lane.fault ? 'lane fault' : 'lane' }, h('span', { class: 'lane-name' }, lane.label), s('svg', { class: 'bands', role: 'img', height: HIGH }, s('title'), s('g'))), (element, lane) => {
                const svg = /** @type {SVGElement} */ (element.querySelector('svg'));
                set(svg, { viewBox: `0 0 ${wide} ${HIGH}` });
                draw(/** @type {SVGElement} */ (svg.querySelector('g')), lane.bands, now, wide, lane.fault);
                text(/** @type {Element} */ (svg.querySelector('title')), `${lane.label}: ${tell(lane.bands, now)}`);
            });
        },
    };
}

/** @param {Element} rows */
function labelWidth(rows) {
    const name = /** @type {HTMLElement | null} */ (rows.querySelector('.lane-name'));
    const lane = name?.parentElement;
    if (!name || !lane) return 0;
    // On a narrow page the name stands above its row.
    return getComputedStyle(lane).gridTemplateColumns.includes(' ') ? name.offsetWidth + 12 : 0;
}

/** @param {SVGElement} group @param {import('./types.js').Band[]} bands @param {number} now @param {number} wide @param {boolean} fault */
function draw(group, bands, now, wide, fault) {
    const x = (/** @type {number} */ at) => Math.max(0, wide * (1 - (now - at) / PAST));
    const seen = bands.filter((band) => band.to > now - PAST);
    keyed(group, seen, (band) => `${band.name} ${band.from}`, (band) => s('g', { class: fault ? 'band strike' : `band ${tone(band.name)}` }, s('rect', { y: 1, height: HIGH - 2, rx: 3 }), s('text', { y: HIGH / 2 + 4.5 })), (element, band) => {
        const [from, to] = [x(band.from), x(band.to)];
        const [rect, words] = element.children;
        set(rect, { x: trim(from, 1), width: trim(Math.max(2, to - from - 1), 1) });
        const name = fault ? band.name : `${STATES[band.name]?.icon ?? ''} ${STATES[band.name]?.word ?? band.name}`;
        set(words, { x: trim(from + 8, 1) });
        text(words, to - from > name.length * ROOM + 12 ? name : to - from > 22 && !fault ? STATES[band.name]?.icon ?? '' : '');
    });
}

/** The row in words. @param {import('./types.js').Band[]} bands @param {number} now */
function tell(bands, now) {
    const told = bands.filter((band) => band.to > now - PAST).slice(-6).map((band) => `${STATES[band.name]?.word ?? band.name} for ${Math.round((band.to - band.from) / 1000)} s`);
    return told.length > 0 ? told.join(', then ') : 'nothing yet';
}
