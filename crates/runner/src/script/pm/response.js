// `pm.response`, the answers of `pm.sendRequest`, and cookies.
(function (S) {
    "use strict";
    const { Property, PropertyList, HeaderList, Request } = S.classes;
    const parseNative = JSON.parse;

    const REASONS = {
        100: "Continue", 101: "Switching Protocols", 102: "Processing", 103: "Early Hints", 200: "OK", 201: "Created",
        202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content", 205: "Reset Content",
        206: "Partial Content", 207: "Multi-Status", 208: "Already Reported", 226: "IM Used", 300: "Multiple Choices",
        301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified", 305: "Use Proxy",
        307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
        402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
        407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
        411: "Length Required", 412: "Precondition Failed", 413: "Request Entity Too Large",
        414: "Request-URI Too Long", 415: "Unsupported Media Type", 416: "Requested Range Not Satisfiable",
        417: "Expectation Failed", 418: "I'm a teapot", 421: "Misdirected Request", 422: "Unprocessable Entity",
        423: "Locked", 424: "Failed Dependency", 425: "Too Early", 426: "Upgrade Required",
        428: "Precondition Required", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
        451: "Unavailable For Legal Reasons", 500: "Internal Server Error", 501: "Not Implemented",
        502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
        506: "Variant Also Negotiates", 507: "Insufficient Storage", 508: "Loop Detected", 510: "Not Extended",
        511: "Network Authentication Required",
    };

    /** Parses JSON as Postman does: without a byte order mark, and with a name of its own for the failure. */
    function parseJson(text, reviver) {
        const plain = typeof text === "string" && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
        try {
            return parseNative(plain, reviver);
        } catch (cause) {
            const place = /:(\d+:\d+)\)?\s*$/m.exec(String(cause.stack ?? ""));
            const told = typeof plain === "string" && plain.trim() === "" ? "No data, empty input" : String(cause.message);
            const error = new SyntaxError(`${told} at ${place ? place[1] : "1:1"}`);
            error.name = "JSONError";
            throw error;
        }
    }

    class Cookie {
        constructor(fields) {
            const given = typeof fields === "string" ? Cookie.parse(fields) : fields ?? {};
            const { expires } = given;
            const known = {
                name: given.name ?? given.key,
                expires: typeof expires === "string" ? new Date(expires) : expires ?? undefined,
                maxAge: given.maxAge === undefined ? undefined : Number(given.maxAge),
                value: given.value,
                ...Object.fromEntries(["domain", "path", "secure", "httpOnly", "hostOnly", "session", "extensions"].map((it) => [it, given[it]])),
            };
            for (const [key, value] of Object.entries(known)) if (value !== undefined) this[key] = value;
        }

        update(fields) { Object.assign(this, new Cookie({ ...this, ...fields })); }
        valueOf() {
            try {
                return decodeURIComponent(this.value);
            } catch {
                return this.value;
            }
        }
        toString() {
            const pieces = [Cookie.unparseSingle(this)];
            if (this.expires instanceof Date && !Number.isNaN(this.expires.getTime())) pieces.push(`Expires=${this.expires.toUTCString()}`);
            if (this.maxAge && this.maxAge !== Infinity) pieces.push(`Max-Age=${this.maxAge}`);
            if (this.domain && !this.hostOnly) pieces.push(`Domain=${this.domain}`);
            if (this.path) pieces.push(`Path=${this.path}`);
            if (this.secure) pieces.push("Secure");
            if (this.httpOnly) pieces.push("HttpOnly");
            return pieces.join("; ");
        }

        static isCookie(value) { return value instanceof Cookie; }
        static unparse(cookies) { return (cookies.members ?? cookies).map(Cookie.unparseSingle).join("; "); }
        static unparseSingle(cookie) { return cookie.name ? `${cookie.name}=${cookie.value ?? ""}` : String(cookie.value ?? ""); }
        static parse(text) {
            const names = { httponly: "httpOnly", secure: "secure", domain: "domain", path: "path", "max-age": "maxAge", expires: "expires" };
            const [first, ...rest] = String(text).split(/; */);
            const at = first.indexOf("=");
            const cookie = { name: first.slice(0, Math.max(at, 0)).trim(), value: first.slice(at + 1).trim() };
            for (const piece of rest) {
                const [key, ...value] = piece.split("=");
                const known = names[key.trim().toLowerCase()];
                if (known) cookie[known] = value.length ? value.join("=").trim() : true;
            }
            return cookie;
        }
    }
    Object.assign(Cookie, { indexKey: "name", ignoresCase: true, isMulti: true });

    class CookieList extends PropertyList {
        constructor(parent, cookies) { super(Cookie, parent, cookies); }
        static isCookieList(value) { return value instanceof CookieList; }
    }

    class Response extends Property {
        constructor(fields = {}) {
            super(fields);
            // Of the body only a handle is here; its bytes stay with the host until someone wants them.
            const { bytes } = fields;
            if (fields.originalRequest) this.originalRequest = new Request(fields.originalRequest);
            this.code = fields.code;
            this.status = fields.reason || fields.status || REASONS[fields.code];
            this.headers = new HeaderList(this, fields.header ?? fields.headers ?? []);
            const set = this.headers.filter((header) => /^set-cookie$/i.test(header.key)).map((header) => String(header.value));
            this.cookies = new CookieList(this, fields.cookie ?? fields.cookies ?? set);
            this.responseTime = fields.responseTime;
            this.responseSize = bytes ? bytes.byteLength : fields.responseSize;
            if (fields.body !== undefined) this.body = fields.body;
            Object.defineProperty(this, "bytes", { value: bytes, enumerable: false });
        }

        get stream() {
            if (!this.bytes) return undefined;
            return S.require("buffer").Buffer.from(S.host.body(this.bytes.handle).buffer);
        }
        reason() { return this.status || REASONS[this.code] || ""; }
        details() {
            const name = this.status || REASONS[this.code];
            return { name, detail: "", code: this.code, standardName: REASONS[this.code] ?? name };
        }
        text() {
            if (!this.bytes) return this.body;
            if (this.decoded === undefined) {
                const value = S.host.text(this.bytes.handle, this.contentInfo().charset);
                Object.defineProperty(this, "decoded", { value, enumerable: false });
            }
            return this.decoded;
        }
        json(reviver) { return parseJson(this.text(), typeof reviver === "function" ? reviver : undefined); }
        jsonp(reviver) {
            const text = String(this.text()).replace(/^[^{(].*\(/, "").replace(/\)[^}].*$|\)$/, "");
            return parseJson(text, reviver);
        }
        contentInfo() {
            const type = String(this.headers.get("Content-Type") ?? "text/plain");
            const [, mimeType = "text/plain"] = /^\s*([^;\s]+)/.exec(type) ?? [];
            const [, charset = "utf8"] = /charset\s*=\s*"?([^";\s]+)/i.exec(type) ?? [];
            const format = /json/i.test(mimeType) ? "json" : /xml/i.test(mimeType) ? "xml" : /html/i.test(mimeType) ? "html" : "plain";
            const [, fileName = "response"] = /filename="?([^";]+)/i.exec(String(this.headers.get("Content-Disposition") ?? "")) ?? [];
            return { charset, mimeFormat: format, mimeType, contentType: type, fileName };
        }
        dataURI() {
            const content = this.stream ?? S.require("buffer").Buffer.from(String(this.body ?? ""));
            return `data:${this.contentInfo().mimeType};base64, ${content.toString("base64")}`;
        }
        size() {
            const told = this.headers.get("Content-Length");
            const isEncoded = this.headers.has("Content-Encoding");
            const body = isEncoded && /^\d+$/.test(String(told)) ? Number(told) : this.bytes?.byteLength ?? 0;
            const header = `HTTP/X.X ${this.code} ${this.reason()}\r\n\r\n`.length + this.headers.contentSize();
            return { body, header, total: body + header };
        }
        encoding() {
            const format = this.headers.get("Content-Encoding");
            return { format, source: format === undefined ? undefined : "header" };
        }
        toJSON() {
            const { id, code, status, responseTime, responseSize } = this;
            return { id, status, code, header: this.headers.toJSON(), cookie: this.cookies.toJSON(), responseTime, responseSize };
        }
        get to() { return S.chai().expect(this).to; }

        static isResponse(value) { return value instanceof Response; }
    }

    S.parseJson = parseJson;
    Object.assign(S.classes, { Response, Cookie, CookieList });
})
