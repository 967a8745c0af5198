// Requests that travel along the chain as dots: out to as far as they came, and back with what became of them. A refused
// one never leaves its circuit. Where the reader wants less motion there are none; the rows below tell the same.

import { h } from './dom.js';

const LEG = 420;
const MOST = 24;
/** Where in the drawing of a switch its posts are. */
const POST = 30 / 44;
const DOOR = 14;

/** @param {HTMLElement} chain @param {HTMLElement} layer */
export function flow(chain, layer) {
    return {
        /** @param {import('./journey.js').Journey} journey */
        draw(journey) {
            if (layer.childElementCount >= MOST) return;
            const stops = points(chain, layer, journey);
            if (stops.length < 2) return;
            const seconds = (stops.length - 1) * LEG;
            const dot = h('span', { class: 'dot out' });
            layer.append(dot);
            const out = dot.animate(stops.map((stop) => ({ transform: at(stop) })), { duration: seconds, easing: 'linear', fill: 'forwards' });
            out.onfinish = () => {
                const last = stops[stops.length - 1];
                pop(layer, journey, last);
                dot.className = `dot back ${journey.end}`;
                if (journey.end === 'degraded') dot.textContent = '◐';
                else dot.textContent = journey.end === 'ok' ? '✓' : '✕';
                const home = [...stops].reverse().map((stop) => ({ transform: at({ x: stop.x + (stop.down ? 13 : 0), y: stop.y + (stop.down ? 0 : 13) }) }));
                dot.animate(home, { duration: seconds, easing: 'linear', fill: 'forwards' }).onfinish = () => dot.remove();
            };
            out.oncancel = () => dot.remove();
        },
        clear() {
            layer.replaceChildren();
        },
    };
}

/** What stopped it, where it was stopped. @param {HTMLElement} layer @param {import('./journey.js').Journey} journey @param {{x: number, y: number}} place */
function pop(layer, journey, place) {
    const cell = journey.keptBy !== null ? journey.cells[journey.keptBy + 1] : journey.cells[journey.reached];
    const mark = h('span', { class: `pop ${cell.kind}` }, cell.injected ? '🐒' : cell.glyph);
    layer.append(mark);
    const from = at(place);
    const animation = mark.animate([{ transform: `${from} scale(0.4)`, opacity: 0 }, { transform: `${from} scale(1.15)`, opacity: 1, offset: 0.25 }, { transform: `${from} scale(1)`, opacity: 0 }], { duration: 900, easing: 'ease-out' });
    animation.onfinish = () => mark.remove();
}

/** @param {{x: number, y: number}} point */
const at = (point) => `translate(${point.x.toFixed(1)}px, ${point.y.toFixed(1)}px)`;

/**
 * Where it goes: the first service's edge, then switch and service in turn.
 * @param {HTMLElement} chain
 * @param {HTMLElement} layer
 * @param {import('./journey.js').Journey} journey
 */
function points(chain, layer, journey) {
    const origin = layer.getBoundingClientRect();
    const nodes = [...chain.querySelectorAll('.node')].map((node) => node.getBoundingClientRect());
    const switches = [...chain.querySelectorAll('.switch')].map((part) => part.getBoundingClientRect());
    if (nodes.length === 0 || nodes.length !== journey.cells.length) return [];
    const down = nodes.length > 1 && nodes[1].top > nodes[0].bottom;
    // All along the wire, which is where the posts of the first switch are.
    const first = switches[0] ?? nodes[0];
    const wire = down ? first.left + first.width * POST : first.top + first.height * POST;
    /** @param {DOMRect} box @param {number} along 0 its beginning, 1 its end */
    const place = (box, along) => (down
        ? { x: wire - origin.left, y: box.top + box.height * along - origin.top, down }
        : { x: box.left + box.width * along - origin.left, y: wire - origin.top, down });
    const stops = [place(nodes[0], 0.9)];
    const last = journey.keptBy ?? journey.reached;
    for (let i = 0; i <= last; i += 1) {
        if (i > 0 && switches[i - 1]) stops.push(place(switches[i - 1], 0.5));
        // It ends at the service's door, where what became of it can be seen.
        stops.push(i < last || journey.keptBy !== null || i === 0 ? place(nodes[i], 1) : place(nodes[i], -DOOR / (down ? nodes[i].height : nodes[i].width)));
    }
    // It stays in front of the switch.
    if (journey.keptBy !== null && switches[journey.keptBy]) stops.push(place(switches[journey.keptBy], 0.1));
    return stops;
}
