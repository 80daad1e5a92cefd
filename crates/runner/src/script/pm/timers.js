// Timers: what is due, in the order of time and then of setting. The clock is the host's.
(function (S) {
    "use strict";
    const TIMERS_MAX = 10_000;
    const DELAY_MAX = 2 ** 31 - 1;
    let timers = new Map();
    let last = 0;

    function set(run, delay, args, isInterval) {
        if (S.isOver || typeof run !== "function") return undefined;
        if (timers.size >= TIMERS_MAX) throw new RangeError(`more than ${TIMERS_MAX} timers at once`);
        const number = Number(delay);
        const wait = number >= 1 && number <= DELAY_MAX ? number : isInterval ? 1 : 0;
        const id = ++last;
        timers.set(id, { id, run, args, due: S.host.now() + wait, wait: isInterval ? wait : undefined });
        return id;
    }
    function next() {
        let first;
        for (const timer of timers.values()) if (!first || timer.due < first.due) first = timer;
        return first;
    }

    S.resetTimers = () => { timers = new Map(); };
    /** Milliseconds to the next timer; none without timers. */
    S.untilTimer = () => {
        const timer = next();
        return timer && Math.max(0, timer.due - S.host.now());
    };
    /** Runs the timer that is due, if one is. */
    S.fireTimer = () => {
        const timer = next();
        if (!timer || timer.due > S.host.now()) return;
        if (timer.wait === undefined) timers.delete(timer.id);
        else timer.due = S.host.now() + timer.wait;
        S.guarded(() => timer.run(...timer.args));
    };

    const clear = (id) => { timers.delete(id); };
    S.timers = {
        setTimeout: (run, delay, ...args) => set(run, delay, args, false),
        setInterval: (run, delay, ...args) => set(run, delay, args, true),
        setImmediate: (run, ...args) => set(run, 0, args, false),
        clearTimeout: clear,
        clearInterval: clear,
        clearImmediate: clear,
    };
})
