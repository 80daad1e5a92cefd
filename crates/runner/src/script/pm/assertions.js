// Postman's words for chai, `to.have.status` and the like, with the messages of chai-postman 2.0.1 (Apache-2.0),
// without lodash below them. Chai itself is read only when a script first asks for it.
(function (S) {
    "use strict";
    const { Request, Response } = S.classes;
    const CLASSES = { info: 1, success: 2, redirection: 3, clientError: 4, serverError: 5 };
    const REASONS = {
        accepted: [202, "Accepted"], withoutContent: [204, "No Content"], badRequest: [400, "Bad Request"],
        unauthorised: [401, "Unauthorized"], unauthorized: [401, "Unauthorized"], forbidden: [403, "Forbidden"],
        notFound: [404, "Not Found"], notAcceptable: [406, "Not Acceptable"], rateLimited: [429, "Too Many Requests"],
    };
    const isResponse = (value) => value instanceof Response;
    const isRequest = (value) => value instanceof Request;

    /** The steps of a path as lodash takes it: `a.b[0]["c"]`. */
    function steps(path) {
        return Array.from(String(path).matchAll(/[^.[\]]+|\[(?:(["'])(.*?)\1|([^\]]*))\]/g), ([whole, quote, quoted, index]) =>
            quote ? quoted : index ?? whole);
    }
    /** The value at a path, in a box; none where there is nothing. */
    function at(value, path) {
        if (value !== null && value !== undefined && Object.hasOwn(Object(value), path)) return { value: value[path] };
        for (const step of steps(path)) {
            if (value === null || value === undefined || !Object.hasOwn(Object(value), step)) return undefined;
            value = value[step];
        }
        return { value };
    }
    const isPlainObject = (value) => Object.prototype.toString.call(value) === "[object Object]"
        && [Object.prototype, null].includes(Object.getPrototypeOf(value));

    function jsonOf(response) {
        try {
            return { value: response.json() };
        } catch (error) {
            return { fault: error.name === "JSONError" ? String(error.message).split("\n")[0] : `${error.name}: ${error.message}` };
        }
    }

    function plugin(chai) {
        const { Assertion, util } = chai;
        const isEqual = util.eql;
        const answer = (assertion) => {
            new Assertion(assertion._obj).to.be.postmanResponse;
            return assertion._obj;
        };
        const kind = (name, test, words) => Assertion.addProperty(name, function () {
            this.assert(test(this._obj), `expecting a postman ${words} object but got #{this}`, `not expecting a postman ${words} object`);
        });
        kind("postmanRequest", isRequest, "request");
        kind("postmanResponse", isResponse, "response");
        kind("postmanRequestOrResponse", (it) => isRequest(it) || isResponse(it), "request or response");

        function classed(assertion, wanted) {
            const { code } = answer(assertion);
            assertion.assert(Math.floor(code / 100) === wanted, "expected response code to be #{exp}XX but found #{act}",
                "expected response code to not be #{exp}XX", wanted, code);
        }
        Assertion.addMethod("statusCodeClass", function (wanted) { classed(this, wanted); });
        for (const [name, wanted] of Object.entries(CLASSES)) {
            Assertion.addProperty(name, function () { classed(this, wanted); });
        }
        Assertion.addProperty("error", function () {
            const { code } = answer(this);
            this.assert([4, 5].includes(Math.floor(code / 100)), "expected response code to be 4XX or 5XX but found #{act}",
                "expected response code to not be 4XX or 5XX", null, code);
        });

        function coded(assertion, wanted) {
            const { code } = answer(assertion);
            assertion.assert(code === Number(wanted), "expected response to have status code #{exp} but got #{act}",
                "expected response to not have status code #{act}", Number(wanted), code);
        }
        function reasoned(assertion, wanted, actual) {
            assertion.assert(actual === wanted, "expected response to have status reason #{exp} but got #{act}",
                "expected response to not have status reason #{act}", wanted, actual);
        }
        Assertion.addMethod("statusCode", function (wanted) { coded(this, wanted); });
        Assertion.addMethod("statusReason", function (wanted) { reasoned(this, String(wanted), answer(this).reason()); });
        Assertion.addMethod("status", function (wanted) {
            if (typeof wanted === "number") coded(this, wanted);
            else reasoned(this, wanted, answer(this).reason());
        });
        function named(assertion, code, reason) {
            const response = answer(assertion);
            reasoned(assertion, reason.toUpperCase(), String(response.reason()).toUpperCase());
            coded(assertion, code);
        }
        for (const [name, [code, reason]] of Object.entries(REASONS)) {
            Assertion.addProperty(name, function () { named(this, code, reason); });
        }
        Assertion.addProperty("ok", function () {
            if (isResponse(this._obj)) return named(this, 200, "OK");
            this.assert(util.flag(this, "object"), "expected #{this} to be truthy", "expected #{this} to be falsy");
        });

        Assertion.addMethod("header", function (...args) {
            const [name, wanted] = args;
            new Assertion(this._obj).to.be.postmanRequestOrResponse;
            const { headers } = this._obj;
            const what = isRequest(this._obj) ? "request" : "response";
            this.assert(headers.has(name), `expected ${what} to have header with key '${name}'`,
                `expected ${what} to not have header with key '${name}'`, true, headers.has(name));
            if (args.length < 2) return;
            const { value } = headers.one(name);
            this.assert(value === wanted, `expected '${name}' ${what} header to be #{exp} but got #{act}`,
                `expected '${name}' ${what} header to not be #{act}`, wanted, value);
        });

        const hasContent = (assertion, text) => assertion.assert(typeof text === "string" && text.length > 0,
            "expected response to have content in body", "expected response to not have content in body");
        Assertion.addProperty("withBody", function () { hasContent(this, answer(this).text()); });
        Assertion.addMethod("body", function (...args) {
            const [wanted] = args;
            const response = answer(this);
            if (isPlainObject(wanted)) {
                const { value } = jsonOf(response);
                this.assert(isEqual(value, wanted), "expected response body json to equal #{exp} but got #{act}",
                    "expected response body json to not equal #{exp} but got #{act}", wanted, value);
                return;
            }
            const text = response.text();
            if (args.length === 0) return hasContent(this, text);
            if (wanted instanceof RegExp) {
                this.assert(wanted.exec(text) !== null, "expected response body text to match #{exp} but got #{act}",
                    "expected response body text #{act} to not match #{exp}", wanted, text);
                return;
            }
            this.assert(isEqual(text, wanted), "expected response body to equal #{exp} but got #{act}",
                "expected response body to not equal #{exp}", wanted, text);
        });

        const isJson = (assertion, fault) => assertion.assert(!fault,
            `expected response body to be a valid json but got error ${fault}`, "expected response body not to be a valid json");
        Assertion.addProperty("json", function () { isJson(this, jsonOf(answer(this)).fault); });
        Assertion.addMethod("jsonBody", function (...args) {
            const [path, wanted] = args;
            const { value, fault } = jsonOf(answer(this));
            if (args.length === 0) return isJson(this, fault);
            if (typeof path !== "string") return;
            const found = at(value, path);
            this.assert(found !== undefined, "expected #{act} in response to contain property #{exp}",
                "expected #{act} in response to not contain property #{exp}", path, value);
            if (args.length < 2) return;
            this.assert(isEqual(found?.value, wanted), `expected response body json at "${path}" to contain #{exp} but got #{act}`,
                `expected response body json at "${path}" to not contain #{exp} but got #{act}`, wanted, found?.value);
        });
        Assertion.addMethod("jsonSchema", function (schema, options) {
            new Assertion(schema).to.be.an("object");
            const Ajv = S.require("ajv");
            const ajv = new Ajv({ allErrors: true, logger: false, ...options });
            const value = isResponse(this._obj) ? this._obj.json() : this._obj;
            const isValid = ajv.validate(schema, value);
            this.assert(isValid && !ajv.errors, `expected data to satisfy schema but found following errors: \n${ajv.errorsText()}`,
                "expected data to not satisfy schema", true, isValid);
        });

        const measured = (name, measure, words) => Assertion.addChainableMethod(name, function (...args) {
            const actual = util.flag(this, "number");
            this.assert(typeof actual === "number", `expected response to have a valid ${words} but got #{act}`,
                `expected response to not have a valid ${words} but got #{act}`, null, actual);
            if (args.length) {
                this.assert(actual === args[0], `expected ${words} to equal #{exp} but got #{act}`,
                    `expected ${words} to not equal #{exp}`, args[0], actual);
            }
        }, function () {
            this._obj = measure(answer(this));
            util.flag(this, "number", this._obj);
        });
        measured("responseTime", (response) => response.responseTime, "response time");
        measured("responseSize", (response) => response.size().total, "response size");
    }

    let chai;
    S.chai = () => {
        if (!chai) {
            chai = S.load("chai");
            chai.use(plugin);
        }
        return chai;
    };
})
