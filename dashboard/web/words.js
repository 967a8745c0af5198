// Numbers, times and states as people read them. A state is never a colour alone: it has a word and an icon, here.

/** @typedef {'closed' | 'open' | 'half-open'} State */

/** What stands on a circuit's chip. @type {Record<string, {word: string, icon: string, tells: string}>} */
export const STATES = {
    closed: { word: 'Closed', icon: '✓', tells: 'calls go through' },
    open: { word: 'Open', icon: '✕', tells: 'calls are refused at once' },
    'half-open': { word: 'Half-open', icon: '?', tells: 'a probe is let through' },
    'forced-open': { word: 'Forced open', icon: '⚑', tells: 'by hand: every call is refused' },
    'forced-closed': { word: 'Forced closed', icon: '⚑', tells: 'by hand: every call goes through' },
    disabled: { word: 'Disabled', icon: '⏻', tells: 'by hand: nothing is counted' },
    'metrics-only': { word: 'Metrics only', icon: '⏻', tells: 'by hand: it counts, and refuses nothing' },
    unknown: { word: 'Unknown', icon: '…', tells: 'nothing has been heard of it' },
};

/**
 * What a circuit shows: its mode where one was forced by hand, else its state.
 * @param {{state: string, mode: string} | null | undefined} circuit
 */
export function shown(circuit) {
    if (!circuit) return 'unknown';
    const name = circuit.mode && circuit.mode !== 'auto' ? circuit.mode : circuit.state;
    return name in STATES ? name : 'unknown';
}

/** Which of the three colours that is. @param {string} name */
export function tone(name) {
    if (name === 'forced-open') return 'open';
    if (name === 'closed' || name === 'open' || name === 'half-open') return name;
    return name === 'unknown' ? 'unknown' : 'closed';
}

/** Milliseconds: `0.4 ms`, `12 ms`, `1.2 s`, `6 min 16 s`. @param {number | null | undefined} ms */
export function time(ms) {
    if (ms === null || ms === undefined) return '–';
    if (ms < 9.95) return `${trim(ms, 1)} ms`;
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60_000) return `${trim(ms / 1000, 1)} s`;
    return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

/** A number with so many places, without zeros that say nothing. @param {number} number @param {number} places */
export function trim(number, places) {
    return String(Number(number.toFixed(places)));
}

/** A rate in per cent. @param {number} rate */
export function percent(rate) {
    return `${rate > 0 && rate < 9.95 ? trim(rate, 1) : Math.round(rate)} %`;
}

/** So many a second. @param {number} number */
export function perSecond(number) {
    return number > 0 && number < 9.95 ? trim(number, 1) : String(Math.round(number));
}

/** A count, with thousands set apart. @param {number} number */
export function count(number) {
    return number.toLocaleString('en-US');
}

/** `1 call`, `2 calls`. @param {number} number @param {string} noun */
export function some(number, noun) {
    return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** The time of day, to the second. @param {number} at */
export function clock(at) {
    const date = new Date(at);
    return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
