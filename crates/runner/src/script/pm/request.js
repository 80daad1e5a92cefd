// `pm.request`, and what `pm.sendRequest` makes of its argument.
(function (S) {
    "use strict";
    const { Property, PropertyList, HeaderList, QueryParam, FormParam, Variable, Url } = S.classes;
    const MODES = { file: "file", formdata: "formdata", graphql: "graphql", raw: "raw", urlencoded: "urlencoded" };

    class RequestBody {
        constructor(fields) {
            if (fields) this.update(fields);
        }

        update(fields) {
            if (typeof fields === "string") fields = { mode: "raw", raw: fields };
            if (!fields?.mode) return;
            const mode = MODES[String(fields.mode).toLowerCase()] ?? MODES.raw;
            const { graphql, file } = fields;
            this.mode = mode;
            this.raw = fields.raw ?? (mode === "raw" ? "" : undefined);
            this.urlencoded = this.list(QueryParam, fields.urlencoded, mode === "urlencoded");
            this.formdata = this.list(FormParam, fields.formdata, mode === "formdata");
            this.file = typeof file === "string" ? { src: file } : file;
            this.graphql = graphql ?? (mode === "graphql" ? {} : undefined);
            this.options = fields.options && typeof fields.options === "object" ? fields.options : undefined;
            this.disabled = fields.disabled;
        }
        list(Type, items, isWanted) {
            if (!items && !isWanted) return undefined;
            const list = items instanceof PropertyList ? items.members : typeof items === "string" ? QueryParam.parse(items) : items;
            const isObject = list && !Array.isArray(list) && typeof list === "object";
            return new PropertyList(Type, this, isObject ? Object.entries(list).map(([key, value]) => ({ key, value })) : list ?? []);
        }

        isEmpty() {
            const content = this.mode && this[this.mode];
            if (!content) return true;
            if (this.mode === "file") return !(content.src || content.content);
            if (typeof content === "string") return content.length === 0;
            if (content.count) return content.count() === 0;
            return Object.keys(content).length === 0;
        }
        toString() {
            if (this.mode === "urlencoded") return QueryParam.unparse(this.urlencoded);
            if (this.mode === "raw") return this.raw === undefined || this.raw === null ? "" : String(this.raw);
            return "";
        }
        toJSON() {
            const { mode, raw, urlencoded, formdata, file, graphql, options, disabled } = this;
            const fields = { mode, raw, urlencoded: urlencoded?.toJSON(), formdata: formdata?.toJSON(), file, graphql, options, disabled };
            return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
        }

        static isRequestBody(value) { return value instanceof RequestBody; }
    }
    RequestBody.MODES = MODES;

    class RequestAuth {
        constructor(fields) {
            if (fields) this.update(fields);
        }

        update(fields) {
            this.type = fields.type;
            for (const [type, value] of Object.entries(fields)) if (type !== "type") this.use(type, value, true);
            if (fields.type !== undefined) this.type = fields.type;
        }
        use(type, options, keepsType) {
            const items = options instanceof PropertyList ? options.members
                : Array.isArray(options) ? options
                    : Object.entries(options ?? {}).map(([key, value]) => ({ key, value }));
            this[type] = new PropertyList(Variable, this, items);
            if (!keepsType) this.type = type;
        }
        current() { return this.parameters()?.toObject(); }
        parameters() { return this[this.type]; }
        clear(type) { delete this[type]; }
        toJSON() {
            return Object.fromEntries(Object.entries(this).map(([key, value]) => [key, value?.toJSON ? value.toJSON() : value]));
        }
    }

    class Request extends Property {
        constructor(fields) {
            const given = typeof fields === "string" || fields instanceof Url ? { url: fields } : fields ?? {};
            super(given);
            this.url = new Url();
            this.headers = new HeaderList(this);
            this.method = "GET";
            this.update(given);
        }

        update(fields) {
            if (!fields) return;
            if (fields.url !== undefined) this.url.update(fields.url instanceof Url ? fields.url.toJSON() : fields.url);
            const headers = fields.header ?? fields.headers;
            if (headers) this.headers.repopulate(headers);
            if (Object.hasOwn(fields, "method")) this.method = fields.method ? String(fields.method).toUpperCase() : "GET";
            if (fields.body !== undefined && fields.body !== null) {
                this.body = fields.body instanceof RequestBody ? fields.body : new RequestBody(fields.body);
            }
            if (fields.auth) this.auth = fields.auth instanceof RequestAuth ? fields.auth : new RequestAuth(fields.auth);
            if (fields.proxy) this.proxy = fields.proxy;
            if (fields.certificate) this.certificate = fields.certificate;
        }

        authorizeUsing(type, options) {
            if (type && typeof type === "object" && options === undefined) ({ type, ...options } = type);
            if (type === null) {
                delete this.auth;
                return;
            }
            this.auth ??= new RequestAuth();
            this.auth.use(type, options);
        }
        getHeaders(options = {}) {
            return this.headers.toObject(options.enabled, !options.ignoreCase, options.multiValue, options.sanitizeKeys);
        }
        forEachHeader(visit) { this.headers.all().forEach((header) => visit(header, this)); }
        addHeader(header) { this.headers.add(header); }
        removeHeader(name, options = {}) {
            const wanted = typeof name === "string" ? name : name?.key;
            if (!wanted) return;
            const fold = (it) => options.ignoreCase ? it.toLowerCase() : it;
            this.headers.remove((header) => fold(header.key) === fold(wanted));
        }
        upsertHeader(header) {
            if (!header?.key) return;
            const existing = this.headers.find({ key: header.key });
            if (existing) existing.value = header.value;
            else this.headers.add(header);
        }
        addQueryParams(params) { this.url.addQueryParams(params); }
        removeQueryParams(params) { this.url.removeQueryParams(params); }
        size() {
            const told = this.headers.get("Content-Length");
            const isTold = told !== undefined && /^\d+$/.test(String(told));
            const body = isTold ? Number(told) : S.host.encode(this.body?.toString() ?? "").byteLength;
            const header = `${this.method} ${this.url.getPathWithQuery()} HTTP/X.X\r\n\r\n`.length + this.headers.contentSize();
            return { body, header, total: body + header, source: isTold ? "CONTENT-LENGTH" : "COMPUTED" };
        }
        clone() { return new Request(this.toJSON()); }
        toJSON() {
            const { id, name, description, url, method, body, auth, proxy, certificate } = this;
            const header = this.headers.count() ? this.headers.toJSON() : undefined;
            const fields = { id, name, description, url: url?.toJSON ? url.toJSON() : url, header, method, body: body?.toJSON ? body.toJSON() : body, auth: auth?.toJSON ? auth.toJSON() : auth, proxy, certificate };
            return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
        }
        get to() { return S.chai().expect(this).to; }

        static isRequest(value) { return value instanceof Request; }
    }

    Object.assign(S.classes, { Request, RequestBody, RequestAuth });
})
