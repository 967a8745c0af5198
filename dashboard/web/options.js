// What the reader likes: theme, presenter mode, table, single keys. Kept in this browser, where it keeps anything.

/** @param {string} name @returns {string | null} */
export function recall(name) {
    try {
        return localStorage.getItem(name);
    } catch {
        return null;
    }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
    try {
        localStorage.setItem(name, value);
    } catch {
        // Then it holds until the page is left.
    }
}

/** Whether less motion is wanted; read anew each time, since it can be changed meanwhile. */
const motion = matchMedia('(prefers-reduced-motion: reduce)');
export const still = () => motion.matches;
