// The lessons as a list, and the one that runs with its steps and ticks.

import { h, keyed, set, text } from './dom.js';
import { LESSONS } from './lessons.js';
import { leftOver } from './scene.js';

const MARKS = { done: '✓', now: '●', next: '○', failed: '✕' };

/**
 * @param {Element} parent
 * @param {HTMLElement} caption a line for presenter mode
 * @param {ReturnType<typeof import('./teacher.js').teacher>} teacher
 */
export function lessonPanel(parent, caption, teacher) {
    const title = h('h3', { tabindex: -1 });
    const about = h('p');
    const watch = h('p', { class: 'watch' });
    const note = h('p', { class: 'note' });
    const steps = h('ol', { class: 'steps' });
    const result = h('p', { class: 'result', role: 'status' });
    // Changes with each snapshot, so it is not read out; the steps are, one by one.
    const waits = h('p', { class: 'note' });
    const spoken = h('p', { class: 'visually-hidden', role: 'status' });
    const stop = h('button', { type: 'button', id: 'lesson-stop', onclick: () => teacher.stop() }, 'Stop');
    const next = h('button', { type: 'button', id: 'lesson-next', class: 'main', onclick: () => follow() }, 'Next lesson');
    const again = h('button', { type: 'button', id: 'lesson-again', onclick: () => teacher.run && teacher.start(teacher.run.lesson) }, 'Once more');
    const running = h('div', { class: 'running', hidden: true }, title, about, watch, note, steps, result, waits, spoken, h('div', { class: 'buttons' }, stop, again, next));
    const list = h('ol', { class: 'lesson-list', 'aria-label': 'Lessons' });
    const intro = h('p', { class: 'soft' }, 'Each sets the scene (no faults, time-outs of 2 s, so that only what is meant to break does), says what to watch, checks by itself that it happened, and tidies up.');
    parent.append(running, intro, list);
    /** @type {import('./types.js').Known | null} */
    let latest = null;

    const offered = () => LESSONS.filter((lesson) => !latest || !lesson.offered || lesson.offered(latest));
    function follow() {
        const now = teacher.run?.lesson.number ?? 0;
        const after = offered().find((lesson) => lesson.number > now);
        if (after) begin(after);
    }
    /** @param {import('./lessons.js').Lesson} lesson */
    function begin(lesson) {
        teacher.start(lesson);
        title.focus({ preventScroll: false });
    }

    return {
        begin,

        /** @param {import('./types.js').Known} known */
        render(known) {
            latest = known;
            const { run } = teacher;
            const busy = run !== null && run.phase !== 'over';
            const may = known.me?.may_change !== false && known.link === 'live';
            keyed(list, offered(), (lesson) => String(lesson.number), (lesson) => h('li', {}, h('button', { type: 'button', class: 'lesson', 'data-lesson': lesson.number, onclick: () => begin(lesson) }, h('span', { class: 'lesson-number' }, lesson.number), h('span', { class: 'lesson-title' }, lesson.title), h('span', { class: 'lesson-mark' }))), (item, lesson) => {
                const button = item.firstElementChild;
                button.disabled = busy || !may;
                set(button, { 'aria-current': run?.lesson === lesson ? 'step' : null });
                text(button.lastElementChild, teacher.passed.has(lesson.number) ? '✓ passed' : '');
            });
            running.hidden = run === null;
            caption.hidden = run === null;
            if (!run) return;
            const { lesson } = run;
            set(running, { 'data-lesson': lesson.number, 'data-phase': run.phase, 'data-outcome': run.outcome });
            text(title, `${lesson.number}. ${lesson.title}`);
            text(about, lesson.about);
            text(watch, `Watch ${lesson.watch}`);
            text(note, lesson.note ?? '');
            note.hidden = !lesson.note;
            const all = [{ text: 'The scene is set: no faults, circuits closed, no failures in the window' }, ...lesson.steps];
            keyed(steps, all.map((step, i) => ({ step, i })), ({ i }) => `${lesson.number} ${i}`, () => h('li', {}, h('span', { class: 'step-mark', 'aria-hidden': 'true' }), h('span', { class: 'step-text' }), h('span', { class: 'visually-hidden' })), (item, { step, i }) => {
                const state = stateOf(run, i - 1);
                set(item, { 'data-state': state });
                text(item.children[0], MARKS[state]);
                text(item.children[1], step.text);
                text(item.children[2], { done: ' (done)', now: ' (now)', next: '', failed: ' (did not happen)' }[state]);
            });
            text(result, say(run));
            text(waits, run.phase === 'scene' && run.waits ? `Waiting: ${run.waits}.` : run.phase === 'over' && run.outcome !== 'failed' ? leftOver(known) : '');
            text(spoken, run.phase === 'steps' && lesson.steps[run.step] ? `Step ${run.step + 1} of ${lesson.steps.length}: ${lesson.steps[run.step].text}` : '');
            const held = document.activeElement === stop;
            stop.hidden = !busy;
            again.hidden = busy;
            again.disabled = !may;
            // Who waited on “Stop” for the end keeps a place.
            if (held && !busy) again.focus();
            next.hidden = busy || run.outcome !== 'passed' || !offered().some((one) => one.number > lesson.number);
            next.disabled = !may;
            const step = lesson.steps[run.step];
            text(caption, `Lesson ${lesson.number}: ${lesson.title}. ${run.phase === 'over' ? say(run) : step ? step.text : `${say(run)}${run.waits ? ` (${run.waits})` : ''}`}`);
        },
    };
}

/** @param {import('./teacher.js').Run} run @param {number} step @returns {keyof typeof MARKS} */
function stateOf(run, step) {
    if (run.outcome === 'passed' || step < run.step) return 'done';
    if (step > run.step) return 'next';
    if (run.outcome === null) return 'now';
    return run.outcome === 'failed' ? 'failed' : 'next';
}

/** @param {import('./teacher.js').Run} run */
function say(run) {
    if (run.phase === 'scene') return 'Setting the scene…';
    if (run.phase === 'tidying') return 'Putting everything back as it was…';
    if (run.phase !== 'over') return '';
    if (run.outcome === 'passed') return `Passed. ${run.lesson.learned} Everything is set as it was before.${run.why ? ` ${run.why}` : ''}`;
    if (run.outcome === 'stopped') return `Stopped, and everything is set as it was before.${run.why ? ` ${run.why}` : ''}`;
    return `It did not happen: ${run.why}`;
}
