// What was set aside: orders that cannot be delivered as they are, with the reason, to be tried again or dropped by hand.
//
// The events tell only how many there are, so the list is asked for when that number changes, and for a while after
// something was done about one: what is tried again may come back.

import { h, keyed, set, text } from './dom.js';
import { clock, some } from './words.js';

/**
 * @typedef {{key: string, attempts: number, created_at: string | null, error: {code: string, message: string, response?: any} | null}} Aside
 * @typedef {{list: (service: string) => Promise<{queue: Aside[]}>, retry: (service: string, key: string) => Promise<unknown>, drop: (service: string, key: string) => Promise<unknown>, say: (words: string) => void}} Act
 */

/** So long after something was done the list is asked for with each snapshot. */
const WATCHED = 6_000;
/** So long the second press of “Drop” is waited for. */
const SURE = 5_000;
/** So long a list that could not be had is not asked for again. */
const AGAIN = 5_000;

/** @param {string} service @param {Act} act */
export function setAside(service, act) {
    // The roles are said in full: where the rows are drawn below one another, browsers forget that it is a table.
    const body = h('tbody', { role: 'rowgroup' });
    const more = h('p', { class: 'soft' });
    const title = h('summary', {}, 'Set aside');
    const head = h('tr', { role: 'row' }, ...['order of', 'key', 'tries', 'why'].map((name) => h('th', { scope: 'col', role: 'columnheader' }, name)), h('th', { scope: 'col', role: 'columnheader' }, h('span', { class: 'visually-hidden' }, 'what to do')));
    const element = h('details', { class: 'aside', hidden: true }, title,
        h('p', { class: 'soft' }, 'These cannot be delivered as they are. Try one again when what was wrong is mended, or drop it: its document stays.'),
        h('div', { class: 'scroll-x', tabindex: 0, role: 'region', 'aria-label': `What ${service} has set aside` }, h('table', { class: 'rows', role: 'table' }, h('thead', { role: 'rowgroup' }, head), body)), more);
    let count = -1;
    let heard = 0;
    let watchedUntil = 0;
    let notBefore = 0;
    let asking = false;
    let may = true;

    async function ask() {
        if (asking || Date.now() < notBefore) return;
        asking = true;
        try {
            const asked = count;
            const { queue } = await act.list(service);
            draw(queue);
            // It has changed while this was asked for.
            if (asked !== count) count = -1;
        } catch {
            count = -1;
            notBefore = Date.now() + AGAIN;
        }
        asking = false;
    }

    /** @param {Aside[]} queue */
    function draw(queue) {
        const held = document.activeElement;
        const within = element.contains(held) && held !== title;
        keyed(body, queue, (one) => one.key, row, (element, one) => {
            text(element.children[2], one.attempts);
            text(element.children[3], reason(one));
        });
        text(more, queue.length < count ? `The oldest ${queue.length} of ${count}; the others show when these are gone.` : '');
        allow();
        // Its row is gone, and the reader's place with it.
        if (within && !element.contains(document.activeElement)) title.focus();
    }

    /** @param {Aside} one */
    function row(one) {
        const short = one.key.slice(-12);
        const retry = h('button', { type: 'button', class: 'small', 'aria-label': `Try again: ${short}`, onclick: () => done(act.retry(service, one.key), `${service} tries ${short} again, as soon as its circuit lets it.`) }, 'Try again');
        const drop = h('button', { type: 'button', class: 'small', 'aria-label': `Drop: ${short}` }, 'Drop');
        drop.addEventListener('click', () => {
            if (drop.dataset.sure) {
                done(act.drop(service, one.key), `${short} was dropped.`);
                return;
            }
            drop.dataset.sure = 'asked';
            text(drop, 'Drop for good');
            set(drop, { 'aria-label': `Drop for good: ${short}` });
            setTimeout(() => {
                delete drop.dataset.sure;
                text(drop, 'Drop');
                set(drop, { 'aria-label': `Drop: ${short}` });
            }, SURE);
        });
        const at = one.created_at ? clock(Date.parse(one.created_at)) : '–';
        return h('tr', { 'data-aside': one.key, role: 'row' }, cell('when', at), cell('', h('code', { title: one.key }, `…${short}`)), cell('number'), cell('why'), cell('act', retry, drop));
    }

    /** @param {Promise<unknown>} asked @param {string} words */
    async function done(asked, words) {
        if (await asked === null) return; // It was said why not.
        act.say(words);
        watchedUntil = Date.now() + WATCHED;
        await ask();
    }

    function allow() {
        for (const button of body.querySelectorAll('button')) button.disabled = !may;
    }

    return {
        element,
        /** @param {import('./types.js').Service} service @param {boolean} mayChange */
        render({ queue, heard: now }, mayChange) {
            const there = queue?.set_aside ?? 0;
            element.hidden = there === 0 && body.childElementCount === 0;
            text(title, `${some(there, 'order')} set aside`);
            if (may !== mayChange) {
                may = mayChange;
                allow();
            }
            if ((there !== count && Date.now() >= notBefore) || (now !== heard && now < watchedUntil)) {
                count = there;
                heard = now;
                if (there > 0 || body.childElementCount > 0) ask();
            }
        },
    };
}

/** @param {string} name @param {...(string | Node)} children */
const cell = (name, ...children) => h('td', { class: name, role: 'cell' }, ...children);

/** One sentence; what the next service found fault with, where it said so. @param {Aside} one */
export function reason({ error }) {
    if (!error) return 'not known';
    const said = error.response?.detail ?? error.response?.error?.message;
    return typeof said === 'string' ? `${error.message}: ${said}` : error.message;
}
