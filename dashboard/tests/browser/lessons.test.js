// Every lesson passes by its own checks, on the real stack, and leaves everything as it was.
//
// A lesson waits for windows to empty, so several stacks run at once, each with a few lessons.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LESSONS } from '../../web/lessons.js';
import { call, eventually, launch, open } from './browser.js';
import { startStack } from './stack.js';

const LANES = 4;
/** Settings that are not the usual ones, to see that they come back. */
const OWN = { timeout_ms: 450, error_threshold: 60, reset_ms: 2500, volume: 2, capacity: null };

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** What can be set, of all services. @param {string} url */
async function everything(url) {
    const set = {};
    for (const name of ['order', 'payment', 'shipment']) {
        const chaos = (await call(url, 'GET', `/api/services/${name}/chaos`)).body;
        set[name] = { preset: chaos.preset, rules: chaos.rules.map(({ now: _now, ...rule }) => rule) };
    }
    for (const name of ['order', 'payment']) {
        const { mode, settings } = (await call(url, 'GET', `/api/services/${name}/circuit`)).body;
        set[`${name}→`] = { mode, settings };
    }
    set.rate = (await call(url, 'GET', '/api/load')).body.rate;
    return set;
}

describe('lessons', { concurrency: LANES }, () => {
    for (let lane = 0; lane < LANES; lane += 1) {
        const lessons = LESSONS.filter((_, i) => i % LANES === lane);
        test(`lessons ${lessons.map((lesson) => lesson.number).join(', ')}`, async (t) => {
            const stack = await startStack();
            const { page, calm, close } = await open(browser, stack.url);
            try {
                await call(stack.url, 'PUT', '/api/services/payment/circuit', { settings: OWN });
                await call(stack.url, 'PUT', '/api/services/order/chaos/rules/own', { percentage: 0, delay: { fixedDelay: '1ms' } });
                const before = await everything(stack.url);
                await page.locator('#circuit-payment .tuning-line', { hasText: '450 ms' }).waitFor();
                await page.locator('#tab-lessons').click();
                for (const lesson of lessons) {
                    const queues = await page.locator('#backlog').isVisible();
                    if (lesson.offered && !queues) continue;
                    await t.test(`${lesson.number}. ${lesson.title}`, async () => {
                        await page.locator(`[data-lesson="${lesson.number}"].lesson`).click();
                        const over = page.locator(`.running[data-lesson="${lesson.number}"][data-phase="over"]`);
                        await over.waitFor({ timeout: 150_000 });
                        const said = await page.locator('.running .result').textContent();
                        assert.equal(await over.getAttribute('data-outcome'), 'passed', `${said}\n${await page.locator('.steps').innerText()}\n${stack.output().slice(-3000)}`);
                        assert.equal(await page.locator('.steps [data-state="done"]').count(), lesson.steps.length + 1);
                        await page.locator(`[data-lesson="${lesson.number}"].lesson .lesson-mark`, { hasText: 'passed' }).waitFor();
                        await eventually(async () => JSON.stringify(await everything(stack.url)) === JSON.stringify(before), 'everything is set as it was').catch(async () => assert.deepEqual(await everything(stack.url), before));
                    });
                }
                calm();
            } finally {
                await close();
                await stack.close();
            }
        });
    }
});
