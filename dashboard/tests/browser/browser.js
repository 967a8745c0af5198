// Opens pages in a real browser and watches over them: nothing may go wrong in the console, and nothing may be asked of
// another origin.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PATHS = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-dev-shm-usage'];

/** So long a condition is waited for; much longer than it should take. */
export const PATIENCE = 30_000;

/** @returns {Promise<import('playwright-core').Browser>} */
export async function launch() {
    const executablePath = PATHS.find((path) => path && existsSync(path));
    assert.ok(executablePath, 'no chromium: install the package, or set CHROMIUM to its path');
    return chromium.launch({ executablePath, args: FLAGS });
}

/**
 * A page that is watched. `calm()` fails the test where the page complained or asked elsewhere; `allow` takes complaints
 * that a test provokes.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @param {import('playwright-core').BrowserContextOptions & {allow?: RegExp}} [options]
 */
export async function open(browser, url, { allow, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, reducedMotion: 'no-preference', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    /** @type {string[]} */
    const complaints = [];
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack}`));
    page.on('request', (request) => {
        if (!request.url().startsWith(`${url}/`)) complaints.push(`asked elsewhere: ${request.url()}`);
    });
    await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(`${url}/`);
    await page.locator('.card').first().waitFor();
    return {
        page,
        calm() {
            const left = complaints.filter((complaint) => !allow?.test(complaint));
            assert.deepEqual(left, []);
        },
        close: () => context.close(),
    };
}

/** Waits until a circuit's chip says so. @param {import('playwright-core').Page} page @param {string} service @param {string} word */
export async function shows(page, service, word) {
    await page.locator(`#circuit-${service} .chip-word`, { hasText: new RegExp(`^${word}$`) }).waitFor();
}

/** Waits until `condition` gives something. @template T @param {() => Promise<T> | T} condition @param {string} what @returns {Promise<T>} */
export async function eventually(condition, what) {
    const end = Date.now() + PATIENCE;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) assert.fail(`this did not happen: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/** Calls the API as a script would. @param {string} url @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] */
export async function call(url, method, path, body, headers = {}) {
    const response = await fetch(`${url}${path}`, { method, headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : null };
}
