// The one stream of events of this page. It is opened again whenever it ends, and says so.

const EVENTS = ['snapshot', 'transition', 'request', 'fault', 'config', 'service', 'load'];
/** A stream that is silent for longer than this is as good as gone. */
const SILENCE = 20_000;
const AGAIN = 2_000;

/**
 * @param {string} url
 * @param {{heard: (event: string, data: any) => void, link: (link: 'live' | 'away') => void}} to
 */
export function listen(url, to) {
    /** @type {EventSource | null} */
    let source = null;
    let lastWord = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    const open = () => {
        clearTimeout(timer);
        timer = undefined;
        source?.close();
        const mine = new EventSource(url);
        source = mine;
        lastWord = performance.now();
        mine.onopen = () => {
            lastWord = performance.now();
            to.link('live');
        };
        mine.onerror = () => {
            to.link('away');
            // The browser tries again by itself, unless it was told no (a 503): then we do.
            if (mine.readyState === EventSource.CLOSED && timer === undefined) timer = setTimeout(open, AGAIN);
        };
        for (const name of EVENTS) {
            mine.addEventListener(name, (event) => {
                lastWord = performance.now();
                let data;
                try {
                    data = JSON.parse(/** @type {MessageEvent} */ (event).data);
                } catch {
                    return; // Half a message; the next snapshot is whole again.
                }
                to.heard(name, data);
            });
        }
    };
    open();

    setInterval(() => {
        if (source?.readyState === EventSource.OPEN && performance.now() - lastWord > SILENCE) {
            to.link('away');
            open();
        }
    }, 2_000);
    // A tab that was asleep may hold a dead connection.
    window.addEventListener('online', open);
}
