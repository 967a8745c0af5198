// The window: ten bars of one second that slide by, and beside them their sum, with the line above which the circuit opens.
//
// From the bottom up: what counts as a failure (errors, time-outs, no place), then refused calls, then answers, then what is
// still under way. The sum is drawn to 100 %, so the failures in it reach up to the rate, and the line is the threshold.

import { s, set, text } from './dom.js';
import { percent, trim } from './words.js';

const WIDE = 250;
const HIGH = 112;
const TOP = 18;
const SUM = 274;
const SUM_WIDE = 44;

/** The parts of a bar, from the bottom up. */
const PARTS = /** @type {const} */ (['error', 'late', 'full', 'refused', 'answered', 'flying']);

/** How many of each a bucket has. @param {Record<string, number>} bucket @returns {Record<string, number>} */
export function parts(bucket) {
    const late = bucket.timeouts;
    const full = bucket.semaphore_rejections;
    const error = Math.max(0, bucket.failures - late - full);
    const told = bucket.failures + bucket.successes + bucket.rejects;
    return { error, late, full, refused: bucket.rejects, answered: bucket.successes, flying: Math.max(0, bucket.fires - told) };
}

/** How high that bar is; an answer may stand in a later bucket than its call. @param {Record<string, number>} bucket */
export function whole(bucket) {
    return Object.values(parts(bucket)).reduce((sum, part) => sum + part, 0);
}

/** The next round number. @param {number} most */
export function ceiling(most) {
    for (let ten = 1; ; ten *= 10) {
        for (const step of [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8]) if (most <= step * ten && step * ten >= 4) return step * ten;
    }
}

let made = 0;

/** @param {string} label */
export function buckets(label) {
    made += 1;
    const id = `window-${made}`;
    const title = s('title', {}, label);
    const bars = s('g', { class: 'bars' });
    const sum = s('g', { class: 'sum' });
    const top = s('text', { class: 'axis', x: 0, y: 11 });
    const rate = s('text', { class: 'rate', x: SUM + SUM_WIDE / 2, y: 11, 'text-anchor': 'middle' });
    const line = s('line', { class: 'threshold', x1: SUM - 8, x2: 400 });
    const opensAbove = s('text', { class: 'threshold-words', x: 400, 'text-anchor': 'end' }, 'opens above');
    const lineWords = s('text', { class: 'threshold-words strong', x: 400, 'text-anchor': 'end' });
    const svg = s('svg', { class: 'buckets', viewBox: '0 0 400 148', role: 'img' }, title,
        s('defs', {},
            s('clipPath', { id: `${id}-clip` }, s('rect', { x: 0, y: 0, width: WIDE, height: TOP + HIGH })),
            hatch(`${id}-late`, 'late'), hatch(`${id}-refused`, 'refused')),
        s('line', { class: 'grid', x1: 0, x2: WIDE, y1: TOP, y2: TOP }),
        s('line', { class: 'grid', x1: 0, x2: WIDE, y1: TOP + HIGH / 2, y2: TOP + HIGH / 2 }),
        s('g', { 'clip-path': `url(#${id}-clip)` }, bars),
        s('line', { class: 'base', x1: 0, x2: WIDE, y1: TOP + HIGH, y2: TOP + HIGH }),
        top,
        s('text', { class: 'axis', x: 0, y: TOP + HIGH + 16 }, '10 s ago'),
        s('text', { class: 'axis', x: WIDE, y: TOP + HIGH + 16, 'text-anchor': 'end' }, 'now'),
        s('text', { class: 'axis', x: SUM + SUM_WIDE / 2, y: TOP + HIGH + 16, 'text-anchor': 'middle' }, 'window'),
        s('rect', { class: 'sum-frame', x: SUM, y: TOP, width: SUM_WIDE, height: HIGH }),
        sum, line, opensAbove, lineWords, rate);
    let at = 0;
    let wide = WIDE / 10;
    let moved = '';

    return {
        element: svg,

        /** @param {import('./types.js').Circuit} circuit @param {number} heard */
        render(circuit, heard) {
            const { buckets: all, bucket_ms: each, length_ms: length } = circuit.window;
            wide = (WIDE * each) / length;
            const scale = ceiling(Math.max(...all.map(whole), 0));
            text(top, `${scale} calls`);
            fit(bars, all.length);
            all.forEach((bucket, i) => {
                const x = WIDE - (bucket.age_ms / length) * WIDE;
                bar(/** @type {SVGElement} */ (bars.children[i]), parts(bucket), { x: x + 1.5, wide: wide - 3, scale, notch: (bucket.fires * circuit.threshold) / 100, id });
            });
            const { counts } = circuit;
            fit(sum, 1);
            bar(/** @type {SVGElement} */ (sum.children[0]), parts(counts), { x: SUM + 1, wide: SUM_WIDE - 2, scale: Math.max(whole(counts), 1), notch: null, id });
            const y = TOP + HIGH * (1 - circuit.threshold / 100);
            set(line, { y1: y, y2: y });
            set(opensAbove, { y: y - 5 });
            set(lineWords, { y: y + 16 });
            text(lineWords, `${trim(circuit.threshold, 1)} %`);
            const judged = circuit.volume >= circuit.min_volume;
            set(svg, { 'data-above': judged && circuit.rate > circuit.threshold });
            text(rate, circuit.volume === 0 ? '–' : percent(circuit.rate));
            text(title, `${label}: ${percent(circuit.rate)} of ${circuit.volume} calls failed; above ${circuit.threshold} % it opens`);
            at = heard;
            moved = '';
        },

        /** The bars slide on until the next snapshot. @param {number} now @param {boolean} still */
        frame(now, still) {
            const by = still ? 0 : Math.min(wide, ((now - at) / 1000) * wide);
            const next = `translate(${trim(-by, 1)} 0)`;
            if (next === moved) return;
            moved = next;
            bars.setAttribute('transform', next);
        },
    };
}

/** @param {string} id @param {string} kind */
function hatch(id, kind) {
    return s('pattern', { id, class: `hatch ${kind}`, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: kind === 'late' ? 'rotate(45)' : 'rotate(-45)' },
        s('rect', { class: 'hatch-ground', width: 6, height: 6 }), s('line', { class: 'hatch-line', x1: 0, x2: 0, y1: 0, y2: 6 }));
}

/** @param {SVGElement} group @param {number} wanted */
function fit(group, wanted) {
    while (group.children.length < wanted) group.append(s('g', {}, ...PARTS.map((part) => s('rect', { class: part })), s('line', { class: 'notch' })));
    while (group.children.length > wanted) group.lastElementChild?.remove();
}

/**
 * @param {SVGElement} group
 * @param {Record<string, number>} counts
 * @param {{x: number, wide: number, scale: number, notch: number | null, id: string}} how
 */
function bar(group, counts, how) {
    let y = TOP + HIGH;
    PARTS.forEach((part, i) => {
        const high = (HIGH * counts[part]) / how.scale;
        y -= high;
        const filled = part === 'late' || part === 'refused' ? `url(#${how.id}-${part})` : null;
        set(group.children[i], { x: trim(how.x, 2), y: trim(y, 2), width: trim(how.wide, 2), height: trim(high, 2), fill: filled });
    });
    const notch = group.children[PARTS.length];
    const up = TOP + HIGH - (HIGH * (how.notch ?? 0)) / how.scale;
    set(notch, { x1: trim(how.x - 1, 2), x2: trim(how.x + how.wide + 1, 2), y1: trim(up, 2), y2: trim(up, 2), visibility: how.notch ? null : 'hidden' });
}
