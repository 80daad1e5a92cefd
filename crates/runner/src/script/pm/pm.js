// The object `pm`: made anew for each script.
(function (S) {
    "use strict";
    const { Request, Response, Cookie, CookieList, Url } = S.classes;
    const TESTS_MAX = 10_000;
    const refused = (words) => () => { throw new Error(words); };
    const VAULT = "pm.vault is not available in Satchel: keep the value in a secret variable, which is sealed and masked";
    const PACKAGES = "pm.require is not available in Satchel: packages of Postman's package library live on Postman's servers; use require for the libraries of docs/scripts.md";

    const readonly = (target, fields) => {
        for (const [key, value] of Object.entries(fields)) {
            if (value !== undefined) Object.defineProperty(target, key, { value, enumerable: true, writable: false });
        }
        return target;
    };
    /** A call of the host, as a promise, and as a callback for who gives one. */
    function asked(method, args, shape, callback) {
        const promise = S.call(method, args).then(shape);
        if (typeof callback !== "function") return promise;
        promise.then((value) => S.guarded(() => callback(null, value)), (error) => S.guarded(() => callback(error)));
        return undefined;
    }

    function makeTest(pm) {
        const report = (test, error) => {
            if (test.isTold) return;
            test.isTold = true;
            S.unsettled.delete(test);
            S.emit("test", { name: test.name, index: test.index, passed: !error, skipped: test.isSkipped, error: error ? S.describe(error) : null });
        };
        const begin = (name, isSkipped) => {
            if (S.testCount >= TESTS_MAX) throw new RangeError(`more than ${TESTS_MAX} tests in one script`);
            return { name: String(name), index: S.testCount++, isSkipped, report };
        };
        const test = (name, run) => {
            const made = begin(name, false);
            if (typeof run !== "function") {
                report(made);
                return pm;
            }
            try {
                if (run.length) S.unsettled.add(made);
                const result = run.length ? run((error) => report(made, error)) : run();
                if (run.length) return pm;
                if (result && typeof result.then === "function") {
                    S.unsettled.add(made);
                    result.then(() => report(made), (error) => report(made, error ?? new Error("the test's promise was rejected")));
                    return pm;
                }
                report(made);
            } catch (error) {
                if (error === S.skipped) throw error;
                report(made, error ?? new Error("the test threw nothing"));
            }
            return pm;
        };
        test.skip = (name) => {
            report(begin(name, true));
            return pm;
        };
        test.index = () => S.testCount;
        return test;
    }

    function jar() {
        const url = (given, method) => {
            const made = given instanceof Url ? given : given && typeof given === "string" ? new Url(given) : null;
            if (!made) throw new TypeError(`CookieJar.${method}() requires a valid url`);
            return made.toString(true);
        };
        const one = (fields) => fields ? new Cookie(fields) : null;
        return {
            get(where, name, callback) {
                const to = url(where, "get");
                if (typeof name !== "string") throw new TypeError("CookieJar.get() requires cookie name to be a string");
                return asked("cookie.get", { url: to, name }, (it) => it ? one(it).valueOf() : null, callback);
            },
            getAll(where, options, callback) {
                const to = url(where, "getAll");
                return asked("cookie.all", { url: to }, (list) => new CookieList(null, list), typeof options === "function" ? options : callback);
            },
            set(where, name, value, callback) {
                const to = url(where, "set");
                if (typeof value === "function" && !callback) [value, callback] = [undefined, value];
                const isObject = name && typeof name === "object";
                const isPair = typeof name === "string" && value !== undefined && value !== null;
                if (!isObject && typeof name !== "string") throw new TypeError("CookieJar.set() requires a valid set cookie arguments");
                const cookie = isObject ? new Cookie(name).toString() : isPair ? `${name}=${value}` : name;
                return asked("cookie.set", { url: to, cookie }, one, callback);
            },
            unset(where, name, callback) {
                const to = url(where, "unset");
                if (typeof name !== "string") throw new TypeError("CookieJar.unset() requires cookie name to be a string");
                return asked("cookie.unset", { url: to, name }, () => undefined, callback);
            },
            clear(where, callback) {
                return asked("cookie.clear", { url: url(where, "clear") }, () => undefined, callback);
            },
        };
    }

    function sendRequest(pm, given, callback) {
        if (!given) {
            const error = new Error("sendrequest: nothing to request");
            if (typeof callback === "function") return void callback.call(pm, error);
            return Promise.reject(error);
        }
        const request = given instanceof Request ? given : new Request(given);
        const promise = S.call("send", { request: request.toJSON() });
        if (typeof callback !== "function") return promise.then((told) => new Response(told));
        const answered = (error, told) => S.guarded(() => {
            const response = new Response(told ?? {});
            callback.call(pm, error, response, { cookies: response.cookies });
        });
        promise.then((told) => answered(null, told), (error) => answered(error));
        return pm;
    }

    function makeExecution(given) {
        const location = [...(given.location ?? [])];
        Object.defineProperty(location, "current", { value: given.location?.at(-1) });
        return readonly({}, {
            setNextRequest(next) { S.result.next = next === null || next === undefined ? { stop: true } : { name: String(next) }; },
            skipRequest() {
                if (given.event !== "prerequest") throw new TypeError("pm.execution.skipRequest is not a function");
                S.result.skip = true;
                S.isOver = true;
                throw S.skipped;
            },
            runRequest: refused("pm.execution.runRequest is not available in Satchel: use pm.sendRequest"),
            location,
        });
    }

    const visualizer = {
        set(template, data, options) {
            if (typeof template !== "string") throw new Error(`Invalid template. Template must be of type string, found ${typeof template}`);
            if (data && typeof data !== "object") throw new Error(`Invalid data. Data must be an object, found ${typeof data}`);
            if (options && typeof options !== "object") throw new Error(`Invalid options. Options must be an object, found ${typeof options}`);
            S.result.visualizer = { template, data: data ?? null, options: options ?? null };
        },
        clear() { S.result.visualizer = undefined; },
    };

    S.makePm = (given, bytes) => {
        const pm = {};
        const cookies = new CookieList(null, given.cookies ?? []);
        Object.defineProperty(cookies, "jar", { value: jar });
        const scopes = S.scopesOf(given.scopes ?? [], given.data);
        const { iteration, iterationCount, requestName, requestId } = given.info ?? {};
        readonly(pm, {
            info: readonly({}, { eventName: given.event, iteration, iterationCount, requestName, requestId }),
            ...scopes,
            request: given.request ? new Request(given.request) : undefined,
            // A request that failed has an answer without anything in it, so that assertions about it fail as assertions.
            response: given.response ? new Response({ ...given.response, bytes }) : given.event === "test" ? new Response({}) : undefined,
            cookies,
            visualizer,
            sendRequest: (request, callback) => sendRequest(pm, request, callback),
            execution: makeExecution(given),
            require: refused(PACKAGES),
            vault: { get: refused(VAULT), set: refused(VAULT), unset: refused(VAULT) },
        });
        pm.test = makeTest(pm);
        Object.defineProperty(pm, "expect", { get: () => S.chai().expect, enumerable: true });
        return pm;
    };
})
