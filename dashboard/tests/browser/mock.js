// A stand-in for the dashboard's server and the three services behind it.
//
// It speaks the dashboard's API, so that the page can be shown what a real stack does only by luck or by force: a
// service that goes away and comes back, an answer that is garbage, a caller who may not change things. What can be done
// with the real stack is tested there. Its circuits are simple ones: enough to look like circuits.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';

const WEB = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'web');
const CHAIN = ['order', 'payment', 'shipment'];
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const POLICY = "default-src 'self'; frame-ancestors 'none'";
const PRESETS = {
    calm: 'no faults', flaky: '40 % of requests fail', slow: 'every request takes 500 ms longer', outage: 'every request fails',
    hang: 'no request is answered', brownout: 'some slow, some failing', flap: '20 s down, 20 s up',
    recovering: 'failing less and less', 'slow-window': 'calls 8 to 14 take 1000 ms, the others 100 ms',
};

/** A circuit as opossum's, with a window of ten seconds. */
class Circuit {
    constructor(from, to) {
        Object.assign(this, { from, to, state: 'closed', mode: 'auto', since: Date.now(), until: 0, turns: 0, flight: 0, probing: false, failCounter: 0, last: null });
        this.settings = { timeout_ms: 300, error_threshold: 50, reset_ms: 10000, volume: 0, capacity: null };
        this.buckets = new Map();
        this.took = [];
        this.totals = zero();
    }

    get name() { return `${this.from}→${this.to}`; }

    count(kind) {
        const second = Math.floor(Date.now() / 1000);
        if (!this.buckets.has(second)) this.buckets.set(second, zero());
        this.buckets.get(second)[kind] += 1;
        this.totals[kind] += 1;
    }

    sums() {
        const now = Math.floor(Date.now() / 1000);
        const sum = zero();
        for (const [second, bucket] of this.buckets) {
            if (second <= now - 10) this.buckets.delete(second);
            else for (const kind of Object.keys(sum)) sum[kind] += bucket[kind];
        }
        return sum;
    }

    rate() {
        const { fires, failures } = this.sums();
        return fires ? (100 * failures) / fires : 0;
    }

    turn(to, reason) {
        const from = this.state;
        this.state = to;
        this.since = Date.now();
        this.turns += 1;
        this.probing = false;
        if (to === 'open') this.until = Date.now() + this.settings.reset_ms;
        this.last = { from, to, when: Date.now(), reason };
        const word = { open: 'opened', closed: 'closed', 'half-open': 'halfOpened' }[to];
        emit(this.mock, 'transition', this.from, { circuit: this.name, from, to, reason, failures: [], turns: this.turns, line: `🔌 status:: ${word} circuit="${this.name}" rate=${Math.round(this.rate())}%` });
    }

    tick() {
        if (this.state === 'open' && Date.now() >= this.until) this.turn('half-open', `${this.settings.reset_ms / 1000} s have passed: the next call is a probe`);
    }

    admits() {
        this.tick();
        if (this.mode === 'forced-open') return false;
        if (this.mode !== 'auto') return true;
        if (this.state === 'half-open') return !this.probing && (this.probing = true);
        return this.state === 'closed';
    }

    done(ok, kind, took) {
        this.took = [...this.took.slice(-199), took];
        this.count(ok ? 'successes' : 'failures');
        if (kind) this.count(kind);
        this.failCounter = ok ? 0 : this.failCounter + 1;
        if (this.mode !== 'auto') return;
        if (this.state === 'half-open') return this.turn(ok ? 'closed' : 'open', ok ? 'the probe was answered' : 'the probe failed');
        const { fires, failures } = this.sums();
        if (!ok && this.state === 'closed' && fires >= this.settings.volume && this.rate() > this.settings.error_threshold) {
            this.turn('open', `${failures} of ${fires} calls failed (${this.rate().toFixed(1)} %), and the circuit opens above ${this.settings.error_threshold} %`);
        }
    }

    snapshot(service) {
        this.tick();
        const now = Math.floor(Date.now() / 1000);
        const sums = this.sums();
        const sorted = [...this.took].sort((a, b) => a - b);
        const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
        return {
            service, circuit: this.name, next: this.to, current_state: this.state, fail_counter: this.failCounter, state: this.state, mode: this.mode,
            at: new Date().toISOString(), since_ms: Date.now() - this.since, probe_in_ms: this.state === 'open' ? Math.max(0, this.until - Date.now()) : null, turns: this.turns,
            rate: this.rate(), threshold: this.settings.error_threshold, volume: sums.fires, min_volume: this.settings.volume, in_flight: this.flight, probes: this.probing ? 1 : 0, probes_allowed: 1,
            window: { length_ms: 10000, bucket_ms: 1000, buckets: Array.from({ length: 10 }, (_, i) => ({ age_ms: Date.now() - (now - 9 + i) * 1000, ...(this.buckets.get(now - 9 + i) ?? zero()) })) },
            latency: { calls: sorted.length, mean_ms: at(0.5), p50_ms: at(0.5), p90_ms: at(0.9), p95_ms: at(0.95), p99_ms: at(0.99) },
            counts: { ...sums, fallbacks: 0 }, totals: { ...this.totals, fallbacks: 0 },
            last: this.last && { from: this.last.from, to: this.last.to, at: new Date(this.last.when).toISOString(), ago_ms: Date.now() - this.last.when, reason: this.last.reason, failures: [] },
            settings: this.settings,
        };
    }
}

const zero = () => ({ fires: 0, successes: 0, failures: 0, timeouts: 0, rejects: 0, semaphore_rejections: 0, slow: 0 });

class Service {
    constructor(name, next) {
        Object.assign(this, { name, rules: [], preset: 'calm', enabled: true, away: false, garbage: false, calls: 0, queue: null, aside: null });
        this.requests = { total: 0, failed: 0, degraded: 0, in_flight: 0 };
        this.circuit = next ? new Circuit(name, next) : null;
    }

    chaos() {
        return {
            service: this.name, enabled: this.enabled, preset: this.preset,
            rules: this.rules.map((rule) => ({ ...rule, now: { active: this.enabled && rule.enabled !== false, percentage: rule.percentage, remaining_ms: null, evaluated: rule.evaluated ?? 0, injected: rule.injected ?? 0 } })),
        };
    }

    set(preset) {
        this.preset = preset;
        this.calls = 0;
        const rule = (name, rest) => [{ name, enabled: true, percentage: 100, phase: 'before', ...rest }];
        this.rules = {
            calm: [], outage: rule('outage', { abort: { httpStatus: 503 } }), flaky: rule('flaky', { percentage: 40, abort: { httpStatus: 502 } }),
            slow: rule('slow', { delay: { fixedDelay: '500ms' } }), hang: rule('hang', { abort: { connection: 'hang' } }),
            'slow-window': [...rule('slow-first', { delay: { fixedDelay: '100ms' } }), ...rule('slow-window', { delay: { fixedDelay: '1000ms' }, calls: { from: 8, to: 14 } })],
        }[preset] ?? rule(preset, { percentage: 70, abort: { httpStatus: 503 } });
    }

    /** All of it in one call. */
    replace({ enabled = true, preset = null, rules }) {
        if (rules) Object.assign(this, { preset, rules: rules.map((rule) => ({ enabled: true, percentage: 100, ...this.rules.find((old) => old.name === rule.name), ...rule })) });
        else this.set(preset);
        this.enabled = enabled;
    }

    /** What the rules do to this request. */
    struck() {
        this.calls += 1;
        const hit = { delay: 0, status: null, hang: false, rule: null };
        for (const rule of this.enabled ? this.rules : []) {
            if (rule.enabled === false || (rule.calls && (this.calls < rule.calls.from || this.calls > rule.calls.to))) continue;
            rule.evaluated = (rule.evaluated ?? 0) + 1;
            // Spread evenly, so that runs are alike.
            if (Math.floor((rule.evaluated * rule.percentage) / 100) === Math.floor(((rule.evaluated - 1) * rule.percentage) / 100)) continue;
            rule.injected = (rule.injected ?? 0) + 1;
            hit.rule = rule.name;
            hit.delay += parseInt(rule.delay?.fixedDelay ?? '0', 10);
            hit.status = rule.abort?.httpStatus ?? hit.status;
            hit.hang ||= rule.abort?.connection === 'hang';
        }
        return hit;
    }
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

function emit(mock, event, service, data) {
    mock.sequence += 1;
    const text = `id: ${mock.sequence}\nevent: ${event}\ndata: ${JSON.stringify({ service, at: new Date().toISOString(), ...data })}\n\n`;
    for (const page of mock.pages) page.write(text);
}

/** One request to a service; answers with its status and who is missing. */
async function create(mock, service, hop, trace, watched) {
    const started = Date.now();
    service.requests.total += 1;
    service.requests.in_flight += 1;
    const end = (outcome, status, rest = {}) => {
        service.requests.in_flight -= 1;
        if (status >= 500) service.requests.failed += 1;
        if (rest.degraded) service.requests.degraded += 1;
        if (watched) emit(mock, 'request', service.name, { trace, hop, outcome, status, took_ms: Date.now() - started, next: null, next_ms: null, error: null, degraded: null, fault: null, state: service.circuit?.state ?? null, ...rest });
        return { status, degraded: rest.degraded ?? null };
    };
    const hit = service.struck();
    await wait(1 + hit.delay);
    if (hit.hang) await wait(3000);
    if (hit.rule && watched) emit(mock, 'fault', service.name, { rule: hit.rule, kind: hit.hang ? 'hang' : hit.status ? 'abort' : 'delay', status: hit.status, trace });
    if (hit.status) return end('fault', hit.status, { fault: hit.rule });
    if (hop >= mock.jumps) return end('last', 200, { fault: hit.rule });
    const { circuit } = service;
    if (!circuit) return end('ended', 200, { fault: hit.rule });
    const next = mock.services.get(circuit.to);
    circuit.count('fires');
    if (!circuit.admits()) {
        circuit.count('rejects');
        return end('degraded', 200, { next: next.name, error: 'EOPENBREAKER', degraded: next.name });
    }
    const asked = Date.now();
    circuit.flight += 1;
    const late = wait(circuit.settings.timeout_ms ?? 1e6).then(() => null);
    const answer = next.away ? { status: 0 } : await Promise.race([create(mock, next, hop + 1, trace, watched), late]);
    circuit.flight -= 1;
    const took = Date.now() - asked;
    const ok = answer?.status === 200;
    circuit.done(ok, answer === null ? 'timeouts' : null, took);
    if (ok) return end('passed', 200, { next: next.name, next_ms: took, degraded: answer.degraded, fault: hit.rule });
    return end('degraded', 200, { next: next.name, next_ms: took, error: answer === null ? 'ETIMEDOUT' : answer.status ? 'EUPSTREAM' : 'ECONNECT', degraded: next.name, fault: hit.rule });
}

/** Starts one; `close` ends it. */
export async function startMock({ port = 0, jumps = 4, token = null, mayChange = true } = {}) {
    const mock = { pages: new Set(), sequence: 0, jumps, token, mayChange, services: new Map(), load: loadOf(0), timers: [], watchedIn: 0, quiet: false };
    CHAIN.forEach((name, i) => mock.services.set(name, new Service(name, CHAIN[i + 1])));
    for (const service of mock.services.values()) if (service.circuit) service.circuit.mock = mock;

    const snapshots = (to) => {
        for (const service of mock.services.values()) {
            if (service.away || mock.quiet) continue;
            const data = { service: service.name, at: new Date().toISOString(), id: service.name, requests: service.requests, circuit: service.circuit?.snapshot(service.name) ?? null, chaos: service.chaos(), queue: service.aside ? { waiting: 0, oldest_ms: null, delivered: 0, set_aside: service.aside.length } : service.queue };
            for (const page of to) page.write(`event: snapshot\ndata: ${service.garbage ? '{"service": "' : JSON.stringify(data)}\n\n`);
        }
    };
    const about = (service) => ({ service: service.name, url: `http://127.0.0.1/${service.name}`, reachable: !service.away, since: new Date().toISOString(), why: service.away ? 'connection refused' : null });
    const toAll = (event, data) => { for (const page of mock.pages) page.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`); };
    const order = async (count, watched) => {
        const trace = randomBytes(16).toString('hex');
        const started = Date.now();
        const answer = await create(mock, mock.services.get('order'), count + 1, trace, watched);
        return { ...answer, trace, took_ms: Date.now() - started, body: {} };
    };
    let due = 0;
    mock.timers.push(setInterval(() => snapshots(mock.pages), 500), setInterval(() => mock.load.rate && toAll('load', mock.load), 500), setInterval(() => (mock.watchedIn = 0), 1000), setInterval(() => {
        for (due += mock.load.rate / 50; due >= 1; due -= 1) {
            mock.load.sent += 1;
            mock.watchedIn += 1;
            order(0, mock.watchedIn <= 5).then((answer) => {
                mock.load.answered += 1;
                if (answer.degraded) mock.load.degraded += 1;
                if (answer.status !== 200) mock.load.failed += 1;
            });
        }
    }, 20));

    const routes = async (request, response, path, body) => {
        const json = (value, status = 200) => { response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value)); };
        const problem = (status, detail) => { response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ title: 'problem', status, detail })); };
        const granted = mock.mayChange && (!mock.token || request.headers.authorization === `Bearer ${mock.token}`);
        if (path === '/api/events') {
            response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
            response.write('retry: 300\n\n');
            mock.pages.add(response);
            request.on('close', () => mock.pages.delete(response));
            for (const service of mock.services.values()) response.write(`event: service\ndata: ${JSON.stringify(about(service))}\n\n`);
            response.write(`event: load\ndata: ${JSON.stringify(mock.load)}\n\n`);
            return snapshots([response]);
        }
        if (path === '/api/services') return json([...mock.services.values()].map(about));
        if (path === '/api/me') return json({ may_change: granted, token_set: mock.token !== null });
        if (path === '/api/load' && request.method === 'GET') return json(mock.load);
        if (request.method !== 'GET' && !granted) return problem(mock.token ? 401 : 403, 'this caller may not change anything');
        if (path === '/api/load') {
            if (!mock.load.rate || !body.rate) mock.load = loadOf(body.rate);
            else mock.load.rate = body.rate;
            toAll('load', mock.load);
            return json(mock.load);
        }
        if (path === '/api/lesson') {
            if (request.method === 'PUT' && mock.lesson && mock.lesson !== body.page) return problem(409, 'a lesson is under way on another page');
            mock.lesson = request.method === 'PUT' ? body.page : null;
            return response.writeHead(204).end();
        }
        if (path === '/api/order') return json(await order(body?.count ?? 0, true));
        const [, name, what, ...rest] = path.match(/^\/api\/services\/(\w+)\/(\w+)(?:\/(.*))?$/) ?? [];
        const service = mock.services.get(name);
        if (!service) return problem(404, 'no such page');
        if (service.away) return problem(502, `${name} cannot be reached`);
        if (what === 'circuit' && service.circuit) {
            if (request.method === 'PUT') {
                if (body.settings?.error_threshold > 100) return problem(422, 'error_threshold: 0 to 100');
                if (body.mode) service.circuit.mode = { open: 'forced-open', closed: 'forced-closed' }[body.mode] ?? body.mode;
                Object.assign(service.circuit.settings, body.settings);
                emit(mock, 'config', name, { what: 'circuit', text: `${service.circuit.name}: ${JSON.stringify(body)}` });
            }
            return json(service.circuit.snapshot(name));
        }
        if (what === 'queue' && (service.aside || service.queue)) {
            const [key, again] = (rest[0] ?? '').split('/');
            if (!key) return json({ service: name, queue: service.aside ?? [], next: null });
            const one = service.aside?.find((each) => each.key === key);
            if (!one) return problem(404, 'nothing has this key');
            service.aside = service.aside.filter((each) => each !== one);
            // It comes back a moment later.
            if (again) setTimeout(() => service.aside.unshift({ ...one, attempts: one.attempts + 1 }), 700).unref();
            return response.writeHead(again ? 202 : 204).end();
        }
        if (what === 'chaos') {
            const [kind, key] = (rest[0] ?? '').split('/');
            if (!kind && request.method === 'PUT') service.replace(body);
            if (kind === 'presets') service.set(key);
            if (kind === 'reset') service.set('calm');
            if (kind === 'enable' || kind === 'disable') service.enabled = kind === 'enable';
            if (kind === 'rules') {
                service.preset = null;
                service.rules = service.rules.filter((rule) => rule.name !== key);
                if (request.method === 'PUT') service.rules.push({ enabled: true, percentage: 100, ...body, name: key });
            }
            if (request.method !== 'GET') emit(mock, 'config', name, { what: 'chaos', text: `${kind || 'set'} ${key ?? ''}`.trim() });
            return json({ ...service.chaos(), presets: Object.entries(PRESETS).map(([preset, words]) => ({ name: preset, about: words })) });
        }
        return problem(404, 'no such page');
    };

    const server = createServer(async (request, response) => {
        const path = new URL(request.url, 'http://page').pathname;
        response.setHeader('content-security-policy', POLICY);
        response.setHeader('x-content-type-options', 'nosniff');
        if (path.startsWith('/api/')) {
            let text = '';
            for await (const chunk of request) text += chunk;
            return routes(request, response, path, text ? JSON.parse(text) : null);
        }
        const file = path === '/' ? 'index.html' : path.replace('/assets/', '');
        const bytes = await readFile(join(WEB, file)).catch(() => null);
        if (!bytes) return response.writeHead(404).end();
        response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(bytes);
    });
    await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
    mock.url = `http://127.0.0.1:${server.address().port}`;
    mock.away = (name, away) => {
        mock.services.get(name).away = away;
        toAll('service', about(mock.services.get(name)));
    };
    /** Cuts every page's stream. */
    mock.cut = () => { for (const page of mock.pages) page.destroy(); };
    mock.close = async () => {
        mock.timers.forEach(clearInterval);
        mock.cut();
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
    };
    return mock;
}

const loadOf = (rate) => ({ rate, sent: 0, answered: 0, failed: 0, degraded: 0, skipped: 0, p50_ms: rate ? 4 : null, p99_ms: rate ? 12 : null });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const mock = await startMock({ port: Number(process.env.PORT ?? 9102) });
    console.log(mock.url);
}
