// Tells screen readers of changes of state, one sentence each, politely; and shows short answers to what was done.

import { text } from './dom.js';

const TELLS = /** @type {Record<string, string>} */ ({ open: 'opened', closed: 'closed', 'half-open': 'is half-open' });

/** @param {Element} region @param {HTMLElement} toast */
export function announcer(region, toast) {
    let told = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let gone;
    return {
        /** @param {import('./types.js').Known} known */
        render(known) {
            const turn = known.lastTransition;
            if (!turn || turn.at === told) return;
            told = turn.at;
            text(region, `${turn.service} to ${turn.next} ${TELLS[turn.to] ?? turn.to}: ${turn.reason}`);
        },
        /** @param {string} words */
        say(words) {
            text(toast, words);
            text(region, words);
            toast.hidden = false;
            clearTimeout(gone);
            gone = setTimeout(() => { toast.hidden = true; }, 6_000);
        },
    };
}
