// The help dialog: what is to be seen, what the signs mean, and the keys.

import { h } from './dom.js';
import { STATES } from './words.js';

const KEYS = [['S', 'send one order'], ['L', 'start or stop the load'], ['1 – 9', 'presets for the chosen service, in the order shown'], ['P', 'hold the log'], ['T', 'all numbers as a table'], ['M', 'presenter mode'], ['D', 'theme'], ['?', 'this help'], ['Esc', 'close it']];
const SIGNS = [['✓', 'answered, and whole'], ['◐', 'degraded: a 200 without what a service further down should have said (X-Degraded)'], ['✕', 'failed'], ['⏱', 'timed out: no answer was there in time'], ['✓⏱', 'answered all the same, but after its caller had stopped waiting'], ['📮', 'delivered later, out of the backlog'], ['⊘', 'refused by an open circuit: nothing was sent'], ['🐒', 'a fault that was injected on purpose']];

/** @param {HTMLDialogElement} dialog @param {ReturnType<typeof import('./keys.js').keys>} keys */
export function help(dialog, keys) {
    const box = h('input', { type: 'checkbox', id: 'keys-on', checked: keys.on, onchange: () => keys.turn(box.checked) });
    const close = h('button', { type: 'button', class: 'main', onclick: () => dialog.close() }, 'Close');
    dialog.append(
        h('h2', { id: 'help-title' }, 'What is here'),
        h('p', {}, 'Orders go from service to service. Between two services is a circuit breaker: it counts what becomes of the calls in the last 10 s, and where more than half of them fail it opens and refuses, so that the broken service can recover.'),
        h('dl', { class: 'help-list' }, ...['closed', 'open', 'half-open'].flatMap((name) => [h('dt', { 'data-state': name }, `${STATES[name].icon} ${STATES[name].word}`), h('dd', {}, STATES[name].tells)])),
        h('h3', {}, 'Signs'),
        h('dl', { class: 'help-list' }, ...SIGNS.flatMap(([sign, means]) => [h('dt', {}, sign), h('dd', {}, means)])),
        h('h3', {}, 'Keys'),
        h('p', {}, h('label', { for: 'keys-on' }, box, ' Single keys are on')),
        h('dl', { class: 'help-list' }, ...KEYS.flatMap(([key, does]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, does)])),
        close);
    // A click beside it closes it, as people expect.
    dialog.addEventListener('click', (event) => {
        if (event.target === dialog) dialog.close();
    });
    return { open: () => (dialog.open ? dialog.close() : dialog.showModal()) };
}
