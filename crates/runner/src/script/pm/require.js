// `require`: the libraries that come with Satchel, each read when it is first named, and node's shims.
(function (S) {
    "use strict";
    const ALIASES = {
        "csv-parse/lib/sync": "csv-parse", "csv-parse/sync": "csv-parse", "liquid-json": "json", "lodash/": "lodash",
    };
    const OUTSIDE = new Set(["fs", "os", "child_process", "net", "http", "https", "http2", "tls", "dns", "dgram", "vm", "worker_threads", "cluster", "module", "v8", "inspector", "std"]);
    const loaded = new Map();

    const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    function uuid() {
        const bytes = S.host.random(16);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    }
    const process = {
        env: {}, argv: [], browser: true, version: "", versions: {}, platform: "satchel", title: "script",
        nextTick: (run, ...args) => void Promise.resolve().then(() => run(...args)),
        cwd: () => "/", emitWarning() {}, on() {}, once() {}, off() {},
    };
    const builtins = {
        "uuid": () => Object.assign(() => uuid(), { v4: () => uuid() }),
        "atob": () => (text) => S.host.atob(String(text)),
        "btoa": () => (text) => S.host.btoa(String(text)),
        "json": () => ({ parse: S.parseJson, stringify: JSON.stringify }),
        "process": () => process,
        "timers": () => {
            const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
            return { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };
        },
        "postman-collection": () => ({ ...S.classes }),
        "chai": () => S.chai(),
        "crypto": () => ({ randomBytes: (count) => S.require("buffer").Buffer.from(S.host.random(count)), randomUUID: uuid }),
    };

    /** A library of the bundle, as it is. */
    S.load = (name) => {
        const make = S.host.load(name);
        if (!make) throw new Error(`Cannot find module '${name}'`);
        const module = { exports: {} };
        const before = S.isLoading;
        S.isLoading = true;
        // Libraries that need each other see what is there so far.
        if (name !== "chai") loaded.set(name, module.exports);
        try {
            make(module, module.exports, S.require, process);
        } catch (error) {
            loaded.delete(name);
            throw error;
        } finally {
            S.isLoading = before;
        }
        return module.exports;
    };
    S.require = (asked) => {
        const plain = String(asked).replace(/^node:/, "").replace(/\/$/, "");
        const name = Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : plain;
        if (loaded.has(name)) return loaded.get(name);
        if (OUTSIDE.has(name)) {
            throw new Error(`Cannot find module '${name}': scripts have no files, processes or network but by pm.sendRequest`);
        }
        const value = Object.hasOwn(builtins, name) ? builtins[name]() : S.load(name);
        loaded.set(name, value);
        return value;
    };
    S.uuid = uuid;
})
