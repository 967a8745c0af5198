// Dark, light, or as the system has it.

import { set, text } from './dom.js';
import { recall, remember } from './options.js';

const ROUND = ['system', 'dark', 'light'];

/** @param {Element} button */
export function theme(button) {
    let now = ROUND.includes(recall('theme') ?? '') ? /** @type {string} */ (recall('theme')) : 'system';
    const show = () => {
        set(document.documentElement, { 'data-theme': now === 'system' ? null : now });
        text(button, `Theme: ${now}`);
    };
    const next = () => {
        now = ROUND[(ROUND.indexOf(now) + 1) % ROUND.length];
        remember('theme', now);
        show();
    };
    button.addEventListener('click', next);
    show();
    return { next };
}
