// Everybody can use it: axe finds nothing, in both themes, at phone width, with the dialog open, in every state of a circuit;
// nothing is lost at 200 %, on a phone, or where the system chooses the colours.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, shows } from './browser.js';
import { startMock } from './mock.js';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startMock>>} */
let mock;
before(async () => {
    browser = await launch();
    mock = await startMock();
    // One of everything: an open circuit, a half-open one, faults, a backlog, a load.
    const [order, payment] = ['order', 'payment'].map((name) => mock.services.get(name));
    payment.set('slow');
    payment.queue = { waiting: 2, oldest_ms: 900, set_aside: 0, delivered: 4 };
    order.circuit.state = 'half-open';
    payment.circuit.state = 'open';
    payment.circuit.until = Date.now() + 3_600_000;
    payment.circuit.settings.reset_ms = 3_600_000;
    payment.circuit.settings.volume = 20;
    payment.circuit.last = { from: 'closed', to: 'open', when: Date.now(), reason: '6 of 10 calls failed (60.0 %), and the circuit opens above 50 %' };
});
after(async () => {
    await browser?.close();
    await mock?.close();
});

/** @param {object} view @param {(page: import('playwright-core').Page) => Promise<unknown>} [prepare] */
async function axe(view, prepare = async () => {}) {
    const { page, calm, close } = await open(browser, mock.url, { reducedMotion: 'reduce', ...view });
    try {
        await shows(page, 'payment', 'Open');
        await page.locator('#send').click();
        await page.locator('#requests tbody tr').first().waitFor();
        await prepare(page);
        // By evaluating, not by a script element: the policy of the page stays as it is.
        await page.evaluate(AXE);
        const { violations, passes } = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
        assert.ok(passes.length > 20, 'axe looked at something');
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`), []);
        calm();
    } finally {
        await close();
    }
}

const PHONE = { viewport: { width: 390, height: 844 } };
for (const colorScheme of ['dark', 'light']) {
    test(`axe finds nothing: ${colorScheme}`, () => axe({ colorScheme }, async (page) => {
        await page.locator('#circuit-payment summary').click();
        await page.locator('.own summary').click();
        await page.locator('#table-button').click();
    }));
    test(`axe finds nothing: ${colorScheme}, the other theme chosen by hand`, () => axe({ colorScheme: colorScheme === 'dark' ? 'light' : 'dark' }, async (page) => {
        while ((await page.locator('html').getAttribute('data-theme')) !== colorScheme) await page.locator('#theme-button').click();
    }));
    test(`axe finds nothing: ${colorScheme}, phone, with lessons`, () => axe({ colorScheme, ...PHONE }, (page) => page.locator('#tab-lessons').click()));
    test(`axe finds nothing: ${colorScheme}, the dialog open`, () => axe({ colorScheme }, (page) => page.locator('#help-button').click()));
    test(`axe finds nothing: ${colorScheme}, presenter`, () => axe({ colorScheme }, (page) => page.locator('#presenter-button').click()));
}

for (const [name, viewport] of Object.entries({ phone: { width: 360, height: 740 }, '200 % of 1280': { width: 640, height: 512 }, '400 % of 1280': { width: 320, height: 256 } })) {
    test(`nothing is cut off at the side: ${name}`, async () => {
        const { page, calm, close } = await open(browser, mock.url, { viewport });
        await shows(page, 'payment', 'Open');
        const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        assert.ok(wide <= room, `the page is ${wide} wide, and there is room for ${room}`);
        const outside = await page.evaluate(() => [...document.querySelectorAll('button, .chip, .node, h1, h2, .left')].filter((element) => {
            const { left, right, width } = element.getBoundingClientRect();
            return width > 0 && (left < 0 || right > innerWidth + 1) && !element.closest('.skip, .scroll-x');
        }).map((element) => element.textContent));
        assert.deepEqual(outside, []);
        calm();
        await close();
    });
}

test('a chip stays clear of the services beside it', async () => {
    for (const width of [1100, 1280, 1440, 1920]) {
        const { page, close } = await open(browser, mock.url, { viewport: { width, height: 900 } });
        await shows(page, 'payment', 'Open');
        const overlaps = await page.evaluate(() => {
            const nodes = [...document.querySelectorAll('.node')].map((node) => node.getBoundingClientRect());
            return [...document.querySelectorAll('.chip.big')].map((chip) => chip.getBoundingClientRect()).filter((chip) => nodes.some((node) => chip.left < node.right && chip.right > node.left && chip.top < node.bottom && chip.bottom > node.top)).length;
        });
        assert.equal(overlaps, 0, `at ${width}`);
        await close();
    }
});

test('where the system chooses the colours, states are still told apart', async () => {
    const { page, calm, close } = await open(browser, mock.url, { forcedColors: 'active' });
    await shows(page, 'payment', 'Open');
    const told = await page.evaluate(() => ['order', 'payment'].map((service) => [...document.querySelectorAll(`#circuit-${service} .state`)].map((node) => getComputedStyle(/** @type {Element} */ (node.querySelector('circle'))).fill)));
    for (const fills of told) assert.equal(new Set(fills).size, 2, 'the node it is in is filled otherwise');
    assert.equal(await page.locator('#circuit-payment .chip').evaluate((chip) => getComputedStyle(chip).borderTopStyle), 'solid');
    calm();
    await close();
});

test('a change of state is announced once, politely; the log is not', async () => {
    const { page, calm, close } = await open(browser, mock.url);
    const region = page.locator('#announce');
    assert.equal(await region.getAttribute('aria-live'), 'polite');
    assert.equal(await page.locator('#log-lines').getAttribute('aria-live'), null);
    assert.notEqual(await page.locator('#log-lines').getAttribute('role'), 'log');
    assert.equal(await page.locator('.left').first().evaluate((left) => left.closest('[aria-live]')), null, 'the countdown is not announced');
    await page.evaluate(() => {
        /** @type {any} */ (window).told = [];
        new MutationObserver(() => /** @type {any} */ (window).told.push(document.getElementById('announce')?.textContent)).observe(/** @type {Element} */ (document.getElementById('announce')), { childList: true, characterData: true, subtree: true });
    });
    for (const stream of mock.pages) stream.write(`event: transition\ndata: ${JSON.stringify({ service: 'order', circuit: 'order→payment', from: 'half-open', to: 'closed', reason: 'the probe was answered', at: new Date().toISOString(), turns: 9, failures: [], line: '🔌 status:: closed' })}\n\n`);
    await page.locator('#announce', { hasText: 'order to payment closed: the probe was answered' }).waitFor({ state: 'attached' });
    await page.locator('.line', { hasText: 'status:: closed' }).waitFor();
    assert.deepEqual(await page.evaluate(() => /** @type {any} */ (window).told), ['order to payment closed: the probe was answered']);
    calm();
    await close();
});
