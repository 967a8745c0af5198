// Who leaves the page in the midst of a lesson finds everything as it was, and so does who stays.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, eventually, launch, open } from './browser.js';
import { startStack } from './stack.js';

const SERVICES = ['order', 'payment', 'shipment'];

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStack>>} */
let stack;
before(async () => {
    [browser, stack] = await Promise.all([launch(), startStack({ INJECT_ERR: '1' })]);
    // Of each kind something: rules beside those of the environment, one that is spent, a preset, faults that are switched off.
    const put = (/** @type {string} */ service, /** @type {string} */ path, /** @type {object} */ body) => call(stack.url, 'PUT', `/api/services/${service}/${path}`, body);
    await put('shipment', 'chaos/rules/inject-err', { percentage: 10, phase: 'after', abort: { httpStatus: 502 } });
    await put('shipment', 'chaos/rules/own', { percentage: 0, delay: { fixedDelay: '1ms' }, seed: 3 });
    await put('payment', 'chaos', { rules: [{ name: 'one', percentage: 0, abort: { httpStatus: 503 } }], enabled: false });
    await put('order', 'chaos', { preset: 'recovering' });
    await put('payment', 'circuit', { mode: 'metrics-only', settings: { timeout_ms: 450, error_threshold: 60, reset_ms: 2500, volume: 2 } });
});
after(async () => {
    await browser?.close();
    await stack?.close();
});

/** What is set, in every service. */
async function everything() {
    const all = SERVICES.map(async (name) => {
        const chaos = (await call(stack.url, 'GET', `/api/services/${name}/chaos`)).body;
        const circuit = (await call(stack.url, 'GET', `/api/services/${name}/circuit`)).body;
        return { name, enabled: chaos.enabled, preset: chaos.preset, rules: chaos.rules.map(({ now: _now, ...rule }) => rule), mode: circuit?.mode, settings: circuit?.settings };
    });
    return { services: await Promise.all(all), rate: (await call(stack.url, 'GET', '/api/load')).body.rate };
}

/** @param {object} before */
async function isAsItWas(before) {
    const same = async () => JSON.stringify(await everything()) === JSON.stringify(before);
    await eventually(same, 'everything is as it was').catch(async () => assert.deepEqual(await everything(), before));
}

for (const [how, leave] of /** @type {[string, (page: import('playwright-core').Page) => Promise<unknown>][]} */ ([
    ['goes elsewhere', (page) => page.goto('about:blank')],
    ['loads it anew', (page) => page.reload()],
    ['closes it', (page) => page.close()],
])) {
    test(`a reader who ${how} in the midst of a lesson loses nothing`, async () => {
        const before = await everything();
        const { page, close } = await open(browser, stack.url);
        try {
            await page.locator('#tab-lessons').click();
            await page.locator('.lesson[data-lesson="3"]').click();
            await page.locator('.running[data-phase="steps"]').waitFor({ timeout: 60_000 });
            await eventually(async () => (await everything()).services[2].preset === 'outage', 'the lesson breaks shipment');
            assert.notDeepEqual(await everything(), before);
            await leave(page);
            await isAsItWas(before);
        } finally {
            await close();
        }
    });
}

test('what is spent does not begin anew', async () => {
    const rule = { name: 'spent', abort: { httpStatus: 503 }, maxFaults: 1 };
    await call(stack.url, 'PUT', '/api/services/shipment/chaos', { rules: [rule] });
    // A circuit may still be open from the lesson before.
    await eventually(async () => {
        await call(stack.url, 'POST', '/api/order');
        return (await call(stack.url, 'GET', '/api/services/shipment/chaos')).body.rules[0].now.injected === 1;
    }, 'it strikes, and is spent');
    const { page, close } = await open(browser, stack.url);
    try {
        await page.locator('#tab-lessons').click();
        await page.locator('.lesson[data-lesson="1"]').click();
        await page.locator('.running[data-phase="scene"], .running[data-phase="steps"]').waitFor();
        await eventually(async () => (await everything()).services[2].preset === 'calm', 'the scene is set');
        await page.locator('#lesson-stop').click();
        await page.locator('.running[data-phase="over"]').waitFor();
        const [{ name, enabled }] = (await everything()).services[2].rules;
        assert.deepEqual({ name, enabled }, { name: 'spent', enabled: false });
    } finally {
        await close();
    }
});

test('of two pages one has a lesson, and the other is told', async () => {
    const before = await everything();
    const [one, other] = await Promise.all([open(browser, stack.url), open(browser, stack.url)]);
    try {
        for (const { page } of [one, other]) await page.locator('#tab-lessons').click();
        await one.page.locator('.lesson[data-lesson="3"]').click();
        await one.page.locator('.running[data-phase="steps"]').waitFor({ timeout: 60_000 });
        await other.page.locator('.lesson[data-lesson="1"]').click();
        await other.page.locator('.running', { hasText: 'under way on another page' }).waitFor();
        await one.page.locator('#lesson-stop').click();
        await one.page.locator('.running[data-phase="over"]').waitFor();
        await isAsItWas(before);
        await other.page.locator('#lesson-again').click();
        await other.page.locator('.running[data-phase="scene"], .running[data-phase="steps"]').first().waitFor();
        await other.page.locator('#lesson-stop').click();
        await other.page.locator('.running[data-phase="over"]', { hasText: 'Stopped' }).waitFor();
        await isAsItWas(before);
    } finally {
        await Promise.all([one.close(), other.close()]);
    }
});
