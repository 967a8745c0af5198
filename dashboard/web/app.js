// Puts the page together: events go into the store, the store is drawn, and what the reader does goes to the server.

import { announcer } from './announcer.js';
import * as api from './api.js';
import { backlog } from './backlog.js';
import { chain } from './chain.js';
import { circuits } from './circuit.js';
import { byId, set } from './dom.js';
import { faults } from './faults.js';
import { flow } from './flow.js';
import { help } from './help.js';
import { journey } from './journey.js';
import { keys } from './keys.js';
import { lessonPanel } from './lessonpanel.js';
import { LESSONS } from './lessons.js';
import { log } from './log.js';
import { notices } from './notices.js';
import { numbers } from './numbers.js';
import { recall, remember, still } from './options.js';
import { requests } from './requests.js';
import { apply, linked, nothing } from './store.js';
import { listen } from './stream.js';
import { tabs } from './tabs.js';
import { teacher as newTeacher } from './teacher.js';
import { theme } from './theme.js';
import { timeline } from './timeline.js';
import { traffic } from './traffic.js';
import { shown, time, tone } from './words.js';

/** The events of a trace come from several services; so long a late one is waited for. */
const SETTLE = 250;
const MOST_PENDING = 40;
/** At most one dot in this time, so that each can be followed; those sent by hand always. */
const DOTS = 330;
/** Thirty times a second is smooth enough for what moves here, and half the work. */
const FRAME = 30;
/** Whether this caller may change things is asked again after this, where it could not be asked. */
const ASK_AGAIN = 3_000;

const known = nothing();
let dirty = true;
let wrongToken = false;
const changed = () => { dirty = true; };

const voice = announcer(byId('announce'), byId('toast'));
/** Does what was asked, and says so where it did not work. @template T @param {Promise<T>} asked */
const attempt = (asked) => asked.catch((error) => {
    voice.say(`That did not work: ${error.message}.`);
    if (error.status === 401 || error.status === 403) whoAmI();
    return null;
});

const teacher = newTeacher(known, api, changed);
const panels = tabs(byId('drive'));
const lesson = lessonPanel(byId('lessons'), byId('caption'), teacher);
const rows = requests(byId('requests'));
const dots = flow(byId('chain-row'), byId('travellers'));
const orders = traffic(byId('play'), { send, load: (rate) => attempt(api.setLoad(rate)) });
const breaks = faults(byId('play'), {
    preset: (service, preset) => attempt(api.setPreset(service, preset)),
    rule: (service, name, rule) => attempt(api.setRule(service, name, rule)),
    remove: (service, name) => attempt(api.removeRule(service, name)),
    change: (service, what) => attempt(api.setChaos(service, what)),
    presets: async (service) => (await api.chaos(service)).presets ?? [],
});
const table = byId('numbers');
const figures = numbers(byId('numbers-table'));
const lines = log(byId('log-tools'), byId('log-lines'), voice.say);
const warnings = notices(byId('notices'), byId('link'), (token) => {
    api.keepToken(token);
    whoAmI();
});
const row = chain(byId('chain-row'));
const cards = circuits(byId('circuits'), (service, change) => attempt(api.setCircuit(service, change)));
const past = timeline(byId('timeline'));
const views = [row, cards, orders, breaks, lesson, lines, backlog(byId('backlog'), byId('backlog-rows'), {
    list: (service) => api.setAside(service),
    retry: (service, key) => attempt(api.retry(service, key)),
    drop: (service, key) => attempt(api.drop(service, key)),
    say: voice.say,
}), voice];

const look = theme(byId('theme-button'));
const tableSwitch = toggle('table', byId('table-button'), (on) => { table.hidden = !on; });
const presenterSwitch = toggle('presenter', byId('presenter-button'), (on) => document.documentElement.toggleAttribute('data-presenter', on));
const shortcuts = keys({
    s: send, l: orders.toggle, p: lines.pause, t: tableSwitch, m: presenterSwitch, d: look.next, '?': () => guide.open(),
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => [String(digit), () => breaks.press(digit)])),
});
const guide = help(/** @type {HTMLDialogElement} */ (byId('help')), shortcuts);
byId('help-button').addEventListener('click', guide.open);

/** Traces whose events are still coming in, and those that the reader sent. @type {Map<string, number>} */
const pending = new Map();
/** @type {string[]} */
let byHand = [];

listen('/api/events', {
    heard(event, data) {
        const now = Date.now();
        apply(known, event, data, now);
        teacher.heard(event, data);
        entitle();
        // What comes after the row was drawn is drawn into it: an answer that nobody waited for.
        if (event === 'request' && !pending.has(data?.trace)) again(data?.trace);
        if (event === 'request' && data?.service === known.services[0]?.name) {
            pending.set(data.trace, now);
            // A page in the background does not draw, so they would gather.
            if (pending.size > MOST_PENDING) pending.delete(pending.keys().next().value ?? '');
        }
        changed();
    },
    link(link) {
        const before = known.link;
        linked(known, link, Date.now());
        if (link === 'live' && before !== 'live') whoAmI();
        changed();
    },
});

const TITLE = document.title;
/** The tab says so, too, where the page is not looked at. */
function entitle() {
    const open = known.services.filter((service) => service.circuit && tone(shown(service.circuit)) === 'open').map((service) => `${service.name}→${service.circuit?.next}`);
    const title = open.length > 0 ? `✕ ${open.join(', ')} open · ${TITLE}` : TITLE;
    if (document.title !== title) document.title = title;
}

async function whoAmI() {
    try {
        known.me = await api.me();
        wrongToken = Boolean(!known.me?.may_change && known.me?.token_set && api.hasToken());
    } catch {
        setTimeout(whoAmI, ASK_AGAIN);
    }
    changed();
}

async function send() {
    const answer = await attempt(api.sendOrder());
    if (!answer) return;
    byHand = [...byHand.slice(-9), answer.trace];
    const tone = answer.status >= 400 ? 'failed' : answer.degraded ? 'degraded' : 'ok';
    const glyph = { failed: '✕', degraded: '◐', ok: '✓' }[tone];
    orders.answer(`${glyph} ${answer.status}${answer.degraded ? ` without ${answer.degraded}` : ''} in ${time(answer.took_ms)}`, tone);
}

/** A button that is on or off, and remembered. @param {string} name @param {Element} button @param {(on: boolean) => void} to */
function toggle(name, button, to) {
    let on = recall(name) === 'on';
    const show = () => {
        set(button, { 'aria-pressed': String(on) });
        to(on);
        changed();
    };
    const turn = () => {
        on = !on;
        remember(name, on ? 'on' : 'off');
        show();
    };
    button.addEventListener('click', turn);
    show();
    return turn;
}

/** @param {string} id */
function again(id) {
    const trace = known.traces.get(id);
    if (trace?.hops.has(known.services[0]?.name)) rows.update(journey(trace, known.services.map((service) => service.name)));
}

let sentOff = 0;
/** Requests whose events are all in are drawn. @param {number} now */
function draw(now) {
    if (pending.size === 0) return;
    const names = known.services.map((service) => service.name);
    for (const [id, since] of pending) {
        if (now - since < SETTLE) continue;
        pending.delete(id);
        const trace = known.traces.get(id);
        if (!trace) continue;
        const told = journey(trace, names);
        rows.add(told, now, byHand.includes(id));
        const pace = byHand.includes(id) ? 0 : DOTS;
        if (!still() && !document.hidden && now - sentOff >= pace) {
            sentOff = now;
            dots.draw(told);
        }
    }
}

let drawn = 0;
function frame() {
    requestAnimationFrame(frame);
    const now = Date.now();
    if (now - drawn < FRAME) return;
    drawn = now;
    if (dirty) {
        dirty = false;
        for (const view of views) view.render(known);
        if (!table.hidden) figures.render(known);
        warnings.render(known, wrongToken);
        set(document.documentElement, { 'data-link': known.link });
        offer();
    }
    row.frame(known, now);
    cards.frame(known, now, still() || known.link !== 'live');
    past.frame(known, now);
    draw(now);
}

/** The first thing to do, while nothing has been done. */
function offer() {
    const start = byId('start');
    const idle = teacher.run === null && (known.load?.rate ?? 0) === 0 && (known.load?.sent ?? 0) === 0 && known.me?.may_change !== false && known.services.length > 0;
    start.hidden = !idle;
}
byId('start-button').addEventListener('click', () => {
    panels.show('lessons');
    lesson.begin(LESSONS[1]);
});

// A tab in the background is not drawn; what it missed is in the store.
document.addEventListener('visibilitychange', () => {
    if (document.hidden) dots.clear();
    changed();
});
window.addEventListener('pagehide', () => teacher.leave());
window.addEventListener('resize', () => dots.clear());
requestAnimationFrame(frame);
