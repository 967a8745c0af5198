// Asks the dashboard's server to change something, with the reader's token where one was given.

const KEY = 'token';

/** Why the server did not do what it was asked to. */
export class Refused extends Error {
    /** @param {number} status @param {string} message */
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

/** The token lives as long as the tab. @param {string} token */
export function keepToken(token) {
    if (token) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
}

export function hasToken() {
    return sessionStorage.getItem(KEY) !== null;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>} what was answered, or null where that was nothing
 */
export async function ask(method, path, body) {
    /** @type {Record<string, string>} */
    const headers = {};
    const token = sessionStorage.getItem(KEY);
    if (token) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    let response;
    try {
        // What was asked for on leaving the page is still sent.
        response = await fetch(path, { method, headers, keepalive: method !== 'GET', body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(35_000) });
    } catch {
        throw new Refused(0, 'the dashboard’s server does not answer');
    }
    const text = await response.text();
    /** @type {any} */
    let answer = null;
    try {
        answer = text ? JSON.parse(text) : null;
    } catch {
        // Not JSON: told by its status alone.
    }
    if (!response.ok) throw new Refused(response.status, answer?.detail ?? answer?.title ?? `the server answered ${response.status}`);
    return answer;
}

/** @param {string} service */
const of = (service) => `/api/services/${encodeURIComponent(service)}`;

/** Whether this caller may change things. */
export const me = () => ask('GET', '/api/me');

/** One order; `count` is where in the chain it begins. @param {number} [count] */
export const sendOrder = (count) => ask('POST', '/api/order', count === undefined ? undefined : { count });

/** Orders a second; 0 stops. @param {number} rate */
export const setLoad = (rate) => ask('PUT', '/api/load', { rate });

/** The lesson is this page's for half a minute. @param {string} page */
export const takeLesson = (page) => ask('PUT', '/api/lesson', { page });

/** @param {string} page */
export const leaveLesson = (page) => ask('DELETE', '/api/lesson', { page });

/** @param {string} service */
export const chaos = (service) => ask('GET', `${of(service)}/chaos`);

/** All faults of a service in one call. @param {string} service @param {{enabled?: boolean, preset?: string | null, rules?: object[]}} whole */
export const putChaos = (service, whole) => ask('PUT', `${of(service)}/chaos`, whole);

/** @param {string} service @param {string} preset */
export const setPreset = (service, preset) => ask('POST', `${of(service)}/chaos/presets/${encodeURIComponent(preset)}`);

/** @param {string} service @param {'reset' | 'enable' | 'disable'} what */
export const setChaos = (service, what) => ask('POST', `${of(service)}/chaos/${what}`);

/** @param {string} service @param {string} name @param {object} rule */
export const setRule = (service, name, rule) => ask('PUT', `${of(service)}/chaos/rules/${encodeURIComponent(name)}`, rule);

/** @param {string} service @param {string} name */
export const removeRule = (service, name) => ask('DELETE', `${of(service)}/chaos/rules/${encodeURIComponent(name)}`);

/** The oldest orders that a service has set aside. @param {string} service */
export const setAside = (service) => ask('GET', `${of(service)}/queue?state=set_aside&limit=20`);

/** Nothing is answered where it works. @param {string} service @param {string} key */
export const retry = (service, key) => ask('POST', `${of(service)}/queue/${encodeURIComponent(key)}/retry`).then(() => true);

/** @param {string} service @param {string} key */
export const drop = (service, key) => ask('DELETE', `${of(service)}/queue/${encodeURIComponent(key)}`).then(() => true);

/** @param {string} service */
export const circuit = (service) => ask('GET', `${of(service)}/circuit`);

/** @param {string} service @param {{mode?: string, settings?: object}} change */
export const setCircuit = (service, change) => ask('PUT', `${of(service)}/circuit`, change);
