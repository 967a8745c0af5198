// The backlog: what a service has taken on and not yet been able to hand on. Shown where there is one.

import { h, keyed, set, text } from './dom.js';
import { count, time } from './words.js';

const FIGURES = /** @type {const} */ ([['waiting', 'waiting'], ['oldest_ms', 'oldest'], ['set_aside', 'set aside'], ['delivered', 'delivered']]);

/** @param {HTMLElement} section @param {Element} rows */
export function backlog(section, rows) {
    return {
        /** @param {import('./types.js').Known} known */
        render(known) {
            const kept = known.services.filter((service) => service.queue);
            section.hidden = kept.length === 0;
            keyed(rows, kept, (service) => service.name, (service) => h('dl', { class: 'figures', 'data-service': service.name }, h('div', { class: 'backlog-name' }, h('dt', {}, 'kept by'), h('dd', {}, service.name)), ...FIGURES.map(([field, label]) => h('div', { 'data-field': field }, h('dt', {}, label), h('dd', {}, '–')))), (element, service) => {
                FIGURES.forEach(([field], i) => {
                    const value = /** @type {import('./types.js').Queue} */ (service.queue)[field];
                    text(element.children[i + 1].lastElementChild, field === 'oldest_ms' ? time(value) : count(value ?? 0));
                });
                set(element, { 'data-waiting': (service.queue?.waiting ?? 0) > 0 });
            });
        },
    };
}
