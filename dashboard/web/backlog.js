// The backlog: what a service has taken on and not yet been able to hand on, what it waits for, and what was set aside.
// Shown where there is one.

import { setAside } from './aside.js';
import { h, keyed, set, text } from './dom.js';
import { count, some, time } from './words.js';

const FIGURES = /** @type {const} */ ([['waiting', 'waiting'], ['oldest_ms', 'oldest'], ['set_aside', 'set aside'], ['delivered', 'delivered']]);

/**
 * @param {HTMLElement} section
 * @param {Element} rows
 * @param {import('./aside.js').Act} act
 */
export function backlog(section, rows, act) {
    /** @type {Map<string, ReturnType<typeof setAside>>} */
    const lists = new Map();

    /** @param {import('./types.js').Service} service */
    function make({ name }) {
        const list = setAside(name, act);
        lists.set(name, list);
        return h('div', { class: 'backlog-of', 'data-service': name },
            h('dl', { class: 'figures' }, h('div', { class: 'backlog-name' }, h('dt', {}, 'kept by'), h('dd', {}, name)), ...FIGURES.map(([field, label]) => h('div', { 'data-field': field }, h('dt', {}, label), h('dd', {}, '–')))),
            h('p', { class: 'backlog-tells' }), list.element);
    }

    return {
        /** @param {import('./types.js').Known} known */
        render(known) {
            const kept = known.services.filter((service) => service.queue);
            section.hidden = kept.length === 0;
            keyed(rows, kept, (service) => service.name, make, (element, service) => {
                const queue = /** @type {import('./types.js').Queue} */ (service.queue);
                FIGURES.forEach(([field], i) => text(element.firstElementChild.children[i + 1].lastElementChild, field === 'oldest_ms' ? time(queue[field]) : count(queue[field])));
                set(element, { 'data-waiting': queue.waiting > 0 });
                text(element.children[1], waitsFor(service));
                lists.get(service.name)?.render(service, known.me?.may_change !== false);
            });
        },
    };
}

/** What the orders of a service wait for. @param {import('./types.js').Service} service */
export function waitsFor(service) {
    const { queue, circuit } = service;
    if (!queue || queue.waiting === 0) return '';
    const orders = some(queue.waiting, 'order');
    const [wait, are] = queue.waiting === 1 ? ['waits', 'it is'] : ['wait', 'they are'];
    const next = circuit?.next ?? 'the next service';
    if (circuit?.mode === 'forced-open') return `${orders} ${wait}: the circuit to ${next} was opened by hand.`;
    if (circuit?.mode === 'auto' && circuit.state !== 'closed') return `${orders} ${wait} behind the circuit to ${next}. Its next probe will be one of those, or a new order; once one is answered it closes, and ${are} handed on.`;
    return `${orders} ${wait}, and ${are} handed on to ${next} as fast as it answers.`;
}
