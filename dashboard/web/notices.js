// What the reader must know: the server or a service is away, or nothing may be changed from here.

import { h, keyed, set, text } from './dom.js';
import { clock } from './words.js';

/**
 * @param {Element} parent
 * @param {Element} link the word about the stream
 * @param {(token: string) => void} give takes a token
 */
export function notices(parent, link, give) {
    return {
        /** @param {import('./types.js').Known} known @param {boolean} wrongToken */
        render(known, wrongToken) {
            set(link, { 'data-link': known.link });
            text(link, { connecting: 'Connecting…', live: 'Live', away: 'Server away' }[known.link]);
            /** @type {{key: string, words: string}[]} */
            const told = [];
            if (known.link === 'away') told.push({ key: 'server', words: `The dashboard’s server does not answer since ${clock(known.linkSince)}. What you see is what it said last; the page asks again by itself.` });
            const away = known.services.filter((service) => service.reachable === false);
            for (const service of away) told.push({ key: `away-${service.name}`, words: `${service.name} is away since ${clock(service.since)}${service.why ? ` (${service.why})` : ''}. It is asked again and again.` });
            const { me } = known;
            if (me && !me.may_change) told.push({ key: 'token', words: why(me, wrongToken) });
            keyed(parent, told, (notice) => notice.key, (notice) => make(notice.key, give), (element, notice) => text(element.firstElementChild, notice.words));
        },
    };
}

/** @param {{token_set: boolean}} me @param {boolean} wrong */
function why(me, wrong) {
    if (wrong) return 'The server does not know this token. You may look, and change nothing.';
    return me.token_set ? 'You may look. To change something, give the token that the server was started with (ADMIN_TOKEN).' : 'You may look. Nothing can be changed from here: no ADMIN_TOKEN is set, so only this machine itself may, under its own address.';
}

/** @param {string} key @param {(token: string) => void} give */
function make(key, give) {
    const words = h('p');
    if (key !== 'token') return h('div', { class: 'notice', role: 'status' }, words);
    const field = h('input', { type: 'password', id: 'token', autocomplete: 'off', required: true });
    return h('div', { class: 'notice quiet' }, words, h('form', {
        class: 'token',
        onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            give(field.value.trim());
            field.value = '';
        },
    }, h('label', { for: 'token' }, 'Token'), field, h('button', { type: 'submit' }, 'Use it')));
}
