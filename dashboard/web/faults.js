// Faults: which service, a preset for it, the rules that are on, and a rule of one's own.

import { h, keyed, set, text } from './dom.js';
import { count, percent, time } from './words.js';

/** As the services name them; what each says of itself comes from the services. */
export const PRESETS = ['calm', 'flaky', 'slow', 'outage', 'hang', 'brownout', 'flap', 'recovering', 'slow-window'];
const ICONS = /** @type {Record<string, string>} */ ({ calm: '☀', outage: '⛔', slow: '🐢', hang: '⏳', flaky: '🎲', brownout: '🌗', flap: '⇅', recovering: '↗', 'slow-window': '🪟' });

/** What a rule of one's own can do, and the rule for it. @type {[string, string, (number: number) => object, string, number][]} */
const KINDS = [
    ['status', 'answer with status', (status) => ({ abort: { httpStatus: status } }), 'status', 503],
    ['delay', 'wait', (ms) => ({ delay: { fixedDelay: `${ms}ms` } }), 'ms', 500],
    ['reset', 'reset the connection', () => ({ abort: { connection: 'reset' } }), '', 0],
    ['close', 'close the connection', () => ({ abort: { connection: 'close' } }), '', 0],
    ['hang', 'never answer', () => ({ abort: { connection: 'hang' } }), '', 0],
];
const OWN = 'by-hand';

/**
 * @param {Element} parent
 * @param {{preset: (service: string, preset: string) => void, rule: (service: string, name: string, rule: object) => void, remove: (service: string, name: string) => void, change: (service: string, what: 'reset' | 'enable' | 'disable') => void, presets: (service: string) => Promise<{name: string, about: string}[]>}} act
 */
export function faults(parent, act) {
    let chosen = '';
    /** @type {Set<string>} */
    const asked = new Set();
    const services = h('div', { class: 'segmented', role: 'group', 'aria-label': 'Which service' });
    const presets = h('div', { class: 'presets', role: 'group', 'aria-label': 'Presets' }, ...PRESETS.map((preset, i) => h('button', { type: 'button', class: 'preset', 'data-preset': preset, onclick: () => act.preset(chosen, preset) }, h('span', { 'aria-hidden': 'true' }, ICONS[preset]), ` ${preset} `, h('kbd', {}, i + 1))));
    const about = h('p', { class: 'about' }, ' ');
    const rules = h('ul', { class: 'rules', 'aria-label': 'Rules' });

    const share = h('input', { type: 'number', id: 'own-share', min: 0, max: 100, step: 1, value: 50, required: true });
    const kind = h('select', { id: 'own-kind' }, ...KINDS.map(([name, label]) => h('option', { value: name }, label)));
    const amount = h('input', { type: 'number', id: 'own-amount', min: 0, max: 60000, step: 1, value: 503, required: true, 'aria-label': 'Status or milliseconds' });
    const unit = h('span', { class: 'unit' }, 'status');
    const picked = () => /** @type {typeof KINDS[number]} */ (KINDS.find(([name]) => name === kind.value));
    kind.addEventListener('change', () => {
        const [, , , name, usual] = picked();
        amount.hidden = name === '';
        amount.value = String(usual);
        text(unit, name);
    });
    const own = h('details', { class: 'own' }, h('summary', {}, 'A rule of your own'),
        h('form', {
            onsubmit: (/** @type {Event} */ event) => {
                event.preventDefault();
                const [, , make] = picked();
                act.rule(chosen, OWN, { enabled: true, percentage: share.valueAsNumber, phase: 'before', ...make(amount.valueAsNumber) });
            },
        }, h('label', { for: 'own-share' }, 'Per cent'), share, h('label', { for: 'own-kind' }, 'of requests'), kind, amount, unit, h('button', { type: 'submit' }, 'Inject')));
    const reset = h('button', { type: 'button', class: 'quiet', title: 'Back to what the environment says', onclick: () => act.change(chosen, 'reset') }, 'As at the start');
    const power = h('button', { type: 'button', class: 'quiet', id: 'faults-power', title: 'All rules at once, without forgetting them', onclick: () => act.change(chosen, power.dataset.on === 'true' ? 'disable' : 'enable') }, 'Switch off');
    const fields = h('fieldset', { class: 'group' }, h('legend', {}, 'Faults'), services, presets, about, rules, own, h('div', { class: 'buttons' }, power, reset));
    parent.append(fields);

    return {
        /** The preset with that number, for the keys. @param {number} number */
        press(number) {
            const preset = PRESETS[number - 1];
            if (preset && chosen) act.preset(chosen, preset);
        },

        /** @param {import('./types.js').Known} known */
        render(known) {
            fields.disabled = known.me?.may_change === false;
            if (chosen === '' && known.services.length > 0) chosen = known.services[known.services.length - 1].name;
            keyed(services, known.services, (service) => service.name, (service) => h('button', {
                type: 'button',
                onclick: () => {
                    chosen = service.name;
                    this.render(known);
                },
            }, service.name), (button, service) => set(button, { 'aria-pressed': String(service.name === chosen) }));
            const service = known.services.find((one) => one.name === chosen);
            const chaos = service?.chaos ?? null;
            for (const button of presets.children) set(button, { 'aria-pressed': String(chaos?.preset === button.getAttribute('data-preset')) });
            text(about, sentence(service));
            power.dataset.on = String(chaos?.enabled !== false);
            text(power, chaos?.enabled === false ? 'Switch faults on' : 'Switch faults off');
            keyed(rules, chaos?.rules ?? [], (rule) => rule.name, (rule) => h('li', {}, h('span', { class: 'rule-name' }), h('span', { class: 'rule-now' }), h('button', { type: 'button', class: 'quiet', 'aria-label': `Remove the rule ${rule.name}`, onclick: () => act.remove(chosen, rule.name) }, 'Remove')), (item, rule) => {
                const on = Boolean(chaos?.enabled && rule.now?.active);
                set(item, { 'data-on': on });
                text(item.children[0], `${on ? '🐒' : '💤'} ${rule.name}`);
                text(item.children[1], describe(rule, on));
            });
            if (service?.reachable && !asked.has(chosen)) this.learn(chosen);
        },

        /** What a service says of its presets. @param {string} service */
        async learn(service) {
            asked.add(service);
            try {
                for (const preset of await act.presets(service)) {
                    const button = presets.querySelector(`[data-preset="${CSS.escape(preset.name)}"]`);
                    if (button) set(button, { title: preset.about });
                }
            } catch {
                // The names stand for themselves.
            }
        },
    };
}

/** @param {import('./types.js').Service | undefined} service */
function sentence(service) {
    if (!service) return 'No service yet.';
    if (service.reachable === false) return `${service.name} is away; nothing can be injected.`;
    if (!service.chaos) return ' ';
    if (!service.chaos.enabled) return `Faults are switched off in ${service.name}.`;
    if (service.chaos.preset) return `${service.name} is set to ${service.chaos.preset}.`;
    return service.chaos.rules.length > 0 ? `${service.name} goes by rules of its own.` : `${service.name} has no faults.`;
}

/** @param {import('./types.js').Rule} rule @param {boolean} on */
function describe(rule, on) {
    if (!on) return 'off';
    const now = rule.now;
    const does = [rule.delay ? `wait ${rule.delay.fixedDelay}` : '', rule.abort?.httpStatus ? `answer ${rule.abort.httpStatus}` : '', rule.abort?.connection ?? ''].filter(Boolean).join(', ');
    const remaining = now?.remaining_ms ? ` · ${time(now.remaining_ms)} left` : '';
    return `${percent(now?.percentage ?? rule.percentage ?? 100)}${does ? `: ${does}` : ''} · struck ${count(now?.injected ?? 0)} of ${count(now?.evaluated ?? 0)}${remaining}`;
}
