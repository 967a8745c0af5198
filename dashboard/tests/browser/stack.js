// Starts the real stack, as `cargo run` does: three services and the dashboard in one process, on free ports, with an empty
// folder for its documents.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const STARTING = 30_000;

/**
 * @param {Record<string, string>} [env]
 * @returns {Promise<{url: string, services: Record<string, string>, close: () => Promise<void>, output: () => string}>}
 */
export async function startStack(env = {}) {
    const program = process.env.STACK ?? join(ROOT, 'target', 'debug', 'stack');
    assert.ok(existsSync(program), `there is no ${program}: run cargo build first`);
    const data = mkdtempSync(join(tmpdir(), 'stack-'));
    const child = spawn(program, [], {
        cwd: data,
        env: { PATH: process.env.PATH, ORDER_PORT: '0', PAYMENT_PORT: '0', SHIPMENT_PORT: '0', DASHBOARD_PORT: '0', DATA_DIR: data, INJECT_ERR: '0', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    // The last of what it says, to be shown where something fails; the pipe has to be read anyway.
    let output = '';
    /** @type {(value?: unknown) => void} */
    let look = () => {};
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8');
        stream.on('data', (text) => {
            output = (output + text).slice(-60_000);
            look();
        });
    }
    const gone = new Promise((resolve) => child.once('exit', resolve));
    const at = (/** @type {string} */ name) => output.match(new RegExp(`^\\s*${name}\\s+(http://[^\\s/]+)`, 'm'))?.[1];
    const names = ['order', 'payment', 'shipment', 'dashboard'];
    await new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`the stack did not start:\n${output}`)), STARTING);
        look = () => {
            if (!names.every(at)) return;
            clearTimeout(late);
            resolve(undefined);
        };
        child.once('exit', (code) => reject(new Error(`the stack ended with ${code}:\n${output}`)));
        look();
    });
    const services = Object.fromEntries(names.map((name) => [name, /** @type {string} */ (at(name))]));
    look = () => {};
    return {
        url: services.dashboard,
        services,
        output: () => output,
        async close() {
            child.kill('SIGTERM');
            await gone;
            rmSync(data, { recursive: true, force: true });
        },
    };
}
