// The event log: the services' own lines, newest below. It can be filtered, held and copied, and holds so many lines and no
// more. It is no live region: what matters is announced elsewhere, once.

import { h, set, text } from './dom.js';
import { clock, count } from './words.js';

const SHOWN = 300;
const KINDS = [['transition', '🔌 circuits'], ['request', '👌 requests'], ['fault', '🐒 faults'], ['config', '🔧 changes'], ['service', '📡 services']];

/** @param {Element} tools @param {HTMLElement} lines @param {(message: string) => void} say */
export function log(tools, lines, say) {
    /** @type {Set<string>} */
    const hidden = new Set();
    let wanted = '';
    let held = false;
    let drawn = 0;
    /** @type {import('./types.js').Known | null} */
    let latest = null;

    const search = h('input', { type: 'search', id: 'log-filter', placeholder: 'Filter', 'aria-label': 'Filter the log', oninput: () => { wanted = search.value.toLowerCase(); again(); } });
    const kinds = KINDS.map(([kind, label]) => h('button', {
        type: 'button', class: 'kind', 'aria-pressed': 'true', 'data-kind': kind,
        onclick: (/** @type {Event} */ event) => {
            if (!hidden.delete(kind)) hidden.add(kind);
            set(/** @type {Element} */ (event.currentTarget), { 'aria-pressed': String(!hidden.has(kind)) });
            again();
        },
    }, label));
    const hold = h('button', { type: 'button', id: 'log-pause', 'aria-pressed': 'false', title: 'Hold the log still (P)', onclick: () => pause() }, 'Pause');
    const copy = h('button', { type: 'button', id: 'log-copy', onclick: () => take() }, 'Copy');
    tools.append(search, h('span', { class: 'kinds', role: 'group', 'aria-label': 'Kinds of lines' }, ...kinds), hold, copy);

    /** @param {import('./types.js').Line} line */
    const fits = (line) => !hidden.has(line.kind) && (wanted === '' || line.text.toLowerCase().includes(wanted));
    /** @param {import('./types.js').Line} line */
    const make = (line) => h('p', { class: 'line', 'data-kind': line.kind, 'data-tone': line.tone || null }, h('time', {}, clock(line.at)), ' ', h('span', {}, line.text));

    function again() {
        lines.replaceChildren();
        drawn = 0;
        if (latest) render(latest, true);
    }

    /** @param {import('./types.js').Known} known @param {boolean} [anyway] */
    function render(known, anyway = false) {
        latest = known;
        const newest = known.next - 1;
        if (newest === drawn || (held && !anyway)) {
            if (held) text(hold, newest > drawn ? `Go on (${count(newest - drawn)} more)` : 'Go on');
            return;
        }
        const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
        const fresh = known.log.filter((line) => line.number > drawn && fits(line)).slice(-SHOWN);
        drawn = newest;
        lines.append(...fresh.map(make));
        while (lines.children.length > SHOWN) lines.firstElementChild?.remove();
        if (atEnd) lines.scrollTop = lines.scrollHeight;
    }

    function pause() {
        held = !held;
        set(hold, { 'aria-pressed': String(held) });
        text(hold, held ? 'Go on' : 'Pause');
        if (!held && latest) render(latest);
    }

    async function take() {
        const all = (latest?.log ?? []).filter(fits).map((line) => `${new Date(line.at).toISOString()} ${line.text}`).join('\n');
        try {
            await navigator.clipboard.writeText(all);
            say('The log was copied.');
        } catch {
            // Without leave (or without TLS) the lines are marked, to be copied by hand.
            getSelection()?.selectAllChildren(lines);
            say('The browser does not let a page copy here: the lines are marked, copy them yourself.');
        }
    }

    return { render, pause };
}
