// The chain: three services, and between them the circuits, drawn as what they are named after, a switch in the wire.

import { h, keyed, s, set, text } from './dom.js';
import { activeRules } from './store.js';
import { count, percent, perSecond, shown, some, STATES, time, tone } from './words.js';

/** @typedef {import('./types.js').Service} Service */

/** @param {Element} row */
export function chain(row) {
    return {
        /** @param {import('./types.js').Known} known */
        render(known) {
            if (known.services.length === 0) return;
            row.querySelector('.waiting')?.remove();
            /** @type {{key: string, service: Service, link: boolean}[]} */
            const parts = [];
            known.services.forEach((service, i) => {
                parts.push({ key: `node-${service.name}`, service, link: false });
                if (i < known.services.length - 1) parts.push({ key: `link-${service.name}`, service, link: true });
            });
            keyed(row, parts, (part) => part.key, (part) => (part.link ? makeLink() : makeNode(part.service)), (element, part) => {
                if (part.link) updateLink(element, part.service);
                else updateNode(element, part.service);
            });
        },

        /** Between events: only the countdown moves. @param {import('./types.js').Known} known @param {number} now */
        frame(known, now) {
            for (const service of known.services) {
                if (service.probeAt === null) continue;
                const left = row.querySelector(`[data-key="link-${service.name}"] .left`);
                if (left) text(left, countdown(service, now));
            }
        },
    };
}

/** How long until the probe. @param {Service} service @param {number} now */
export function countdown(service, now) {
    if (service.probeAt === null) return '';
    return `${(Math.max(0, service.probeAt - now) / 1000).toFixed(1)} s`;
}

/** @param {Service} service */
function makeNode(service) {
    return h('div', { class: 'node', 'data-service': service.name },
        h('p', { class: 'node-name' }, service.name),
        h('p', { class: 'node-state' }, h('span', { class: 'lamp', 'aria-hidden': 'true' }), h('span', { class: 'node-word' })),
        h('p', { class: 'node-more' }),
        h('p', { class: 'node-fault', hidden: true }));
}

/** @param {HTMLElement} node @param {Service} service */
function updateNode(node, service) {
    const state = service.reachable === true ? 'ready' : service.reachable === false ? 'away' : 'asking';
    set(node, { 'data-state': state });
    const word = /** @type {Element} */ (node.querySelector('.node-word'));
    const more = /** @type {Element} */ (node.querySelector('.node-more'));
    if (state === 'ready') {
        text(word, `${perSecond(service.perSecond)}/s`);
        const asked = service.requests;
        text(more, asked ? `${count(asked.total)} in all${asked.degraded ? ` · ◐\u00a0${count(asked.degraded)}` : ''}${asked.failed ? ` · ✕\u00a0${count(asked.failed)}` : ''}` : '');
    } else {
        text(word, state === 'away' ? 'Away' : 'Asking…');
        text(more, state === 'away' ? `${service.why ?? 'it does not answer'}; asked again and again` : '');
    }
    const fault = /** @type {HTMLElement} */ (node.querySelector('.node-fault'));
    const rules = activeRules(service.chaos);
    fault.hidden = rules.length === 0 || state === 'away';
    if (rules.length > 0) text(fault, `🐒 ${service.chaos?.preset && service.chaos.preset !== 'calm' ? service.chaos.preset : rules.map(ruleName).join(', ')}`);
}

/** @param {import('./types.js').Rule} rule */
function ruleName(rule) {
    const share = rule.now?.percentage ?? rule.percentage ?? 100;
    return share >= 100 ? rule.name : `${rule.name} ${percent(share)}`;
}

function makeLink() {
    return h('div', { class: 'wire-part' },
        h('div', { class: 'wire-row', 'aria-hidden': 'true' },
            h('span', { class: 'wire before' }),
            s('svg', { class: 'switch', viewBox: '0 0 72 44' },
                s('path', { class: 'switch-stub before', d: 'M-1 30 H12' }),
                s('path', { class: 'switch-stub after', d: 'M60 30 H73' }),
                s('path', { class: 'switch-lever', d: 'M14 30 H56' }),
                s('circle', { class: 'switch-post', cx: 12, cy: 30, r: 6 }),
                s('circle', { class: 'switch-post', cx: 60, cy: 30, r: 6 })),
            h('span', { class: 'wire after' })),
        h('p', { class: 'chip big' }, h('span', { class: 'chip-icon', 'aria-hidden': 'true' }), h('span', { class: 'chip-word' }), h('span', { class: 'left' })),
        h('p', { class: 'wire-note' }));
}

/** @param {HTMLElement} part @param {Service} service */
function updateLink(part, service) {
    const circuit = service.reachable === false ? null : service.circuit;
    const name = shown(circuit);
    set(part, { 'data-state': tone(name), 'data-name': name });
    text(/** @type {Element} */ (part.querySelector('.chip-icon')), STATES[name].icon);
    text(/** @type {Element} */ (part.querySelector('.chip-word')), STATES[name].word);
    const left = /** @type {HTMLElement} */ (part.querySelector('.left'));
    left.hidden = service.probeAt === null || name !== 'open';
    text(/** @type {Element} */ (part.querySelector('.wire-note')), circuit ? linkNote(circuit, name) : 'nothing is heard of this circuit');
}

/** @param {import('./types.js').Circuit} circuit @param {string} name */
function linkNote(circuit, name) {
    const { in_flight: flying } = circuit;
    if (name === 'open') return `${some(circuit.counts.rejects, 'call')} refused in ${time(circuit.window.length_ms)}`;
    if (name === 'half-open') return circuit.probes > 0 ? 'the probe is under way' : 'the next call is the probe';
    if (name === 'closed') return circuit.volume === 0 ? 'no calls' : `${percent(circuit.rate)} fail${flying > 0 ? ` · ${flying} in flight` : ''}`;
    return STATES[name].tells;
}
