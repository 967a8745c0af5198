// The knobs of a circuit: force it, let it go, and change its settings while it runs.

import { h, set, text } from './dom.js';
import { time, trim } from './words.js';

/** @typedef {(service: string, change: {mode?: string, settings?: Record<string, number | null>}) => void} Change */

const MODES = [
    ['auto', 'auto', 'Automatic', 'the circuit goes by its state'],
    ['open', 'forced-open', 'Force open', 'refuse every call'],
    ['closed', 'forced-closed', 'Force closed', 'let every call through'],
];

/** @type {[string, string, number, number, number, (value: number | null) => string][]} */
const KNOBS = [
    ['timeout_ms', 'Time-out', 50, 3000, 50, (value) => (value === null ? 'none' : time(value))],
    ['error_threshold', 'Opens above', 0, 100, 1, (value) => `${trim(value ?? 0, 1)} %`],
    ['reset_ms', 'Probe after', 500, 30000, 500, (value) => time(value)],
    ['volume', 'At least', 0, 200, 1, (value) => `${value} calls`],
];

/** @param {string} service @param {Change} change */
export function tuning(service, change) {
    const modes = MODES.map(([mode, , label, title]) => h('button', { type: 'button', class: 'mode', title, 'data-mode': mode, onclick: () => change(service, { mode }) }, label));
    const knobs = KNOBS.map(([field, label, min, max, step, words]) => {
        const id = `${service}-${field}`;
        const output = h('output', { for: id });
        const input = h('input', { type: 'range', id, min, max, step });
        input.addEventListener('input', () => {
            input.dataset.held = 'true';
            text(output, words(input.valueAsNumber));
        });
        input.addEventListener('change', () => {
            delete input.dataset.held;
            change(service, { settings: { [field]: input.valueAsNumber } });
        });
        input.addEventListener('blur', () => delete input.dataset.held);
        return { field, words, input, output, element: h('div', { class: 'knob' }, h('label', { for: id }, label), input, output) };
    });
    const line = h('span', { class: 'tuning-line' });
    const fields = h('fieldset', {}, h('legend', { class: 'visually-hidden' }, `Circuit of ${service}`), h('div', { class: 'modes' }, ...modes), ...knobs.map((knob) => knob.element));
    const element = h('details', { class: 'tuning' }, h('summary', {}, h('span', {}, 'Settings'), line), fields);

    return {
        element,

        /** @param {import('./types.js').Circuit} circuit @param {boolean} may */
        render(circuit, may) {
            const { settings } = circuit;
            fields.disabled = !may;
            MODES.forEach(([, name], i) => set(modes[i], { 'aria-pressed': String(circuit.mode === name) }));
            text(line, KNOBS.map(([field, label, , , , words]) => `${label.toLowerCase()} ${words(/** @type {any} */ (settings)[field])}`).join(' · '));
            for (const knob of knobs) {
                if (knob.input.dataset.held) continue;
                const value = /** @type {any} */ (settings)[knob.field];
                if (value !== null && knob.input.valueAsNumber !== value) knob.input.value = String(value);
                text(knob.output, knob.words(value));
                set(knob.input, { 'aria-valuetext': knob.words(value) });
            }
        },
    };
}
