// The lessons, as data: what each is about, the scene it needs, and the steps by which it is seen that it happened.
//
// A step may `act` once, do something `again` and again, and is done when `until` says so, from what the page has heard. A
// lesson sets its scene by the same calls as the controls do; `teacher.js` runs it and tidies up.

/**
 * @typedef {object} Scene what differs from: no load, no faults, both circuits automatic with the settings of the start
 * @property {Record<string, Partial<import('./types.js').Settings>>} [circuits]
 * @property {boolean} [empty] the windows are waited for until no call is left in them
 *
 * @typedef {object} Step
 * @property {string} text
 * @property {(lesson: import('./teacher.js').Context) => Promise<unknown>} [act]
 * @property {(lesson: import('./teacher.js').Context) => Promise<unknown>} [again]
 * @property {(lesson: import('./teacher.js').Context) => boolean} until
 * @property {string} [otherwise] what to say where it does not happen
 *
 * @typedef {object} Lesson
 * @property {number} number
 * @property {string} title
 * @property {string} about
 * @property {string} watch
 * @property {string} [note] what is set differently for its time
 * @property {string} learned
 * @property {Scene} [scene]
 * @property {(known: import('./types.js').Known) => boolean} [offered]
 * @property {Step[]} steps
 */

const FRONT = 'order';
const MIDDLE = 'payment';
const END = 'shipment';

/** With this seed four of the first seven requests are struck, and of the many after them no more than four in ten. */
const BAD_LUCK = 286;

/** The services a lesson speaks of. */
export const CAST = [FRONT, MIDDLE, END];

/** @type {Step} */
const ENOUGH_TRAFFIC = {
    text: 'Orders come in, ten a second, and all goes well',
    act: (lesson) => lesson.load(10),
    until: (lesson) => lesson.circuit(MIDDLE).counts.successes >= 5,
};
/** @type {Step} */
const BREAK_SHIPMENT = {
    text: 'Shipment breaks: every request fails (outage)',
    act: (lesson) => lesson.preset(END, 'outage'),
    until: (lesson) => lesson.circuit(MIDDLE).counts.failures > 0,
};
/** @type {Step} */
const OPENS = {
    text: 'The circuit from payment to shipment opens',
    until: (lesson) => lesson.saw('transition', (data) => data.service === MIDDLE && data.to === 'open') || lesson.circuit(MIDDLE).state === 'open',
};

/** @type {Lesson[]} */
export const LESSONS = [
    {
        number: 1,
        title: 'All is well',
        about: 'An order goes from service to service. A closed circuit lets every call through and counts what becomes of it.',
        watch: 'the dots that travel to shipment and back, and the blue bars of the window.',
        learned: 'Closed means connected, as in a wire: calls go through.',
        steps: [
            { text: 'Twenty orders a second are answered', act: (lesson) => lesson.load(20), until: ({ known }) => (known.load?.answered ?? 0) >= 20 },
            {
                text: 'They reach shipment: it has had twenty requests more',
                act: async (lesson) => { lesson.memo.before = lesson.total(END); },
                until: (lesson) => lesson.total(END) >= lesson.memo.before + 20,
            },
            { text: 'Both circuits are closed, and no call failed', until: (lesson) => [FRONT, MIDDLE].every((name) => lesson.circuit(name).state === 'closed' && lesson.circuit(name).counts.failures === 0 && lesson.circuit(name).volume >= 20) },
        ],
    },
    {
        number: 2,
        title: 'An outage opens the circuit',
        about: 'Shipment fails every request. Once more than half of the calls in the window have failed, payment stops asking.',
        watch: 'the orange climbing to the threshold line; then the switch opens, and the countdown to the probe begins.',
        learned: 'A circuit opens on a share of failures, not on the first one, and says why.',
        steps: [ENOUGH_TRAFFIC, BREAK_SHIPMENT, OPENS,
            { text: 'It says why: more than 50 % failed', until: (lesson) => lesson.circuit(MIDDLE).last?.to === 'open' && Boolean(lesson.circuit(MIDDLE).last?.reason) },
            { text: 'Twenty calls are refused at once', until: (lesson) => lesson.circuit(MIDDLE).counts.rejects >= 20 }],
    },
    {
        number: 3,
        title: 'Refused calls never reach shipment',
        about: 'An open circuit protects both sides: callers are told at once, and the broken service is left alone.',
        watch: 'the dots that turn round at the open switch, and shipment’s count, which stands still.',
        learned: 'While the circuit is open, shipment has time to recover.',
        steps: [ENOUGH_TRAFFIC, BREAK_SHIPMENT, OPENS,
            {
                text: 'Twenty calls are refused, and shipment’s count does not move',
                act: async (lesson) => {
                    // Those that were under way when it opened are let finish first.
                    await lesson.heardAfter(700);
                    lesson.memo.total = lesson.total(END);
                    lesson.memo.refused = lesson.circuit(MIDDLE).totals.rejects;
                },
                until: (lesson) => lesson.circuit(MIDDLE).state === 'open' && lesson.total(END) === lesson.memo.total && lesson.circuit(MIDDLE).totals.rejects >= lesson.memo.refused + 20,
                otherwise: 'Shipment was asked although the circuit was open.',
            },
            { text: 'Such a request was seen: it never left payment', until: (lesson) => lesson.saw('request', (data) => data.service === MIDDLE && data.error === 'EOPENBREAKER', true) }],
    },
    {
        number: 4,
        title: 'It heals',
        about: 'After a while an open circuit lets one call through, the probe. If it is answered, the circuit closes; if not, it waits again.',
        watch: 'the countdown, the half-open node, and the edge back to closed.',
        note: 'For this lesson the circuit waits 4 s before it probes, in place of 10.',
        learned: 'Nobody has to close it: one call at a time tries whether shipment is back.',
        scene: { circuits: { [MIDDLE]: { reset_ms: 4000 } } },
        steps: [ENOUGH_TRAFFIC, BREAK_SHIPMENT, OPENS,
            { text: 'Shipment is mended (calm)', act: (lesson) => lesson.preset(END, 'calm'), until: (lesson) => lesson.service(END).chaos?.preset === 'calm' },
            { text: 'The circuit is half-open: the next call is the probe', until: (lesson) => lesson.saw('transition', (data) => data.service === MIDDLE && data.to === 'half-open', true) },
            { text: 'The probe is answered, and the circuit closes', until: (lesson) => lesson.saw('transition', (data) => data.service === MIDDLE && data.to === 'closed', true) && lesson.circuit(MIDDLE).state === 'closed' }],
    },
    {
        number: 5,
        title: 'No answer is a failure too',
        about: 'Shipment hangs: it takes requests and never answers. A time-out turns waiting into a failure that can be counted.',
        watch: 'the hatched bars (timed out), the percentiles at 300 ms, and what happens to them when the circuit opens.',
        note: 'For this lesson payment waits 300 ms, and order 2 s: whoever stands further out must wait longer, or gives up first.',
        learned: 'Without a time-out a hanging service hangs its callers; with one, the circuit opens and they answer at once.',
        scene: { circuits: { [MIDDLE]: { timeout_ms: 300 } } },
        steps: [ENOUGH_TRAFFIC,
            { text: 'Shipment hangs, and calls time out after 300 ms', act: (lesson) => lesson.preset(END, 'hang'), until: (lesson) => lesson.circuit(MIDDLE).counts.timeouts > 0 },
            OPENS,
            { text: 'Nobody waits any more: no call is in flight, and refusals come at once', until: (lesson) => lesson.circuit(MIDDLE).in_flight === 0 && lesson.saw('request', (data) => data.service === MIDDLE && data.error === 'EOPENBREAKER' && data.took_ms < 300) }],
    },
    {
        number: 6,
        title: 'JUMPS shortens the chain',
        about: 'Each hop counts one up (?count=N), and the chain stops with “Last” where the count reaches JUMPS. An order that begins further along stops sooner.',
        watch: 'the rows of requests: shipment is reached, then not, then not even payment.',
        note: 'JUMPS is set at the start, so the lesson moves the other end: it sends orders with a higher count.',
        learned: 'A hop count keeps a chain from going on for ever, whoever calls whom.',
        steps: [
            { text: 'An order with count 0 goes all the way to shipment', act: (lesson) => lesson.order(0), until: (lesson) => lesson.saw('request', (data) => data.service === END), otherwise: 'JUMPS is so small here that shipment is never reached.' },
            {
                text: 'With a higher count payment says “Last”, and shipment is not asked',
                act: async (lesson) => { lesson.memo.count = 0; },
                again: (lesson) => lesson.order((lesson.memo.count += 1)),
                until: (lesson) => lesson.saw('request', (data) => data.service === MIDDLE && data.outcome === 'last'),
            },
            {
                text: 'One more, and order itself is the last',
                act: (lesson) => lesson.order(lesson.memo.count + 1),
                until: (lesson) => lesson.saw('request', (data) => data.service === FRONT && data.outcome === 'last'),
            },
        ],
    },
    {
        number: 7,
        title: '40 % against 50 %: it depends on the traffic',
        about: 'Four requests in ten fail, and the circuit opens above 50 %. With few calls luck decides; with many, and a minimum volume, the share is what it is, and the circuit stays closed.',
        watch: 'how few calls it takes: four of the first seven fail. Then the minimum of 100 calls, and the rate that settles near 40 %.',
        note: 'For this lesson luck has a seed, so that it comes out the same each time; the probe comes after 1 s, and later at least 100 calls are wanted before the circuit is judged.',
        learned: 'A minimum volume keeps a quiet circuit from opening by bad luck.',
        scene: { circuits: { [MIDDLE]: { reset_ms: 1000 } }, empty: true },
        steps: [
            {
                text: 'A few single orders, and bad luck opens it: so few calls are no measure',
                act: (lesson) => lesson.rule(END, 'lesson', { enabled: true, percentage: 40, phase: 'before', abort: { httpStatus: 502 }, seed: BAD_LUCK }),
                again: (lesson) => lesson.order(),
                until: (lesson) => lesson.saw('transition', (data) => data.service === MIDDLE && data.to === 'open'),
            },
            {
                text: 'Now at least 100 calls are wanted, and 50 orders a second come in',
                act: async (lesson) => {
                    await lesson.settings(MIDDLE, { volume: 100 });
                    await lesson.load(50);
                },
                until: (lesson) => lesson.circuit(MIDDLE).state === 'closed' && lesson.circuit(MIDDLE).min_volume === 100,
            },
            {
                text: 'The window is judged, its rate is near 40 % (35 to 45), and the circuit stays closed',
                until: (lesson) => {
                    const { state, volume, rate } = lesson.circuit(MIDDLE);
                    return state === 'closed' && volume >= 150 && rate >= 35 && rate <= 45;
                },
            },
        ],
    },
    {
        number: 8,
        title: 'A slow spell opens it, as in go-micro',
        about: 'The go-micro demo is slow for a while: calls 8 to 14 take a second, the others a tenth of one. Slow calls become time-outs, and time-outs open the circuit.',
        watch: 'seven quick answers, then hatched bars; the first ones are still in the window and hold the rate down.',
        note: 'For this lesson payment waits 600 ms, and its circuit opens above 40 %.',
        learned: 'Slowness and failure are the same thing to a caller who will not wait.',
        scene: { circuits: { [MIDDLE]: { timeout_ms: 600, error_threshold: 40 } }, empty: true },
        steps: [
            {
                text: 'Calls 1 to 7 are answered in time',
                act: (lesson) => lesson.preset(END, 'slow-window'),
                again: (lesson) => (lesson.circuit(MIDDLE).counts.successes < 7 ? lesson.order() : Promise.resolve()),
                until: (lesson) => lesson.circuit(MIDDLE).counts.successes >= 7,
            },
            { text: 'From the eighth on they take too long', again: (lesson) => lesson.order(), until: (lesson) => lesson.circuit(MIDDLE).counts.timeouts > 0 },
            { text: 'More than 40 % timed out: the circuit opens', again: (lesson) => lesson.order(), until: OPENS.until },
        ],
    },
    {
        number: 9,
        title: 'Mending the partner heals it',
        about: 'In the offer demo a partner breaks, is mended, and the circuit heals by itself, while GET /circuit tells the fail counter.',
        watch: '“in a row”, the fail counter: it rises to five, and the first answer sets it back to nothing.',
        note: 'For this lesson five calls are wanted before the circuit is judged, and the probe comes after 3 s.',
        learned: 'current_state and fail_counter on /circuit are what a script can watch.',
        scene: { circuits: { [MIDDLE]: { volume: 5, reset_ms: 3000 } }, empty: true },
        steps: [
            { text: 'The partner is broken, and the fail counter rises', act: (lesson) => lesson.preset(END, 'outage'), again: (lesson) => lesson.order(), until: (lesson) => lesson.circuit(MIDDLE).fail_counter >= 2 },
            { text: 'At the fifth failure in a row the circuit opens', again: (lesson) => lesson.order(), until: (lesson) => lesson.circuit(MIDDLE).state === 'open' && lesson.circuit(MIDDLE).fail_counter >= 5 },
            { text: 'The partner is mended, and after 3 s the circuit is half-open', act: (lesson) => lesson.preset(END, 'calm'), until: (lesson) => lesson.circuit(MIDDLE).state === 'half-open' },
            { text: 'One good answer closes it, and the fail counter is 0', again: (lesson) => lesson.order(), until: (lesson) => lesson.circuit(MIDDLE).state === 'closed' && lesson.circuit(MIDDLE).fail_counter === 0 },
        ],
    },
    {
        number: 10,
        title: 'Masking: a 200 that is not whole',
        about: 'Payment took the order, so it answers 200 even if shipment did not, and says so in X-Degraded. Order sees a 200 and counts a success.',
        watch: 'the first circuit: it stays closed, while the second is open and every answer is ◐ degraded.',
        learned: 'Who looks at the status alone does not see the outage. STRICT_STATUS=1 tells the plain truth.',
        steps: [ENOUGH_TRAFFIC, BREAK_SHIPMENT, OPENS,
            {
                text: 'Twenty orders are answered 200, all of them degraded',
                act: async (lesson) => { lesson.memo.degraded = lesson.known.load?.degraded ?? 0; },
                until: ({ known, memo }) => (known.load?.degraded ?? 0) >= memo.degraded + 20 && known.load?.failed === 0,
                otherwise: 'The answers were not degraded 200s: is STRICT_STATUS set?',
            },
            { text: 'And order’s circuit is closed, without one failure', until: (lesson) => lesson.circuit(FRONT).state === 'closed' && lesson.circuit(FRONT).counts.failures === 0 }],
    },
    {
        number: 11,
        title: 'The backlog: late is better than never',
        about: 'What payment could not hand on it keeps, and hands on later. Orders are accepted while shipment is down, and none is lost.',
        watch: 'the backlog: it grows while shipment is down, and empties after.',
        note: 'For this lesson the circuit waits 2 s before it probes.',
        learned: 'Queues turn an outage into a delay, as long as they are bounded and somebody empties them.',
        offered: (known) => known.services.some((service) => service.queue !== null),
        scene: { circuits: { [MIDDLE]: { reset_ms: 2000 } } },
        steps: [ENOUGH_TRAFFIC, BREAK_SHIPMENT,
            { text: 'Orders wait in the backlog', until: (lesson) => lesson.waiting() > 0 },
            {
                text: 'Shipment is mended; what waited is handed on',
                act: async (lesson) => {
                    lesson.memo.delivered = lesson.delivered();
                    await lesson.load(0);
                    await lesson.preset(END, 'calm');
                },
                again: (lesson) => (lesson.circuit(MIDDLE).state === 'half-open' ? lesson.order() : Promise.resolve()),
                until: (lesson) => lesson.delivered() > lesson.memo.delivered,
            },
            { text: 'Nothing waits any more', until: (lesson) => lesson.waiting() === 0 }],
    },
];
