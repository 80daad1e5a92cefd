// Runs one script after another in one realm, as Postman's sandbox does: what a script makes global without
// declaring it, later scripts of the same run see. All else is made anew.
(function (S) {
    "use strict";
    const stringify = JSON.stringify;
    const parse = JSON.parse;
    const STACK_MAX = 4096;
    const CALLS_MAX = 1000;
    let calls = new Map();
    let callCount = 0;
    let rejections = new Map();
    let original;

    S.skipped = Symbol("skipRequest");
    /** Half a character is none that a text outside of JavaScript can hold. */
    const whole = (key, value) => typeof value === "string" ? value.toWellFormed() : value;
    S.emit = (kind, fields) => { S.host.emit(kind, stringify(fields, whole)); };

    /** Runs a piece of the script; what it throws is the script's fault, and the script goes on. */
    S.guarded = (run) => {
        try {
            run();
        } catch (error) {
            S.fault(error);
        }
    };
    S.fault = (error) => { if (error !== S.skipped) S.result.faults.push(S.describe(error)); };

    /** An error as fields; a place only where the script's own text is the place. */
    S.describe = (error) => {
        if (error === null || typeof error !== "object") {
            return { name: "Error", message: typeof error === "string" ? error : S.inspect(error) };
        }
        const text = (key, otherwise) => {
            try {
                const value = error[key];
                return value === undefined || value === null ? otherwise : String(value).slice(0, 16 * STACK_MAX);
            } catch {
                return otherwise;
            }
        };
        const stack = text("stack", "").slice(0, STACK_MAX);
        const [line, column] = place(stack);
        return { name: text("name", "Error"), message: text("message", ""), stack, line, column };
    };
    function place(stack) {
        const at = stack.indexOf(`${S.file}:`);
        const [, line, column] = at < 0 ? [] : /^(\d+)(?::(\d+))?/.exec(stack.slice(at + S.file.length + 1)) ?? [];
        if (line === undefined) return [];
        // The first line stands behind the function that wraps the script.
        const shift = line === "1" ? S.shift : 0;
        return [Number(line), column === undefined ? undefined : Math.max(1, Number(column) - shift)];
    }
    S.errorText = (error) => {
        const { name, message, stack } = S.describe(error);
        const head = message ? `${name}: ${message}` : name;
        return stack ? `${head}\n${stack.trimEnd()}` : head;
    };

    /** Asks the host for something, and waits for it as a promise. */
    S.call = (method, args) => {
        if (callCount >= CALLS_MAX) throw new RangeError(`more than ${CALLS_MAX} requests and cookie calls in one script`);
        const id = ++callCount;
        return new Promise((resolve, reject) => {
            calls.set(id, { resolve, reject });
            S.emit("call", { id, method, ...args });
        });
    };
    function reply(id, text, handle, byteLength) {
        const waiting = calls.get(id);
        calls.delete(id);
        if (!waiting || S.isOver) return;
        const { error, value } = parse(text);
        if (error) waiting.reject(Object.assign(new Error(error.message), error.code ? { code: error.code } : {}));
        else waiting.resolve(handle >= 0 ? { ...value, bytes: { handle, byteLength } } : value);
    }

    function lazy(name, make) {
        const define = (value) => Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
        Object.defineProperty(globalThis, name, {
            configurable: true, enumerable: false, set: define,
            get() {
                // lodash looks for an older one of itself while it is read.
                if (name === "_" && S.isLoading) return undefined;
                const value = make();
                define(value);
                return value;
            },
        });
    }
    const define = (name, value) => lazy(name, () => value);

    function globals(pm, given) {
        define("pm", pm);
        define("console", S.makeConsole());
        define("require", S.require);
        for (const [name, run] of Object.entries(S.timers)) define(name, run);
        for (const [name, make] of Object.entries(S.legacyGlobals(pm, given))) lazy(name, make);
        lazy("Buffer", () => S.require("buffer").Buffer);
        define("atob", (text) => S.host.atob(String(text)));
        define("btoa", (text) => S.host.btoa(String(text)));
        define("queueMicrotask", (run) => void Promise.resolve().then(() => S.guarded(run)));
        define("TextEncoder", class TextEncoder {
            encoding = "utf-8";
            encode(text = "") { return S.host.encode(String(text)); }
        });
        define("TextDecoder", class TextDecoder {
            constructor(label = "utf-8") { this.encoding = label; }
            decode(bytes) { return bytes === undefined ? "" : S.host.decode(Array.from(new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength)), this.encoding); }
        });
        define("crypto", {
            randomUUID: S.uuid,
            getRandomValues(array) {
                new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(S.host.random(array.byteLength));
                return array;
            },
        });
    }

    let source;
    /** Makes everything anew. It runs before the script has begun: if an earlier one has broken what this needs, the
        child is replaced and nobody notices. */
    function prepare(text, handle, byteLength) {
        const given = parse(text);
        calls = new Map();
        callCount = 0;
        rejections = new Map();
        S.resetTimers();
        Object.assign(S, {
            changes: [], result: { faults: [] }, unsettled: new Set(), testCount: 0, isOver: false, file: given.file, shift: 0, legacyTests: {},
        });
        S.pm = S.makePm(given, { handle, byteLength });
        original = parts(S.pm.request);
        globals(S.pm, given);
        source = given.source;
        if (S.changes.length || S.testCount) throw new Error("the realm is not as it was");
    }
    function start() {
        S.guarded(() => {
            const isAsync = /\bawait\b/.test(source);
            S.shift = isAsync ? 18 : 12;
            const run = S.host.compile(source, S.file, isAsync);
            const result = run();
            if (isAsync) result.catch(S.fault);
        });
    }

    /** The parts of a request that a script may change, each as text. */
    function parts(request) {
        if (!request) return {};
        const { method, url, header, body, auth } = request.toJSON();
        return Object.fromEntries(Object.entries({ method, url, header: header ?? [], body: body ?? null, auth: auth ?? null })
            .map(([name, part]) => [name, stringify(part)]));
    }
    function changedRequest() {
        const now = parts(S.pm.request);
        const changed = Object.keys(now).filter((name) => now[name] !== original[name]);
        return Object.fromEntries(changed.map((name) => [name, parse(now[name])]));
    }

    /** Milliseconds until there is something to do; below 0: nothing will come, infinite: only answers. */
    function wait() {
        if (S.isOver) return -1;
        return S.untilTimer() ?? (calls.size ? Infinity : -1);
    }

    function finish() {
        for (const test of S.unsettled) test.report(test, new Error("the test did not end: its callback was not called or its promise not settled"));
        S.guarded(S.tellLegacyTests);
        if (!S.isOver) for (const reason of rejections.values()) S.fault(reason);
        const request = {};
        S.guarded(() => Object.assign(request, changedRequest()));
        const { faults, next, skip, visualizer } = S.result;
        const told = { changes: S.changes, request, next, skip, visualizer, faults: faults.slice(0, 100) };
        S.isOver = true;
        S.resetTimers();
        try {
            S.emit("done", told);
        } catch (error) {
            S.emit("done", { changes: [], request: {}, faults: [S.describe(error)] });
        }
        S.pm = undefined;
    }

    return {
        prepare, start, reply, wait, finish,
        fire: S.fireTimer,
        rejected(promise, reason, isHandled) {
            if (isHandled) rejections.delete(promise);
            else if (rejections.size < 100) rejections.set(promise, reason);
        },
    };
})
