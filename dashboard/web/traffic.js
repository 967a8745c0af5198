// Orders: one by hand, or so many a second, made by the dashboard's server.

import { h, set, text } from './dom.js';
import { count, time } from './words.js';

const RATES = [0, 5, 20, 100];
const USUAL = 10;
const FIGURES = /** @type {const} */ ([['answered', '✓', 'answered'], ['degraded', '◐', 'degraded'], ['failed', '✕', 'failed'], ['skipped', '⊘', 'not sent']]);

/**
 * @param {Element} parent
 * @param {{send: () => void, load: (rate: number) => void}} act
 */
export function traffic(parent, act) {
    let usual = USUAL;
    let rate = 0;
    const send = h('button', { type: 'button', id: 'send', class: 'main', title: 'One order through the chain (S)', onclick: act.send }, 'Send one order ', h('kbd', {}, 'S'));
    const said = h('p', { id: 'answer', class: 'answer' }, ' ');
    const output = h('output', { for: 'load' }, '0/s');
    const slider = h('input', { type: 'range', id: 'load', min: 0, max: 200, step: 1, value: 0, title: 'Steady load (L)' });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let soon;
    slider.addEventListener('input', () => {
        slider.dataset.held = 'true';
        text(output, `${slider.value}/s`);
        clearTimeout(soon);
        soon = setTimeout(() => {
            delete slider.dataset.held;
            to(slider.valueAsNumber);
        }, 150);
    });
    const quick = RATES.map((value) => h('button', { type: 'button', class: 'quick', 'data-rate': value, onclick: () => to(value) }, value === 0 ? 'Stop' : `${value}/s`));
    const figures = h('ul', { class: 'load-figures', 'aria-label': 'What became of the load' }, ...FIGURES.map(([kind, glyph, label]) => h('li', { class: kind }, h('span', { class: 'key', 'aria-hidden': 'true' }, glyph), h('b', {}, '0'), ` ${label}`)));
    const times = h('p', { class: 'load-times' }, ' ');
    const fields = h('fieldset', { class: 'group' }, h('legend', {}, 'Orders'), send, said,
        h('div', { class: 'knob' }, h('label', { for: 'load' }, 'Steady load ', h('kbd', {}, 'L')), slider, output),
        h('div', { class: 'quicks', role: 'group', 'aria-label': 'Steady load' }, ...quick));
    parent.append(fields, figures, times);

    /** @param {number} value */
    function to(value) {
        if (value > 0) usual = value;
        act.load(value);
    }

    return {
        toggle: () => to(rate > 0 ? 0 : usual),

        /** @param {import('./types.js').Known} known */
        render(known) {
            fields.disabled = known.me?.may_change === false;
            const { load } = known;
            if (!load) return;
            rate = load.rate;
            if (!slider.dataset.held) {
                if (slider.valueAsNumber !== rate) slider.value = String(rate);
                text(output, `${rate}/s`);
            }
            set(slider, { 'aria-valuetext': `${rate} orders a second` });
            quick.forEach((button, i) => set(button, { 'aria-pressed': String(RATES[i] === rate) }));
            FIGURES.forEach(([kind], i) => {
                // A degraded 200 was answered, too; it is told apart here.
                const value = kind === 'answered' ? load.answered - load.degraded - load.failed : load[kind];
                text(/** @type {Element} */ (figures.children[i].querySelector('b')), count(Math.max(0, value)));
                set(figures.children[i], { 'data-none': value <= 0 });
            });
            text(times, load.sent > 0 ? `${count(load.sent)} sent · p50 ${time(load.p50_ms)} · p99 ${time(load.p99_ms)}` : 'No load yet.');
        },

        /** What became of the one sent by hand. @param {string} words @param {string} tone */
        answer(words, tone) {
            text(said, words);
            set(said, { 'data-tone': tone });
        },
    };
}
