// Runs a lesson: keeps what is set, sets the scene, goes through the steps, and puts everything back, whatever happens.
//
// It acts by the same calls as the controls, and believes only what the services' events say.

import { CAST } from './lessons.js';
import { unsettled } from './scene.js';

/**
 * @typedef {import('./lessons.js').Lesson} Lesson
 * @typedef {import('./types.js').Known} Known
 * @typedef {typeof import('./api.js')} Api
 *
 * @typedef {object} Run what the panel shows
 * @property {Lesson} lesson
 * @property {'scene' | 'steps' | 'tidying' | 'over'} phase
 * @property {number} step
 * @property {'passed' | 'failed' | 'stopped' | null} outcome
 * @property {string} why it failed
 * @property {string} waits what the scene waits for
 *
 * @typedef {object} Kept what was set before a lesson
 * @property {number} rate
 * @property {{name: string, chaos: import('./types.js').Chaos | null, circuit: import('./types.js').Circuit | null}[]} services
 *
 * @typedef {object} Context what a step is given
 * @property {Known} known
 * @property {Record<string, number>} memo
 * @property {(name: string) => import('./types.js').Service} service
 * @property {(name: string) => import('./types.js').Circuit} circuit
 * @property {(name: string) => number} total requests that a service has had
 * @property {() => number} waiting
 * @property {() => number} delivered
 * @property {(event: string, fits: (data: any) => boolean, inLesson?: boolean) => boolean} saw since the step began, or the lesson
 * @property {(ms: number) => Promise<void>} heardAfter resolves when every service was heard that much later
 * @property {(rate: number) => Promise<unknown>} load
 * @property {(count?: number) => Promise<unknown>} order
 * @property {(service: string, preset: string) => Promise<unknown>} preset
 * @property {(service: string, name: string, rule: object) => Promise<unknown>} rule
 * @property {(service: string, settings: object) => Promise<unknown>} settings
 */

/**
 * As the services start, but for the time-out, which is long, so that on a busy machine only what a lesson breaks is broken.
 * Lessons go by these, whatever the knobs say, and put the knobs back.
 */
const STANDARD = { timeout_ms: 2000, error_threshold: 50, reset_ms: 10_000, volume: 0, capacity: null };
const FIELDS = Object.keys(STANDARD);
/** A step may take so long; the scene has to wait for a circuit to heal. */
const LIMIT = 45_000;
const EVENTS = 400;
const LOOK = 150;
const AGAIN = 250;
/** A snapshot that is under way when something was changed is not taken for news. */
const NEWS = 120;
/** The lesson is another page's when nothing was said of it for half a minute. */
const STILL_HERE = 5000;

class Stopped extends Error {}

/**
 * @param {Known} known
 * @param {Api} api
 * @param {() => void} changed
 */
export function teacher(known, api, changed) {
    /** @type {Run | null} */
    let run = null;
    /** @type {AbortController | null} */
    let stop = null;
    /** @type {{event: string, data: any, step: number}[]} */
    let events = [];
    let stepAt = 0;
    /** @type {Kept | null} */
    let kept = null;
    /** @type {Set<() => void>} */
    const watchers = new Set();
    const page = Math.random().toString(36).slice(2);
    /** @type {Set<number>} */
    const passed = new Set();

    /** Waits for a condition, looking at each event and now and then. @param {() => boolean} condition @param {number} limit @param {AbortSignal} signal @param {string} otherwise */
    function until(condition, limit, signal, otherwise) {
        return new Promise((/** @type {(value?: unknown) => void} */ resolve, reject) => {
            const end = () => {
                clearInterval(timer);
                clearTimeout(last);
                watchers.delete(look);
                signal.removeEventListener('abort', stopped);
            };
            const stopped = () => { end(); reject(new Stopped()); };
            const look = () => {
                let done = false;
                try {
                    done = condition();
                } catch {
                    // A service is away: not yet.
                }
                if (!done) return;
                end();
                resolve();
            };
            const timer = setInterval(look, LOOK);
            const last = setTimeout(() => { end(); reject(new Error(otherwise)); }, limit);
            watchers.add(look);
            signal.addEventListener('abort', stopped);
            if (signal.aborted) stopped();
            else look();
        });
    }

    const service = (/** @type {string} */ name) => {
        const found = known.services.find((one) => one.name === name);
        if (!found) throw new Error(`there is no ${name} in this chain`);
        return found;
    };
    const circuit = (/** @type {string} */ name) => {
        const found = service(name).circuit;
        if (!found) throw new Error(`${name} has no circuit`);
        return found;
    };
    const heard = (/** @type {number} */ since) => CAST.every((name) => service(name).heard > since);
    const inQueues = (/** @type {'waiting' | 'delivered'} */ field) => known.services.reduce((sum, one) => sum + (one.queue?.[field] ?? 0), 0);

    /** @param {AbortSignal} signal @returns {Context} */
    const contextFor = (signal) => ({
        known, service, circuit,
        memo: {},
        total: (name) => service(name).requests?.total ?? 0,
        waiting: () => inQueues('waiting'),
        delivered: () => inQueues('delivered'),
        saw: (event, fits, inLesson = false) => events.some((one) => one.event === event && (inLesson || one.step === run?.step) && fits(one.data)),
        heardAfter: async (ms) => {
            const since = Date.now() + ms;
            await until(() => heard(since), LIMIT, signal, 'The services are not heard.');
        },
        load: (rate) => api.setLoad(rate),
        order: (count) => api.sendOrder(count),
        preset: (name, preset) => api.setPreset(name, preset),
        rule: (name, rule, body) => api.setRule(name, rule, body),
        settings: (name, settings) => api.setCircuit(name, { settings }),
    });

    /** What to put back: as the services say now, since events tell of a change only later. @returns {Promise<Kept>} */
    async function keep() {
        const there = known.services.filter((one) => one.reachable);
        if (!CAST.every((name) => there.some((one) => one.name === name))) throw new Error(`This lesson needs ${CAST.join(', ')}, and not all of them are there.`);
        return {
            rate: known.load?.rate ?? 0,
            services: await Promise.all(there.map(async ({ name, chaos, circuit }) => ({
                name,
                chaos: chaos && await api.chaos(name),
                circuit: circuit && await api.circuit(name),
            }))),
        };
    }

    /** @param {Kept} kept */
    async function putBack(kept) {
        const failures = await Promise.allSettled([api.setLoad(kept.rate), ...kept.services.flatMap((one) => [
            one.chaos ? api.putChaos(one.name, asSet(one.chaos)) : null,
            one.circuit ? api.setCircuit(one.name, { mode: one.circuit.mode.replace('forced-', ''), settings: settingsOf(one.circuit.settings) }) : null,
        ])]);
        const failed = failures.find((each) => each.status === 'rejected');
        if (failed) throw new Error(`Not everything could be put back: ${/** @type {PromiseRejectedResult} */ (failed).reason.message}`);
    }

    /** @param {Lesson} lesson @param {AbortSignal} signal */
    async function setScene(lesson, signal) {
        const circuits = known.services.filter((one) => one.circuit).map((one) => one.name);
        await api.setLoad(0);
        await Promise.all([
            ...known.services.map((one) => api.putChaos(one.name, { preset: 'calm' })),
            ...circuits.map((name) => api.setCircuit(name, { mode: 'auto', settings: { ...STANDARD, ...lesson.scene?.circuits?.[name] } })),
        ]);
        const since = Date.now() + NEWS;
        let probing = false;
        const mine = run;
        /** @param {string} what */
        const waits = (what) => {
            if (mine) mine.waits = what;
            return what === '';
        };
        await until(() => {
            if (!heard(since)) return waits('the services have not been heard since it was set');
            // A circuit that was left half-open needs a call to close.
            if (!probing && circuits.some((name) => circuit(name).state === 'half-open')) {
                probing = true;
                api.sendOrder().catch(() => {}).finally(() => { probing = false; });
            }
            return waits(circuits.map((name) => unsettled(service(name), lesson.scene?.empty)).find(Boolean) ?? '');
        }, LIMIT, signal, 'The circuits did not come to rest.').catch((error) => {
            throw mine?.waits && !(error instanceof Stopped) ? new Error(`${error.message} Last, ${mine.waits}.`) : error;
        });
    }

    /** @param {import('./lessons.js').Step} step @param {Context} context @param {AbortSignal} signal */
    async function take(step, context, signal) {
        await step.act?.(context);
        stepAt = Date.now() + NEWS;
        const done = new AbortController();
        const looked = until(() => heard(stepAt) && step.until(context), LIMIT, signal, step.otherwise ?? `This did not happen within ${LIMIT / 1000} s.`);
        const repeated = step.again ? repeat(() => step.again?.(context), done.signal) : null;
        try {
            // What is done again and again may fail, too; then there is no use in waiting.
            await Promise.race(repeated ? [looked, repeated.then(() => new Promise(() => {}))] : [looked]);
        } finally {
            done.abort();
            looked.catch(() => {});
            await repeated?.catch(() => {});
        }
    }

    /** @param {Lesson} lesson */
    async function start(lesson) {
        if (run && run.phase !== 'over') return;
        const mine = { lesson, phase: 'scene', step: -1, outcome: null, why: '', waits: '' };
        run = /** @type {Run} */ (mine);
        stop = new AbortController();
        events = [];
        const context = contextFor(stop.signal);
        kept = null;
        changed();
        const here = setInterval(() => { api.takeLesson(page).catch(() => {}); }, STILL_HERE);
        try {
            await api.takeLesson(page);
            kept = await keep();
            await setScene(lesson, stop.signal);
            run.phase = 'steps';
            for (run.step = 0; run.step < lesson.steps.length; run.step += 1) {
                changed();
                await take(lesson.steps[run.step], context, stop.signal);
            }
            run.outcome = 'passed';
            passed.add(lesson.number);
        } catch (error) {
            run.outcome = error instanceof Stopped ? 'stopped' : 'failed';
            run.why = error instanceof Stopped ? '' : String(/** @type {Error} */ (error).message);
        }
        run.phase = 'tidying';
        changed();
        try {
            if (kept) await putBack(kept);
        } catch (error) {
            run.why = `${run.why} ${/** @type {Error} */ (error).message}`.trim();
        }
        clearInterval(here);
        api.leaveLesson(page).catch(() => {});
        run.phase = 'over';
        changed();
    }

    return {
        start,
        stop: () => stop?.abort(),
        /** For a page that is left in the midst of a lesson: there is no time to wait for anything. */
        leave() {
            if (!run || !kept || run.phase === 'over') return;
            stop?.abort();
            putBack(kept).catch(() => {});
            api.leaveLesson(page).catch(() => {});
        },
        passed,
        get run() { return run; },

        /** @param {string} event @param {any} data */
        heard(event, data) {
            if (!run || run.phase === 'over') return;
            if (event === 'transition' || event === 'request' || event === 'fault') {
                events.push({ event, data, step: run.step });
                if (events.length > EVENTS) events.splice(0, events.length - EVENTS);
            }
            for (const look of [...watchers]) look();
        },
    };
}

/** @param {() => Promise<unknown> | undefined} what @param {AbortSignal} signal */
async function repeat(what, signal) {
    while (!signal.aborted) {
        await what();
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
}

/** The fields that can be set. @param {Record<string, any>} settings */
function settingsOf(settings) {
    return Object.fromEntries(FIELDS.map((field) => [field, settings[field]]));
}

/** Faults as they were set. A rule whose time is over, or that has struck as often as it may, is not to begin anew. @param {import('./types.js').Chaos} chaos */
function asSet({ enabled, preset, rules }) {
    const spent = rules.filter(({ now, maxFaults }) => now?.remaining_ms === 0 || (now?.injected ?? 0) >= (maxFaults ?? Infinity));
    return { enabled, preset, rules: rules.map(({ now: _now, ...rule }) => (spent.some(({ name }) => name === rule.name) ? { ...rule, enabled: false } : rule)) };
}
