// What scripts used before `pm`: `tests`, `postman`, `responseBody` and the other globals.
(function (S) {
    "use strict";

    function legacyRequest(request, info) {
        if (!request) return {};
        const { body } = request;
        const pairs = () => {
            const sums = {};
            for (const { key, value, disabled } of body[body.mode].members) {
                if (!disabled) sums[key] = sums[key] ? [].concat(sums[key], value) : value;
            }
            return sums;
        };
        const data = !body || body.isEmpty() ? {} : body.mode === "raw" ? body.raw
            : ["urlencoded", "formdata"].includes(body.mode) ? pairs() : {};
        return {
            id: info?.requestId, name: info?.requestName, description: request.description,
            headers: request.headers.toObject(true, false, true, true), method: request.method, url: request.url.toString(), data,
        };
    }

    function legacyPostman(pm, names) {
        const text = (value) => value === false || value ? String(value) : value;
        // The old names are globals of the script, too, so both places change.
        const mirrored = (store, kept) => ({
            set(key, value) {
                kept[key] = text(value);
                store.set(key, text(value));
            },
            get: (key) => store.get(key),
            unset(key) {
                delete kept[key];
                store.unset(key);
            },
            clear() {
                for (const key of Object.keys(kept)) delete kept[key];
                store.clear();
            },
        });
        const environment = mirrored(pm.environment, names.environment);
        const globals = mirrored(pm.globals, names.globals);
        const postman = {
            setEnvironmentVariable: environment.set,
            getEnvironmentVariable: environment.get,
            clearEnvironmentVariable: environment.unset,
            clearEnvironmentVariables: environment.clear,
            setGlobalVariable: globals.set,
            getGlobalVariable: globals.get,
            clearGlobalVariable: globals.unset,
            clearGlobalVariables: globals.clear,
            setNextRequest: (next) => pm.execution.setNextRequest(next),
        };
        if (pm.response) {
            postman.getResponseCookie = (name) => pm.cookies.one(String(name));
            postman.getResponseHeader = (name) => pm.response.headers.one(name)?.value;
        }
        return postman;
    }

    function xml2Json(text) {
        let found = {};
        const options = { explicitArray: false, async: false, trim: true, mergeAttrs: false };
        S.require("xml2js").parseString(text, options, (error, result) => { found = result; });
        return found;
    }

    /** The globals of a script, each a function that makes it when it is first read. */
    S.legacyGlobals = (pm, given) => {
        const names = { environment: pm.environment.syncVariablesTo(), globals: pm.globals.syncVariablesTo() };
        const tests = {};
        S.legacyTests = tests;
        const response = given.event === "test" ? {
            responseCookies: () => pm.cookies.all(),
            responseHeaders: () => {
                const enabled = pm.response?.headers.members.filter((header) => !header.disabled) ?? [];
                return Object.fromEntries(enabled.map(({ key, value }) => [key, value]));
            },
            responseTime: () => given.response ? pm.response.responseTime : NaN,
            responseCode: () => given.response ? pm.response.details() : { code: NaN, name: "", details: "" },
            responseBody: () => given.response ? pm.response.text() : undefined,
        } : {};
        return {
            tests: () => tests,
            environment: () => names.environment,
            globals: () => names.globals,
            data: () => ({ ...given.data }),
            iteration: () => given.info?.iteration ?? 0,
            request: () => legacyRequest(pm.request, given.info),
            postman: () => legacyPostman(pm, names),
            ...response,
            _: () => S.require("lodash3"),
            CryptoJS: () => S.require("crypto-js"),
            tv4: () => S.require("tv4"),
            cheerio: () => S.require("cheerio"),
            xml2Json: () => xml2Json,
        };
    };

    /** Reports `tests["name"] = truth` as tests, after all others. */
    S.tellLegacyTests = () => {
        for (const [name, value] of Object.entries(S.legacyTests ?? {})) {
            const error = value ? null : { name: "AssertionError", message: `expected ${S.inspect(value)} to be truthy` };
            S.emit("test", { name, index: S.testCount++, passed: Boolean(value), skipped: false, error });
        }
    };
})
