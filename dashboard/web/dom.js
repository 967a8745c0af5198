// Makes and changes elements. Data becomes text nodes and attributes here, never markup.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @typedef {string | number | Node | null | undefined | false} Child
 * @typedef {Record<string, any>} Attributes `on…` are listeners, `class` and the rest attributes; null and false leave one out.
 */

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
        else if (value === null || value === undefined || value === false) element.removeAttribute(name);
        else {
            const text = value === true ? '' : String(value);
            if (element.getAttribute(name) !== text) element.setAttribute(name, text);
        }
    }
    return element;
}

/**
 * An HTML element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    set(element, attributes);
    add(element, children);
    return element;
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, attributes = {}, ...children) {
    const element = /** @type {SVGElementTagNameMap[T]} */ (document.createElementNS(SVG, tag));
    set(element, attributes);
    add(element, children);
    return element;
}

/** @param {Element} element @param {Child[]} children */
function add(element, children) {
    for (const child of children) {
        if (child === null || child === undefined || child === false) continue;
        element.append(child instanceof Node ? child : String(child));
    }
}

/**
 * Sets a text, and touches nothing where it is the same.
 * @param {Element} element
 * @param {string | number} text
 */
export function text(element, text) {
    const wanted = String(text);
    if (element.textContent !== wanted) element.textContent = wanted;
}

/**
 * Makes the children of an element those of a list, by key: what stays keeps its element (and its focus).
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => Element} make
 * @param {(element: any, item: T) => void} [update]
 */
export function keyed(parent, items, key, make, update) {
    const old = new Map([...parent.children].map((child) => [child.getAttribute('data-key'), child]));
    let place = parent.firstElementChild;
    for (const item of items) {
        const name = key(item);
        let element = old.get(name);
        old.delete(name);
        if (!element) {
            element = make(item);
            element.setAttribute('data-key', name);
        }
        update?.(element, item);
        if (element === place) place = place.nextElementSibling;
        else parent.insertBefore(element, place);
    }
    for (const child of old.values()) child.remove();
}

/** The element of the page with that id. @param {string} id */
export function byId(id) {
    const element = document.getElementById(id);
    if (!element) throw new Error(`the page has no #${id}`);
    return element;
}
