// The page against a stand-in: what a real stack does only by luck or by force.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, launch, open, shows } from './browser.js';
import { startMock } from './mock.js';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** @param {object} options @param {(given: {mock: any, page: import('playwright-core').Page, calm: () => void}) => Promise<void>} run @param {object} [view] */
async function withPage(options, run, view = {}) {
    const mock = await startMock(options);
    const opened = await open(browser, mock.url, view);
    try {
        await run({ mock, page: opened.page, calm: opened.calm });
    } finally {
        await opened.close();
        await mock.close();
    }
}

const notice = (page, words) => page.locator('.notice', { hasText: words });

test('a service that goes away is told, and found again', () => withPage({}, async ({ mock, page, calm }) => {
    mock.away('payment', true);
    await notice(page, 'payment is away').waitFor();
    await page.locator('.node[data-service="payment"] .node-word', { hasText: 'Away' }).waitFor();
    await shows(page, 'payment', 'Unknown');
    await page.locator('#circuit-payment .card-away', { hasText: 'payment is away since' }).waitFor();
    assert.equal(await page.locator('#circuit-payment fieldset').evaluate((fields) => fields.disabled), true);
    await shows(page, 'order', 'Closed');
    mock.away('payment', false);
    await shows(page, 'payment', 'Closed');
    await notice(page, 'payment is away').waitFor({ state: 'detached' });
    await page.locator('.line', { hasText: 'payment is back' }).waitFor();
    calm();
}));

test('the server goes away and comes back: told, and found again', () => withPage({}, async ({ mock, page, calm }) => {
    const port = Number(new URL(mock.url).port);
    await mock.close();
    await notice(page, 'server does not answer').waitFor();
    assert.equal(await page.locator('#link').textContent(), 'Server away');
    const again = await startMock({ port });
    try {
        await page.locator('#link', { hasText: 'Live' }).waitFor();
        await notice(page, 'server does not answer').waitFor({ state: 'detached' });
        await page.locator('.line', { hasText: 'server is back' }).waitFor();
        await page.locator('#send').click();
        await page.locator('#answer', { hasText: '200' }).waitFor();
        calm();
    } finally {
        await again.close();
    }
}, { allow: /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/ }));

test('garbage in the stream is passed over', () => withPage({}, async ({ mock, page, calm }) => {
    mock.services.get('payment').garbage = true;
    for (const text of ['event: snapshot\ndata: {"service":"order","circuit":{"state":"closed"}}\n\n', 'event: transition\ndata: 7\n\n', 'event: request\ndata: {"service":"order","trace":[1]}\n\n', 'event: load\ndata: null\n\n', 'event: service\ndata: {}\n\n']) {
        for (const stream of mock.pages) stream.write(text);
    }
    const asked = mock.services.get('order').requests;
    await page.locator('#send').click();
    await eventually(() => asked.total === 1, 'an order is sent');
    await page.locator('.node[data-service="order"] .node-more', { hasText: '1 in all' }).waitFor();
    calm();
}));

test('who may not change anything is told why, and can give a token', () => withPage({ token: 'open sesame' }, async ({ page, calm }) => {
    await notice(page, 'ADMIN_TOKEN').waitFor();
    assert.ok(await page.locator('#send').isDisabled());
    assert.ok(await page.locator('[data-preset="outage"]').isDisabled());
    await page.locator('#token').fill('wrong');
    await page.locator('.token button').click();
    await notice(page, 'does not know this token').waitFor();
    await page.locator('#token').fill('open sesame');
    await page.locator('#token').press('Enter');
    await notice(page, 'token').waitFor({ state: 'detached' });
    await page.locator('#send').click();
    await page.locator('#answer', { hasText: '200' }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('token')), null, 'a token does not outlive its tab');
    calm();
}));

test('where nobody may, the controls say so', () => withPage({ mayChange: false }, async ({ page, calm }) => {
    await notice(page, 'Nothing can be changed from here').waitFor();
    assert.ok(await page.locator('#load').isDisabled());
    await page.locator('#tab-lessons').click();
    assert.ok(await page.locator('[data-lesson="2"]').isDisabled());
    calm();
}));

test('a refused request is drawn, and never leaves its circuit', () => withPage({}, async ({ mock, page, calm }) => {
    mock.services.get('payment').circuit.mode = 'forced-open';
    await shows(page, 'payment', 'Forced open');
    await page.locator('#send').click();
    const dot = page.locator('.dot.out');
    await dot.waitFor({ state: 'attached' });
    const [furthest, lever] = await page.evaluate(() => {
        const layer = /** @type {Element} */ (document.querySelector('.travellers')).getBoundingClientRect();
        const stops = /** @type {KeyframeEffect} */ (document.querySelector('.dot.out')?.getAnimations()[0].effect).getKeyframes().map((frame) => new DOMMatrix(String(frame.transform)).e);
        const part = document.querySelectorAll('.switch')[1].getBoundingClientRect();
        return [Math.max(...stops), part.right - layer.left];
    });
    assert.ok(furthest < lever, `the dot goes to ${furthest}, and the switch ends at ${lever}`);
    await page.locator('.pop.kept').waitFor({ state: 'attached' });
    await page.locator('.dot.back.degraded').waitFor({ state: 'attached' });
    await page.locator('#requests td.kept', { hasText: 'not asked: open' }).waitFor();
    await page.locator('#requests td.end.degraded', { hasText: '200 without shipment' }).waitFor();
    assert.equal(mock.services.get('shipment').requests.total, 0);
    calm();
}));

test('with less motion the rows tell it, and nothing moves', () => withPage({}, async ({ mock, page, calm }) => {
    mock.services.get('shipment').set('outage');
    await page.locator('#send').click();
    await page.locator('#requests td.failed', { hasText: '503' }).waitFor();
    assert.match(await page.locator('#requests td.failed .cell-glyph').textContent() ?? '', /🐒/);
    assert.equal(await page.locator('.dot').count(), 0);
    assert.equal(await page.evaluate(() => document.getAnimations().filter((animation) => animation.playState === 'running').length), 0);
    assert.equal(await page.locator('#circuit-order .bars').getAttribute('transform'), 'translate(0 0)');
    calm();
}, { reducedMotion: 'reduce' }));

test('the log can be filtered, held and copied, and is bounded', () => withPage({}, async ({ mock, page, calm }) => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const tell = (from, to) => {
        for (let i = from; i < to; i += 1) for (const stream of mock.pages) stream.write(`event: config\ndata: ${JSON.stringify({ service: 'order', what: 'chaos', text: `change ${i}.` })}\n\n`);
    };
    tell(0, 1200);
    await page.locator('.line', { hasText: 'change 1199.' }).waitFor();
    assert.ok(await page.locator('.line').count() <= 300);
    await page.locator('#log-filter').fill('change 119');
    await eventually(async () => (await page.locator('.line').count()) === 10, 'ten lines are left');
    await page.locator('#log-filter').fill('');
    await page.locator('#log-pause').click();
    tell(1200, 1210);
    await page.locator('#log-pause', { hasText: '10 more' }).waitFor();
    assert.equal(await page.locator('.line', { hasText: 'change 1209.' }).count(), 0);
    await page.locator('#log-pause').click();
    await page.locator('.line', { hasText: 'change 1209.' }).waitFor();
    await page.locator('#log-copy').click();
    await page.locator('#toast', { hasText: 'copied' }).waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /🔧 order: change 1209\./);
    await page.locator('.kind[data-kind="config"]').click();
    await eventually(async () => (await page.locator('.line[data-kind="config"]').count()) === 0, 'no line of that kind is left');
    calm();
}));

test('the backlog is shown where there is one, and its lesson is offered', () => withPage({}, async ({ mock, page, calm }) => {
    assert.ok(await page.locator('#backlog').isHidden());
    await page.locator('#tab-lessons').click();
    assert.equal(await page.locator('[data-lesson="11"]').count(), 0);
    mock.services.get('payment').queue = { waiting: 7, oldest_ms: 4200, set_aside: 1, delivered: 12 };
    await page.locator('#backlog').waitFor();
    assert.deepEqual(await page.locator('#backlog dd').allTextContents(), ['payment', '7', '4.2 s', '1', '12']);
    await page.locator('[data-lesson="11"]').waitFor();
    await page.locator('.backlog-tells', { hasText: '7 orders wait, and they are handed on to shipment' }).waitFor();
    mock.services.get('payment').circuit.mode = 'forced-open';
    await page.locator('.backlog-tells', { hasText: 'was opened by hand' }).waitFor();
    calm();
}));

test('what was set aside is listed, tried again, and dropped for good at the second press', () => withPage({}, async ({ mock, page, calm }) => {
    const payment = mock.services.get('payment');
    const aside = (/** @type {number} */ number) => ({ key: `01a1fdbb-1c84-738e-ab53-0000000000${number}`, state: 'set_aside', attempts: number - 10, created_at: '2026-11-25T12:00:00.000Z', due_at: null, error: { code: 'EUPSTREAM', message: 'shipment: answered 422 Unprocessable Entity', response: { detail: 'directions: is missing' } } });
    payment.aside = [11, 12, 13].map(aside);
    const rows = page.locator('.aside tbody tr');
    await page.locator('.aside summary', { hasText: '3 orders set aside' }).click();
    await eventually(async () => (await rows.count()) === 3, 'three are listed');
    await rows.nth(1).locator('.why', { hasText: 'shipment: answered 422 Unprocessable Entity: directions: is missing' }).waitFor();
    assert.deepEqual(await rows.locator('td:nth-child(3)').allTextContents(), ['1', '2', '3']);

    await rows.nth(0).locator('button', { hasText: 'Try again' }).click();
    await page.locator('#toast', { hasText: 'tries 000000000011 again' }).waitFor();
    await eventually(() => payment.aside[0].attempts === 2, 'it is tried');
    await eventually(async () => (await rows.locator('td:nth-child(3)').first().textContent()) === '2', 'and shown so, when it comes back');

    const drop = rows.nth(2).locator('button', { hasText: 'Drop' });
    await drop.click();
    assert.equal(payment.aside.length, 3);
    await drop.click();
    await eventually(async () => (await rows.count()) === 2, 'it is gone');
    assert.equal(payment.aside.length, 2);
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'SUMMARY', 'the reader keeps a place');
    await page.locator('.aside summary', { hasText: '2 orders set aside' }).waitFor();
    payment.aside = [];
    await page.locator('.aside').waitFor({ state: 'hidden' });
    calm();
}));

test('who may not change anything sees what was set aside all the same', () => withPage({ mayChange: false }, async ({ mock, page, calm }) => {
    mock.services.get('order').aside = [{ key: '01a1fdbb-1c84-738e-ab53-000000000011', state: 'set_aside', attempts: 1, created_at: null, due_at: null, error: null }];
    await page.locator('.aside summary').click();
    await page.locator('.aside .why', { hasText: 'not known' }).waitFor();
    assert.equal(await page.locator('.aside button:enabled').count(), 0);
    calm();
}));

test('an answer that comes after its row was drawn is drawn into it', () => withPage({}, async ({ mock, page, calm }) => {
    mock.services.get('order').circuit.settings.timeout_ms = 5_000;
    mock.services.get('shipment').rules = [{ name: 'late', percentage: 100, delay: { fixedDelay: '1500ms' } }];
    await page.locator('#send').click();
    await page.locator('#requests td.timeout', { hasText: 'no answer within' }).waitFor();
    await page.locator('#requests td.unheard', { hasText: /answered after 1\.5 s: too late, waited for 3\d\d ms/ }).waitFor();
    assert.equal(await page.locator('#requests tbody tr').count(), 1);
    calm();
}));

test('a lesson can be stopped, says why it failed, and tidies up each time', () => withPage({}, async ({ mock, page, calm }) => {
    const payment = mock.services.get('payment');
    mock.services.get('shipment').set('slow');
    Object.assign(payment.circuit.settings, { reset_ms: 7000, volume: 3 });
    mock.load.rate = 3;
    await page.locator('#circuit-payment .tuning-line', { hasText: 'probe after 7 s' }).waitFor();
    await page.locator('.node[data-service="shipment"] .node-fault', { hasText: 'slow' }).waitFor();
    await page.locator('#tab-lessons').click();
    await page.locator('[data-lesson="4"]').click();
    await eventually(() => payment.circuit.settings.reset_ms === 4000 && mock.services.get('shipment').preset === 'calm', 'the scene is set');
    await page.locator('#lesson-stop').click();
    await page.locator('.running[data-outcome="stopped"][data-phase="over"]').waitFor();
    assert.deepEqual([payment.circuit.settings.reset_ms, payment.circuit.settings.volume, mock.services.get('shipment').preset, mock.load.rate], [7000, 3, 'slow', 3]);
    mock.away('shipment', true);
    await notice(page, 'shipment is away').waitFor();
    await page.locator('#lesson-again').click();
    await page.locator('.running[data-outcome="failed"][data-phase="over"] .result', { hasText: 'not all of them are there' }).waitFor();
    calm();
}, { allow: /status of 502/ }));

test('a lesson puts back what was set a moment before it, too', () => withPage({}, async ({ mock, page, calm }) => {
    const [payment, shipment] = ['payment', 'shipment'].map((name) => mock.services.get(name));
    await page.locator('#tab-lessons').click();
    // The page does not hear of it.
    mock.quiet = true;
    shipment.set('slow');
    payment.circuit.settings.volume = 3;
    await page.locator('[data-lesson="4"]').click();
    await eventually(() => payment.circuit.settings.reset_ms === 4000 && shipment.preset === 'calm', 'the scene is set');
    mock.quiet = false;
    await page.locator('#lesson-stop').click();
    await page.locator('.running[data-outcome="stopped"][data-phase="over"]').waitFor();
    assert.deepEqual([shipment.preset, payment.circuit.settings.volume], ['slow', 3]);
    calm();
}));

test('who leaves in the midst of a lesson leaves nothing broken', () => withPage({}, async ({ mock, page }) => {
    const [payment, shipment] = ['payment', 'shipment'].map((name) => mock.services.get(name));
    payment.circuit.settings.volume = 3;
    await page.locator('#circuit-payment .tuning-line', { hasText: 'at least 3' }).waitFor();
    await page.locator('#start-button').click();
    await eventually(() => shipment.preset === 'outage' && mock.load.rate === 10, 'it is broken');
    await page.goto('about:blank');
    await eventually(() => shipment.preset === 'calm' && mock.load.rate === 0 && payment.circuit.settings.volume === 3, 'all is as it was');
}));

test('a page that comes out of the background shows what is', () => withPage({}, async ({ mock, page, calm }) => {
    const other = await page.context().newPage();
    await other.goto(`${mock.url}/`);
    await other.bringToFront();
    mock.services.get('order').circuit.mode = 'forced-closed';
    await shows(other, 'order', 'Forced closed');
    await page.bringToFront();
    await shows(page, 'order', 'Forced closed');
    calm();
}));

test('a lesson says what its scene waits for, and each step to those who listen', () => withPage({}, async ({ mock, page, calm }) => {
    const { circuit } = mock.services.get('payment');
    circuit.turn('open', 'for the test');
    circuit.until = Date.now() + 3_000;
    await shows(page, 'payment', 'Open');
    await page.locator('#tab-lessons').click();
    await page.locator('[data-lesson="1"]').click();
    await page.locator('.running .result', { hasText: 'Setting the scene…' }).waitFor();
    await page.locator('.running .note', { hasText: /Waiting: the circuit payment→shipment is open, and is probed in [123] s\./ }).waitFor();
    await page.locator('.running [role="status"]', { hasText: 'Step 1 of 3: Twenty orders a second are answered' }).waitFor({ state: 'attached' });
    calm();
}));

test('after a lesson it is said what is still open, and why', () => withPage({}, async ({ mock, page, calm }) => {
    mock.services.get('payment').queue = { waiting: 7, oldest_ms: 4200, set_aside: 0, delivered: 0 };
    await page.locator('#tab-lessons').click();
    await page.locator('[data-lesson="2"]').click();
    await page.locator('#lesson-stop').focus();
    await page.locator('.running[data-outcome="passed"][data-phase="over"]').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'lesson-again', 'the reader keeps a place');
    await page.locator('.running .note', { hasText: 'The circuit from payment to shipment is still open: it closes by itself when its next probe is answered. 7 orders wait behind it' }).waitFor();
    calm();
}));

test('on a phone nothing is cut off, and everything is large enough to touch', () => withPage({}, async ({ mock, page, calm }) => {
    mock.services.get('payment').aside = [{ key: '01a1fdbb-1c84-738e-ab53-000000000011', state: 'set_aside', attempts: 1, created_at: null, due_at: null, error: { code: 'EUPSTREAM', message: 'shipment: answered 422 Unprocessable Entity, since something is missing' } }];
    mock.services.get('shipment').set('outage');
    await page.locator('#send').click();
    await page.locator('#requests tbody tr').waitFor();
    for (const tab of ['#tab-play', '#tab-lessons']) {
        await page.locator(tab).click();
        await page.evaluate(() => { for (const details of document.querySelectorAll('details')) details.open = true; });
        await page.locator('.aside .why', { hasText: '422' }).waitFor();
        const found = await page.evaluate(() => ({
            width: document.documentElement.scrollWidth,
            scrolled: [...document.querySelectorAll('.scroll-x')].filter((box) => box.clientWidth > 0 && box.scrollWidth > box.clientWidth).map((box) => box.getAttribute('aria-label')),
            small: [...document.querySelectorAll('button, input, select, summary')].map((one) => /** @type {HTMLElement} */ (one)).filter((one) => one.offsetParent && (one.offsetHeight < 44 || one.offsetWidth < 44)).map((one) => one.outerHTML.slice(0, 90)),
        }));
        assert.deepEqual(found, { width: 390, scrolled: [], small: [] });
    }
    calm();
}, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }));
