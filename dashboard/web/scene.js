// When the scene of a lesson is set, and what is waited for until then, in words.

import { some } from './words.js';

/**
 * What a circuit has to do before a lesson can begin; nothing where it is ready.
 * @param {import('./types.js').Service} service
 * @param {boolean} empty whether no call may be left in its window
 */
export function unsettled({ name, circuit }, empty = false) {
    if (!circuit) return '';
    const { state, next, counts, in_flight: flying, probe_in_ms: probe } = circuit;
    const hop = `${name}→${next}`;
    if (state === 'open') return `the circuit ${hop} is open${probe ? `, and is probed in ${Math.ceil(probe / 1000)} s` : ''}`;
    if (state === 'half-open') return `the circuit ${hop} is half-open, and its probe is under way`;
    if (flying > 0) return `${some(flying, 'call')} from ${name} to ${next} ${flying === 1 ? 'is' : 'are'} under way`;
    if (counts.failures > 0) return `${some(counts.failures, 'failure')} of ${hop} leave${counts.failures === 1 ? 's' : ''} the window within 10 s`;
    if (empty && counts.fires > 0) return `${some(counts.fires, 'call')} of ${hop} leave${counts.fires === 1 ? 's' : ''} the window within 10 s`;
    return '';
}

/**
 * What is not as it was before a lesson, and why it will be.
 * @param {import('./types.js').Known} known
 */
export function leftOver(known) {
    const open = known.services.filter(({ circuit }) => circuit?.mode === 'auto' && circuit.state !== 'closed');
    return open.map(({ name, circuit, queue }) => {
        const waiting = queue && queue.waiting > 0 ? ` ${some(queue.waiting, 'order')} wait${queue.waiting === 1 ? 's' : ''} behind it in the backlog, and will be handed on then.` : '';
        return `The circuit from ${name} to ${circuit?.next} is still ${circuit?.state}: it closes by itself when its next probe is answered.${waiting}`;
    }).join(' ');
}
