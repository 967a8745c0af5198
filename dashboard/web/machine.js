// The state machine of a circuit: three nodes, four edges; the node it is in is filled, the edge it took last is lit, and
// around `open` a ring runs down until the probe.

import { s, set, text } from './dom.js';
import { STATES, time, trim } from './words.js';

const NODES = /** @type {const} */ ({ closed: [66, 62], open: [314, 62], 'half-open': [190, 138] });
const RADIUS = 38;
const RING = RADIUS + 7;
const AROUND = 2 * Math.PI * RING;

/** From, to, the curve, and where its words stand. */
const EDGES = [
    ['closed', 'open', 'M 105 45 Q 190 14 268 40', 190, 16, 'middle'],
    ['open', 'half-open', 'M 309 111 Q 294 148 233 147', 306, 150, 'start'],
    ['half-open', 'closed', 'M 148 147 Q 86 148 71 106', 76, 150, 'end'],
    ['half-open', 'open', 'M 210 103 Q 232 74 265 66', 210, 76, 'middle'],
];

let made = 0;

/** @param {string} label */
export function machine(label) {
    made += 1;
    const tip = `tip-${made}`;
    /** @type {Map<string, SVGElement>} */
    const nodes = new Map();
    /** @type {Map<string, {path: SVGElement, words: SVGElement}>} */
    const edges = new Map();
    const ring = s('circle', { class: 'ring', r: RING, cx: NODES.open[0], cy: NODES.open[1], 'stroke-dasharray': AROUND, transform: `rotate(-90 ${NODES.open[0]} ${NODES.open[1]})` });
    const title = s('title', {}, label);
    const svg = s('svg', { class: 'machine', viewBox: '0 0 380 180', role: 'img' }, title,
        s('defs', {}, ...['', '-lit'].map((lit) => s('marker', { id: tip + lit, class: `tip${lit}`, viewBox: '0 0 10 10', refX: 8, refY: 5, markerWidth: 7, markerHeight: 7, markerUnits: 'userSpaceOnUse', orient: 'auto-start-reverse' }, s('path', { d: 'M 0 0 L 10 5 L 0 10 z' })))));
    for (const [from, to, curve, x, y, anchor] of EDGES) {
        const path = s('path', { class: 'edge', d: curve });
        const words = s('text', { class: 'edge-words', x, y, 'text-anchor': anchor });
        edges.set(`${from} ${to}`, { path, words });
        svg.append(path, words);
    }
    svg.append(s('circle', { class: 'ring-track', r: RING, cx: NODES.open[0], cy: NODES.open[1] }), ring);
    for (const [name, [x, y]] of Object.entries(NODES)) {
        const icon = s('text', { class: 'node-icon', x, y: y + 1, 'text-anchor': 'middle' }, STATES[name].icon);
        const group = s('g', { class: `state ${name}` },
            s('circle', { cx: x, cy: y, r: RADIUS }), icon,
            s('text', { class: 'state-word', x, y: y + 20, 'text-anchor': 'middle' }, STATES[name].word));
        nodes.set(name, group);
        svg.append(group);
    }
    const openIcon = /** @type {Element} */ (nodes.get('open')?.querySelector('.node-icon'));

    return {
        element: svg,

        /** @param {import('./types.js').Service} service */
        render(service) {
            const { circuit } = service;
            if (!circuit) return;
            for (const [name, node] of nodes) set(node, { 'data-here': circuit.state === name });
            const last = circuit.last ? `${circuit.last.from} ${circuit.last.to}` : '';
            const words = edgeWords(circuit);
            for (const [name, edge] of edges) {
                const lit = name === last;
                set(edge.path, { 'data-lit': lit ? String(circuit.turns) : null, 'marker-end': `url(#${tip}${lit ? '-lit' : ''})` });
                set(edge.words, { 'data-lit': lit });
                text(edge.words, words[name]);
            }
            set(svg, { 'data-mode': circuit.mode });
            text(title, `${label}: ${STATES[circuit.state]?.word ?? circuit.state}`);
            if (service.probeAt === null) this.frame(service, 0);
        },

        /** @param {import('./types.js').Service} service @param {number} now */
        frame(service, now) {
            const waits = service.probeAt !== null && service.circuit?.state === 'open';
            set(ring, { class: waits ? 'ring on' : 'ring' });
            text(openIcon, waits ? trim1(Math.max(0, (service.probeAt ?? 0) - now)) : STATES.open.icon);
            if (!waits) return;
            const whole = Math.max(1, service.circuit?.settings.reset_ms ?? 1);
            const share = Math.min(1, Math.max(0, ((service.probeAt ?? 0) - now) / whole));
            set(ring, { 'stroke-dashoffset': trim(AROUND * (1 - share), 1) });
        },
    };
}

/** @param {number} ms */
const trim1 = (ms) => (ms / 1000).toFixed(1);

/** What each edge waits for. @param {import('./types.js').Circuit} circuit @returns {Record<string, string>} */
function edgeWords(circuit) {
    return {
        'closed open': `over ${trim(circuit.threshold, 1)} % fail`,
        'open half-open': time(circuit.settings.reset_ms),
        'half-open closed': 'probe ✓',
        'half-open open': 'probe ✕',
    };
}
