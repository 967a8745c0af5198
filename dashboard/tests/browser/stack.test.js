// The page against the real stack: break it, see it open, mend it, see it heal; by mouse and by keyboard alone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, eventually, launch, open, shows } from './browser.js';
import { startStack } from './stack.js';

/** Soon probed, and a time-out that a busy machine does not reach. */
const SETTINGS = { BREAKER_RESET_MS: '3000', BREAKER_TIMEOUT_MS: '2000' };

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStack>>} */
let stack;
before(async () => {
    [browser, stack] = await Promise.all([launch(), startStack(SETTINGS)]);
});
after(async () => {
    await browser?.close();
    await stack?.close();
});

/** Ends a test with everything as it was. */
async function calmStack() {
    await call(stack.url, 'PUT', '/api/load', { rate: 0 });
    for (const service of ['order', 'payment', 'shipment']) await call(stack.url, 'POST', `/api/services/${service}/chaos/presets/calm`);
    for (const service of ['order', 'payment']) await call(stack.url, 'PUT', `/api/services/${service}/circuit`, { mode: 'auto', settings: { timeout_ms: 2000, error_threshold: 50, reset_ms: 3000, volume: 0 } });
    // An open circuit closes by a probe.
    await eventually(async () => {
        const states = await Promise.all(['order', 'payment'].map((service) => circuit(service)));
        if (states.every(({ state }) => state === 'closed')) return true;
        await call(stack.url, 'POST', '/api/order');
        return false;
    }, 'the circuits are closed again');
}

/** @param {(given: {page: import('playwright-core').Page, calm: () => void}) => Promise<void>} run @param {object} [view] */
async function withPage(run, view = {}) {
    const opened = await open(browser, stack.url, view);
    try {
        await opened.page.locator('#link', { hasText: 'Live' }).waitFor();
        await run({ page: opened.page, calm: opened.calm });
    } finally {
        await calmStack();
        await opened.close();
    }
}

/** @param {string} service @param {string} [url] */
const circuit = async (service, url = stack.url) => (await call(url, 'GET', `/api/services/${service}/circuit`)).body;

test('an outage opens the circuit, the countdown falls, and mending heals it', () => withPage(async ({ page, calm }) => {
    // Long enough to see it fall, and to see that it is the client that counts.
    await call(stack.url, 'PUT', '/api/services/payment/circuit', { settings: { reset_ms: 6000 } });
    await page.locator('[data-preset="outage"]').click();
    await page.locator('.node[data-service="shipment"] .node-fault', { hasText: 'outage' }).waitFor();
    await page.locator('.quick[data-rate="5"]').click();
    await shows(page, 'payment', 'Open');
    await page.locator('.wire-part[data-name="open"]').waitFor();
    await page.locator('#circuit-payment .reason', { hasText: '%' }).waitFor();
    await page.locator('#announce', { hasText: 'payment to shipment opened' }).waitFor({ state: 'attached' });
    const left = page.locator('#circuit-payment .card-head .left');
    const seen = new Set();
    const readings = await eventually(async () => {
        const text = await left.textContent();
        if (text) seen.add(Number.parseFloat(text));
        return seen.size >= 12 ? [...seen] : null;
    }, 'the countdown falls');
    assert.deepEqual(readings, [...readings].sort((a, b) => b - a), 'it only falls');
    assert.ok(readings[0] <= 6 && readings.at(-1) < readings[0]);
    await page.locator('#circuit-payment .edge[data-lit]').waitFor({ state: 'attached' });
    assert.match(await page.title(), /payment→shipment open/);

    await page.locator('[data-preset="calm"]').click();
    await page.locator('#log-lines .line[data-tone="half-open"]').waitFor();
    await page.locator('#log-lines .line[data-tone="closed"]').waitFor();
    await shows(page, 'payment', 'Closed');
    await page.locator('#circuit-payment .reason', { hasText: 'Half-open → Closed' }).waitFor();
    await page.locator('#timeline .band.open').waitFor({ state: 'attached' });
    calm();
}));

test('half-open is shown until a probe comes', async () => {
    // What is queued would probe by itself.
    const alone = await startStack({ ...SETTINGS, FALLBACK: 'none' });
    const opened = await open(browser, alone.url);
    try {
        await untilProbed(opened, alone.url);
    } finally {
        await opened.close();
        await alone.close();
    }
});

/** @param {Awaited<ReturnType<typeof open>>} opened @param {string} url */
async function untilProbed({ page, calm }, url) {
    await page.locator('#link', { hasText: 'Live' }).waitFor();
    await page.locator('[data-preset="outage"]').click();
    await eventually(async () => {
        await page.locator('#send').click();
        return (await circuit('payment', url)).state === 'open';
    }, 'orders by hand open it');
    await shows(page, 'payment', 'Open');
    await page.locator('[data-preset="calm"]').click();
    await shows(page, 'payment', 'Half-open');
    await page.locator('.wire-note', { hasText: 'the next call is the probe' }).waitFor();
    await page.locator('#send').click();
    await shows(page, 'payment', 'Closed');
    await page.locator('#answer[data-tone="ok"]').waitFor();
    await page.locator('#requests tr[data-end="ok"]').first().waitFor();
    calm();
}

test('a circuit can be forced and released, and its settings changed while it runs', () => withPage(async ({ page, calm }) => {
    await page.locator('#circuit-order summary').click();
    await page.locator('#circuit-order [data-mode="open"]').click();
    await shows(page, 'order', 'Forced open');
    const before = (await circuit('payment')).totals.fires;
    await page.locator('#send').click();
    await page.locator('#requests td.kept', { hasText: 'not asked: open' }).first().waitFor();
    assert.equal((await circuit('payment')).totals.fires, before);
    await page.locator('#circuit-order [data-mode="closed"]').click();
    await shows(page, 'order', 'Forced closed');
    await page.locator('#circuit-order [data-mode="auto"]').click();
    await shows(page, 'order', 'Closed');
    for (const [field, value, words] of [['timeout_ms', 1200, '1.2 s'], ['error_threshold', 70, '70 %'], ['reset_ms', 5000, '5 s'], ['volume', 25, '25 calls']]) {
        await page.locator(`#order-${field}`).fill(String(value));
        await eventually(async () => (await circuit('order')).settings[field] === value, `${field} is ${value}`);
        await page.locator(`output[for="order-${field}"]`, { hasText: String(words) }).waitFor();
    }
    await page.locator('#circuit-order .volume-words', { hasText: 'not judged yet' }).waitFor();
    await page.locator('#circuit-order .threshold-words.strong', { hasText: '70 %' }).waitFor();
    calm();
}));

test('a rule of one’s own strikes, is marked, and can be removed', () => withPage(async ({ page, calm }) => {
    await page.locator('#play .segmented button', { hasText: 'order' }).click();
    await page.locator('.own summary').click();
    await page.locator('#own-share').fill('100');
    await page.locator('#own-amount').fill('500');
    await page.locator('.own form button').click();
    await page.locator('.rules li', { hasText: 'by-hand' }).waitFor();
    await page.locator('#send').click();
    await page.locator('#answer[data-tone="failed"]', { hasText: '500' }).waitFor();
    await page.locator('#requests td.failed', { hasText: '🐒' }).first().waitFor();
    await page.locator('.line[data-kind="fault"]', { hasText: 'by-hand' }).first().waitFor();
    await page.locator('#faults-power', { hasText: 'Switch faults off' }).click();
    await page.locator('.rules li:not([data-on])').waitFor();
    await page.locator('#send').click();
    await page.locator('#answer[data-tone="ok"]').waitFor();
    await page.locator('#faults-power', { hasText: 'Switch faults on' }).click();
    await page.locator('.rules li[data-on]').waitFor();
    await page.locator('.rules li button').click();
    await page.locator('.rules li').waitFor({ state: 'detached' });
    await page.locator('#send').click();
    await page.locator('#answer[data-tone="ok"]').waitFor();
    calm();
}));

test('a steady load runs, tells degraded from true answers, and stops', () => withPage(async ({ page, calm }) => {
    await page.locator('#load').fill('20');
    await page.locator('output[for="load"]', { hasText: '20/s' }).waitFor();
    const answered = page.locator('.load-figures .answered b');
    const degraded = page.locator('.load-figures .degraded b');
    await eventually(async () => Number(await answered.textContent()) >= 10, 'orders are answered');
    assert.equal(await degraded.textContent(), '0');
    await page.locator('[data-preset="outage"]').click();
    await eventually(async () => Number(await degraded.textContent()) >= 5, 'answers are degraded');
    await page.locator('.dot.back.degraded').first().waitFor({ state: 'attached' });
    await page.locator('.quick[data-rate="0"]').click();
    await eventually(async () => (await call(stack.url, 'GET', '/api/load')).body.rate === 0, 'it stops');
    calm();
}));

test('by keyboard alone', () => withPage(async ({ page, calm }) => {
    const { keyboard } = page;
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent);
    await keyboard.press('Tab');
    assert.match(await focused(), /Skip to the circuits/);
    await keyboard.press('Enter');
    assert.equal(await focused(), 'circuits');
    // Shortcuts: fault, load, then mending it.
    await keyboard.press('4');
    await page.locator('[data-preset="outage"][aria-pressed="true"]').waitFor();
    await keyboard.press('l');
    await shows(page, 'payment', 'Open');
    await keyboard.press('1');
    await shows(page, 'payment', 'Closed');
    await keyboard.press('l');
    await page.locator('.quick[data-rate="0"][aria-pressed="true"]').waitFor();
    // Help: opened, closed, and single keys turned off there.
    await keyboard.press('?');
    await page.locator('#help[open]').waitFor();
    await page.locator('#keys-on').focus();
    await keyboard.press('Space');
    await keyboard.press('Escape');
    await page.locator('#help:not([open])').waitFor({ state: 'attached' });
    await keyboard.press('t');
    assert.ok(await page.locator('#numbers').isHidden(), 'single keys are off');
    // The same by Tab and Enter.
    await page.locator('#table-button').focus();
    await keyboard.press('Enter');
    await page.locator('#numbers').waitFor();
    await page.locator('#numbers-table', { hasText: 'Failures in a row' }).waitFor();
    await page.locator('#tab-play').focus();
    await keyboard.press('ArrowRight');
    await page.locator('#lessons').waitFor();
    assert.equal(await focused(), 'tab-lessons');
    // Everything that can be pressed can be reached, and shows that it is.
    const reached = new Set();
    await page.locator('.skip').focus();
    for (let i = 0; i < 120; i += 1) {
        const here = await page.evaluate(() => {
            const element = /** @type {HTMLElement} */ (document.activeElement);
            const { outlineStyle, outlineWidth } = getComputedStyle(element);
            return { name: element.id || element.textContent?.trim() || element.tagName, seen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2, body: element === document.body };
        });
        if (here.body && i > 5) break;
        if (!here.body) assert.ok(here.seen, `the focus on ${here.name} is seen`);
        reached.add(here.name);
        await keyboard.press('Tab');
    }
    for (const name of ['presenter-button', 'help-button', 'tab-lessons', 'log-filter', 'log-pause', 'log-lines', 'requests', 'numbers-table']) assert.ok(reached.has(name), `${name} is reached; reached were ${[...reached].join(', ')}`);
    calm();
}));

test('theme, table and presenter mode are remembered', () => withPage(async ({ page, calm }) => {
    await page.locator('#theme-button').click();
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
    await page.locator('#theme-button').click();
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'light');
    await page.locator('#presenter-button').click();
    assert.ok(await page.locator('#drive').isHidden());
    const size = await page.locator('.wire-part .chip-word').first().evaluate((word) => parseFloat(getComputedStyle(word).fontSize));
    assert.ok(size >= 24, `the state's word is ${size} px high`);
    await page.reload();
    await page.locator('.card').first().waitFor();
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'light');
    assert.ok(await page.locator('#drive').isHidden());
    calm();
}));

test('within thirty seconds of the first look, with one click, an open circuit', async () => {
    // As it starts for everybody, failing shipments and all.
    const fresh = await startStack({ INJECT_ERR: '1' });
    const begun = performance.now();
    const { page, calm, close } = await open(browser, fresh.url);
    try {
        await page.locator('.node-fault', { hasText: 'inject-err 40 %' }).waitFor();
        await page.locator('#start-button').click();
        await shows(page, 'payment', 'Open');
        assert.ok(performance.now() - begun < 30_000);
        await page.locator('.running[data-outcome="passed"][data-phase="over"]').waitFor();
        await page.locator('.node-fault', { hasText: 'inject-err 40 %' }).waitFor();
        calm();
    } finally {
        await close();
        await fresh.close();
    }
});

test('two pages on one stack see the same', () => withPage(async ({ page, calm }) => {
    const second = await open(browser, stack.url, { colorScheme: 'light' });
    await page.locator('#circuit-payment summary').click();
    await page.locator('#circuit-payment [data-mode="open"]').click();
    await shows(second.page, 'payment', 'Forced open');
    await second.page.locator('.line[data-kind="config"]').first().waitFor();
    await page.locator('#circuit-payment [data-mode="auto"]').click();
    await shows(second.page, 'payment', 'Closed');
    second.calm();
    await second.close();
    calm();
}));

test('an order that payment finds fault with is set aside, tried again, and dropped', () => withPage(async ({ page, calm }) => {
    const order = { id: '1', items: [], payment: { id: '1', shipment: { id: '1', directions: 'home' } } };
    await call(stack.services.order, 'POST', '/create', order, { accept: 'application/json' });
    await page.locator('.aside summary', { hasText: '1 order set aside' }).click();
    const row = page.locator('.aside tbody tr');
    await row.locator('.why', { hasText: 'payment: answered 422 Unprocessable Entity: amount: is missing' }).waitFor();
    const tries = async () => Number(await row.locator('td:nth-child(3)').textContent());
    const before = await tries();
    await row.locator('button', { hasText: 'Try again' }).click();
    await eventually(async () => (await row.count()) === 1 && (await tries()) > before, 'it is tried, and set aside again');
    await row.locator('button', { hasText: 'Drop' }).click();
    await row.locator('button', { hasText: 'Drop for good' }).click();
    await page.locator('.backlog-of[data-service="order"] .aside').waitFor({ state: 'hidden' });
    assert.equal((await call(stack.services.order, 'GET', '/queue?state=set_aside')).body.queue.length, 0);
    calm();
}));

test('a time-out is told from a later delivery', () => withPage(async ({ page, calm }) => {
    for (const service of ['order', 'payment']) await call(stack.url, 'PUT', `/api/services/${service}/circuit`, { settings: { timeout_ms: service === 'order' ? 2000 : 300 } });
    await call(stack.url, 'PUT', '/api/services/shipment/chaos', { rules: [{ name: 'late', phase: 'after', delay: { fixedDelay: '1500ms' } }] });
    await page.locator('.node[data-service="shipment"] .node-fault', { hasText: 'late' }).waitFor();
    await page.locator('#send').click();
    const row = page.locator('#requests tbody tr').first();
    // It is held up after the save, and goes on when payment leaves.
    await row.locator('.timeout', { hasText: /🐒no answer within \d+ ms; saved all the same/ }).waitFor();
    await call(stack.url, 'PUT', '/api/services/shipment/chaos', { rules: [] });
    await row.locator('.delivered', { hasText: 'delivered later' }).waitFor();
    calm();
}));
