// Single keys. They can be switched off, and do nothing while the reader types or holds a modifier.

import { recall, remember } from './options.js';

/** @param {Record<string, () => void>} actions by key, in small letters */
export function keys(actions) {
    let on = recall('keys') !== 'off';
    document.addEventListener('keydown', (event) => {
        if (!on || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
        const target = /** @type {HTMLElement} */ (event.target);
        if (target.closest('select, textarea, dialog') || (target instanceof HTMLInputElement && target.type !== 'range')) return;
        // Digits in a slider are for the slider.
        if (target instanceof HTMLInputElement && /^\d$/.test(event.key)) return;
        const action = actions[event.key.toLowerCase()];
        if (!action) return;
        event.preventDefault();
        action();
    });
    return {
        get on() { return on; },
        /** @param {boolean} value */
        turn(value) {
            on = value;
            remember('keys', value ? 'on' : 'off');
            document.documentElement.toggleAttribute('data-no-keys', !value);
        },
    };
}
