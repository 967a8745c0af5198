// The JSDoc types of the page hold: it is plain JavaScript, and read by a compiler all the same.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('types', () => {
    const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const { stdout, status } = spawnSync(process.execPath, [compiler, '--project', 'jsconfig.json'], { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8' });
    assert.equal(status, 0, stdout);
});

test('nothing in the page makes markup of data, and no file is long', async () => {
    const { readdir, readFile } = await import('node:fs/promises');
    const web = new URL('../../web/', import.meta.url);
    for (const name of await readdir(web)) {
        const text = await readFile(new URL(name, web), 'utf8');
        assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name);
        assert.ok(text.split('\n').length <= 400, `${name} is long`);
        assert.match(text, name.endsWith('.js') ? /^\/\/ / : name.endsWith('.css') ? /^\/\* / : /^<(!doctype html>|svg)/, `${name} says what it is for`);
    }
});
