// Tabs, by mouse and by arrow keys.

import { recall, remember } from './options.js';

/** @param {Element} parent */
export function tabs(parent) {
    const all = /** @type {HTMLElement[]} */ ([...parent.querySelectorAll('[role="tab"]')]);
    /** @param {string} name @param {boolean} [focus] */
    function show(name, focus = false) {
        for (const tab of all) {
            const on = tab.getAttribute('aria-controls') === name;
            tab.setAttribute('aria-selected', String(on));
            tab.tabIndex = on ? 0 : -1;
            const panel = document.getElementById(tab.getAttribute('aria-controls') ?? '');
            if (panel) panel.hidden = !on;
            if (on && focus) tab.focus();
        }
        remember('tab', name);
    }
    all.forEach((tab, i) => {
        tab.addEventListener('click', () => show(tab.getAttribute('aria-controls') ?? ''));
        tab.addEventListener('keydown', (event) => {
            const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            if (!step) return;
            event.preventDefault();
            show(all[(i + step + all.length) % all.length].getAttribute('aria-controls') ?? '', true);
        });
    });
    const last = recall('tab');
    if (all.some((tab) => tab.getAttribute('aria-controls') === last)) show(/** @type {string} */ (last));
    return { show };
}
