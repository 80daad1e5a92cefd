// URLs as Postman's collection SDK takes them apart: by eye, not by the standard, so that `{{host}}/:id` is one too.
(function (S) {
    "use strict";
    const { PropertyList, QueryParam, Variable } = S.classes;

    /** Splits at the first (or last) of a separator; the separator is gone. */
    function cut(text, separator, fromEnd) {
        const at = fromEnd ? text.lastIndexOf(separator) : text.indexOf(separator);
        return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
    }

    const pathVariable = (segment) => {
        if (!String(segment).startsWith(":")) return null;
        const end = segment.indexOf(".");
        return segment.slice(1, end < 0 ? undefined : end) || null;
    };

    /** Puts variables out of the way while a text is taken apart. */
    function shielded(text) {
        const variables = [];
        const plain = text.replace(/\{\{[^{}]*[.:/?#@&\\=[\]][^{}]*\}\}/g, (it) => `\uE000${variables.push(it) - 1}\uE001`);
        const back = (piece) => typeof piece === "string"
            ? piece.replace(/\uE000(\d+)\uE001/g, (it, at) => variables[at] ?? it) : piece;
        return { plain, back };
    }

    function parse(text) {
        const { plain, back } = shielded(String(text).trimStart());
        let rest, hash, query, protocol, path, auth, port;
        [rest, hash] = cut(plain, "#");
        [rest, query] = cut(rest, "?");
        const scheme = cut(rest, "://");
        if (scheme[1] !== undefined) [protocol, rest] = scheme;
        [rest, path] = cut(rest.replace(/\\/g, "/"), "/");
        const credentials = cut(rest, "@", true);
        if (credentials[1] !== undefined) {
            const [user, password] = cut(credentials[0], ":");
            auth = { user: back(user), password: back(password) };
            rest = credentials[1];
        }
        const place = cut(rest, ":", true);
        if (place[1] !== undefined && !place[1].endsWith("]")) [rest, port] = place;
        const segments = path?.split("/").map(back);
        const names = [...new Set((segments ?? []).map(pathVariable).filter(Boolean))];
        return {
            auth,
            protocol: back(protocol),
            host: rest === "" ? undefined : splitHost(back(rest)),
            port: back(port),
            path: segments,
            hash: back(hash),
            query: query === undefined ? undefined : QueryParam.parse(query).map(({ key, value }) => ({ key: back(key), value: back(value) })),
            variable: names.length ? names.map((key) => ({ key })) : undefined,
        };
    }

    const splitHost = (host) => host.split(/\.(?![^{]*\}{2})/g);

    class Url {
        constructor(fields) {
            this.update(fields);
        }

        update(fields) {
            const url = typeof fields === "string" ? parse(fields) : fields || {};
            // A document may hold nothing but the text.
            if (url.host === undefined && url.path === undefined && typeof url.raw === "string") {
                return this.update({ ...parse(url.raw), ...(url.variable ? { variable: url.variable } : {}) });
            }
            let { path, host, query, variable } = url;
            if (query instanceof PropertyList) query = query.members;
            if (typeof query === "string") query = QueryParam.parse(query);
            if (query && !Array.isArray(query)) query = Object.entries(query).map(([key, value]) => ({ key, value }));
            if (typeof path === "string") {
                path = path.replace(/^\/(.+)$/, "$1");
                path = path ? path === "/" ? [""] : path.split("/") : undefined;
            }
            if (Array.isArray(path)) path = path.map((it) => it && typeof it === "object" ? String(it.value ?? "") : it);
            if (typeof host === "string") host = splitHost(host);
            this.auth = url.auth;
            this.protocol = url.protocol;
            this.port = url.port;
            this.path = path;
            this.hash = url.hash;
            this.host = host;
            this.query = new PropertyList(QueryParam, this, query || []);
            this.variables = new PropertyList(Variable, this, url.variables?.members ?? variable ?? []);
        }

        addQueryParams(params) { this.query.populate(typeof params === "string" ? QueryParam.parse(params) : params); }
        removeQueryParams(params) {
            const names = (Array.isArray(params) ? params : [params]).map((param) => param?.key ?? param);
            this.query.remove((param) => names.includes(param.key));
        }

        getHost() { return Array.isArray(this.host) ? this.host.join(".") : this.host ? String(this.host) : ""; }
        getRemote(forcePort) {
            const port = this.port || (forcePort ? this.protocol === "https" ? "443" : "80" : undefined);
            return port ? `${this.getHost()}:${port}` : this.getHost();
        }
        getPath(unresolved) {
            const segments = this.path ?? [];
            const resolved = unresolved ? segments : segments.map((segment) => {
                const name = pathVariable(segment);
                const value = name === null ? undefined : this.variables.get(name);
                return value && typeof value === "string" ? value + segment.slice(name.length + 1) : segment;
            });
            return `/${resolved.join("/")}`;
        }
        getQueryString() { return this.query.count() ? QueryParam.unparse(this.query) : ""; }
        getPathWithQuery() {
            const query = this.getQueryString();
            return this.getPath() + (query ? `?${query}` : "");
        }
        getOAuth1BaseUrl() { return `${this.protocol ?? "http"}://${this.getRemote()}`.toLowerCase() + this.getPath(); }
        getRaw() { throw new Error("`Url#getRaw` has been discontinued, use `Url#toString` instead."); }

        toString(forceProtocol) {
            const protocol = this.protocol || (forceProtocol ? "http://" : "");
            let text = protocol && (protocol.endsWith("://") ? protocol : `${protocol}://`);
            if (this.auth) {
                const { user, password } = this.auth;
                if (typeof user === "string" || typeof password === "string") {
                    text += `${user ?? ""}${typeof password === "string" ? `:${password}` : ""}@`;
                }
            }
            text += this.getHost();
            if (this.port !== undefined && this.port !== null) text += `:${this.port}`;
            if (this.path) text += this.getPath();
            if (this.query.members.some((param) => !param.disabled)) text += `?${this.getQueryString()}`;
            if (typeof this.hash === "string") text += `#${this.hash}`;
            return text;
        }
        toJSON() {
            const { auth, protocol, port, path, hash, host } = this;
            const fields = { protocol, auth, host, port, path, hash, query: this.query.toJSON(), variable: this.variables.toJSON() };
            return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
        }

        static parse(text) { return parse(text); }
        static isUrl(value) { return value instanceof Url; }
    }

    S.classes.Url = Url;
})
