// A page of another origin tries to break a stack on the reader's machine, by every means that a page has, and changes
// nothing. The page is a real one, in a real browser, and the stack is as it starts: no token, on loopback.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { call, launch } from './browser.js';
import { startStack } from './stack.js';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStack>>} */
let stack;
/** @type {import('node:http').Server} */
let server;
before(async () => {
    [browser, stack] = await Promise.all([launch(), startStack()]);
    server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>elsewhere</title><p>Hello'));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
});
after(async () => {
    await browser?.close();
    await stack?.close();
    server?.close();
});

const RULE = JSON.stringify({ percentage: 100, abort: { httpStatus: 500 } });

/** What an attacker would like to change: method, address, body. */
function targets() {
    const { order, payment, shipment, dashboard } = stack.services;
    return [
        ['PUT', `${order}/circuit`, '{"mode":"open"}'], ['PUT', `${payment}/circuit`, '{"mode":"open"}'],
        ['POST', `${shipment}/chaos/presets/outage`, ''], ['POST', `${order}/chaos/disable`, ''], ['POST', `${order}/chaos/presets/hang`, '{}'],
        ['PUT', `${shipment}/chaos/rules/evil`, RULE], ['POST', `${shipment}/chaos/rules/evil`, RULE], ['DELETE', `${shipment}/chaos/rules/evil`, ''],
        ['PUT', `${dashboard}/api/services/order/circuit`, '{"mode":"open"}'], ['POST', `${dashboard}/api/services/shipment/chaos/presets/outage`, ''],
        ['PUT', `${dashboard}/api/services/shipment/chaos/rules/evil`, RULE], ['PUT', `${dashboard}/api/load`, '{"rate":100}'], ['POST', `${dashboard}/api/load`, '{"rate":100}'],
        ['POST', `${dashboard}/api/order`, ''],
    ];
}

/** Everything that may not move. */
async function state() {
    const { order, payment, shipment, dashboard } = stack.services;
    const circuits = await Promise.all([order, payment].map((url) => call(url, 'GET', '/circuit')));
    const chaos = await Promise.all([order, payment, shipment].map((url) => call(url, 'GET', '/chaos')));
    const load = await call(dashboard, 'GET', '/api/load');
    return JSON.stringify({
        circuits: circuits.map(({ body: { mode, state: word, settings, totals } }) => ({ mode, word, settings, totals })),
        chaos: chaos.map(({ body: { enabled, preset, rules } }) => ({ enabled, preset, rules: rules.map((rule) => rule.name) })),
        load: [load.body.rate, load.body.sent],
    });
}

/** @param {(page: import('playwright-core').Page) => Promise<void>} attack @param {string} [host] */
async function tries(attack, host = '127.0.0.1') {
    const before = await state();
    const context = await browser.newContext();
    const page = await context.newPage();
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    await page.goto(`http://${host}:${port}/`);
    await attack(page);
    assert.equal(await state(), before);
    await context.close();
}

for (const mode of ['cors', 'no-cors']) {
    test(`by fetch, ${mode}`, () => tries(async (page) => {
        const told = await page.evaluate(async ([all, mode]) => {
            const told = [];
            for (const [method, url, body] of /** @type {string[][]} */ (all)) {
                for (const type of ['application/json', 'text/plain']) {
                    // A page may not PUT without leave, nor name JSON; what it may is a POST of text.
                    const simple = mode === 'no-cors';
                    try {
                        const response = await fetch(url, { method: simple ? 'POST' : method, mode: /** @type {RequestMode} */ (mode), credentials: 'include', body: body || undefined, headers: simple && type !== 'text/plain' ? {} : { 'content-type': type } });
                        told.push([response.type, response.ok]);
                    } catch {
                        told.push(['blocked', false]);
                    }
                }
            }
            return told;
        }, /** @type {[string[][], string]} */ ([targets(), mode]));
        assert.equal(told.length, targets().length * 2);
        for (const [type, ok] of told) assert.ok(type === 'blocked' || (type === 'opaque' && !ok), `${type} ${ok}`);
    }));
}

test('by a form, as text and as fields', () => tries(async (page) => {
    for (const [, url, body] of targets()) {
        for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
            const answered = page.waitForResponse((response) => response.url().split('?')[0] === url);
            await page.evaluate(([action, enctype, body]) => {
                const frame = document.createElement('iframe');
                frame.name = 'hidden';
                const form = document.createElement('form');
                Object.assign(form, { action, method: 'post', enctype, target: 'hidden' });
                const field = document.createElement('input');
                // As text this is JSON, but for the equals sign, which is put where it does no harm.
                Object.assign(field, { name: body ? body.replace(/}$/, ',"x":"') : 'x', value: '"}' });
                form.append(field);
                document.body.replaceChildren(frame, form);
                form.submit();
            }, [url, enctype, body]);
            const response = await answered;
            assert.ok(response.status() >= 400, `${url} answered ${response.status()} to a form`);
        }
    }
}));

test('by a beacon, an image, a script and an event source', () => tries(async (page) => {
    const read = await page.evaluate(async ([all, events]) => {
        for (const [, url, body] of /** @type {string[][]} */ (all)) navigator.sendBeacon(url, body);
        const loads = /** @type {string[][]} */ (all).map(([, url]) => new Promise((resolve) => {
            const image = new Image();
            image.onload = image.onerror = resolve;
            image.src = url;
        }));
        await Promise.all(loads);
        // Reading is open, but not to a page of another origin.
        const heard = await Promise.all(/** @type {string[]} */ (events).map((url) => new Promise((resolve) => {
            const source = new EventSource(url);
            source.onopen = () => { source.close(); resolve(true); };
            source.onerror = () => { source.close(); resolve(false); };
        })));
        return heard;
    }, /** @type {[string[][], string[]]} */ ([targets(), [`${stack.services.order}/events`, `${stack.services.dashboard}/api/events`]]));
    assert.deepEqual(read, [false, false]);
}));

test('by another name for the same address, too', () => tries(async (page) => {
    const told = await page.evaluate(async (all) => {
        const told = [];
        for (const [method, url, body] of all) {
            try {
                told.push((await fetch(url, { method, body: body || undefined, headers: { 'content-type': 'text/plain' } })).ok);
            } catch {
                told.push(false);
            }
        }
        return told;
    }, targets());
    assert.ok(told.every((ok) => !ok));
}, 'localhost'));

test('a name that was made to point here (DNS rebinding) is refused', async () => {
    const before = await state();
    const { request } = await import('node:http');
    for (const [method, url, body] of targets()) {
        const { hostname, port, pathname } = new URL(url);
        const status = await new Promise((resolve, reject) => {
            // As a browser would ask that believes evil.example to be this machine: origin and host agree.
            const asked = request({ hostname, port, path: pathname, method, headers: { host: `evil.example:${port}`, origin: `http://evil.example:${port}`, 'content-type': 'application/json' } }, (response) => {
                response.resume();
                resolve(response.statusCode);
            });
            asked.on('error', reject);
            asked.end(body);
        });
        assert.ok(Number(status) >= 400, `${method} ${url} answered ${status}`);
    }
    assert.equal(await state(), before);
});
