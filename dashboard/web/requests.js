// The last requests as rows: a cell for each service, and what came back. The same that the dots tell, standing still.

import { h, text } from './dom.js';
import { clock } from './words.js';

const ROWS = 6;
/** At most one row in this time, so that they can be read; an order sent by hand is always shown. */
const PACE = 700;

/** @param {Element} parent */
export function requests(parent) {
    const head = h('tr');
    const body = h('tbody');
    const none = h('p', { class: 'waiting' }, 'No request yet: send one order, or start a load.');
    const table = h('table', { class: 'rows', hidden: true }, h('thead', {}, head), body);
    parent.append(table, none);
    let columns = '';
    let shownAt = 0;

    return {
        /** @param {import('./journey.js').Journey} journey @param {number} now @param {boolean} always */
        add(journey, now, always) {
            if (!always && now - shownAt < PACE) return;
            shownAt = now;
            none.hidden = true;
            table.hidden = false;
            const names = journey.cells.map((cell) => cell.service).join();
            if (names !== columns) {
                columns = names;
                head.replaceChildren(...['at', ...journey.cells.map((cell) => cell.service), 'answer'].map((name) => h('th', { scope: 'col' }, name)));
            }
            body.prepend(row(journey));
            while (body.children.length > ROWS) body.lastElementChild?.remove();
        },
        /** What is known by now of one that may be among the rows. @param {import('./journey.js').Journey} journey */
        update(journey) {
            body.querySelector(`[data-trace="${CSS.escape(journey.id)}"]`)?.replaceWith(row(journey));
        },
        /** @param {string} words */
        explain(words) {
            text(none, words);
        },
    };
}

/** @param {import('./journey.js').Journey} journey */
function row(journey) {
    return h('tr', { 'data-trace': journey.id, 'data-end': journey.end },
        h('td', { class: 'when' }, clock(journey.at)),
        ...journey.cells.map((cell) => h('td', { class: `cell ${cell.kind}` }, h('span', { class: 'cell-glyph' }, cell.injected ? `${cell.glyph} 🐒` : cell.glyph), h('span', { class: 'cell-text' }, cell.text))),
        h('td', { class: `cell end ${journey.end}` }, h('span', { class: 'cell-glyph' }, { ok: '✓', degraded: '◐', failed: '✕' }[journey.end]), h('span', { class: 'cell-text' }, journey.verdict)));
}
