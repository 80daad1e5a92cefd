// Lists of named things as Postman's collection SDK has them: headers, parameters, variables, cookies.
// A list finds its members by scanning; lists here are short, and an index would have to follow every edit.
(function (S) {
    "use strict";

    const isNothing = (value) => value === null || value === undefined || Number.isNaN(value);

    /** A predicate out of a function, a name, or an object whose fields must match. */
    function matcher(rule, context) {
        if (typeof rule === "function") return context ? rule.bind(context) : rule;
        if (typeof rule === "string") return (item) => Boolean(item[rule]);
        const fields = Object.entries(rule ?? {});
        return (item) => fields.every(([key, value]) => item[key] === value);
    }

    class Property {
        constructor(fields) {
            if (!fields || typeof fields !== "object") return;
            for (const field of ["id", "name", "description"]) {
                if (fields[field] !== undefined) this[field] = fields[field];
            }
            if (fields.disabled !== undefined) this.disabled = Boolean(fields.disabled);
        }

        parent() { return this.__parent; }
        valueOf() { return this.value; }
        toJSON() {
            const entries = Object.entries(this).filter(([key, value]) => value !== undefined && !key.startsWith("__"));
            return Object.fromEntries(entries);
        }
        toObject() { return this.toJSON(); }
    }

    class Header extends Property {
        constructor(fields, name) {
            if (typeof fields === "string") {
                fields = typeof name === "string" ? { key: name, value: fields } : Header.parseSingle(fields);
            }
            super(fields);
            this.update(fields);
        }

        update(fields) {
            this.key = fields?.key || "";
            this.value = fields?.value === undefined || fields.value === null ? "" : fields.value;
            if (fields && Object.hasOwn(fields, "system")) this.system = fields.system;
            if (fields && Object.hasOwn(fields, "disabled")) this.disabled = fields.disabled;
        }
        toString() { return `${this.key}: ${this.value}`; }

        static create(...args) { return new Header(...args); }
        static isHeader(value) { return value instanceof Header; }
        static parse(text) {
            const lines = String(text).replace(/\r\n([ \t])/g, "$1").split(/\r?\n/);
            return lines.filter((line) => /^\S+:/.test(line)).map(Header.parseSingle);
        }
        static parseSingle(line) {
            const at = String(line).indexOf(":");
            const end = at < 0 ? line.length : at;
            return { key: line.slice(0, end).trim(), value: line.slice(end + 1).trim() };
        }
        static unparse(headers, separator = "\r\n") {
            const enabled = (headers.members ?? headers).filter((header) => header && !header.disabled);
            return enabled.map((header) => Header.unparseSingle(header) + separator).join("");
        }
        static unparseSingle(header) { return header ? `${header.key}: ${header.value}` : ""; }
    }
    Object.assign(Header, { indexKey: "key", ignoresCase: true, isMulti: true });

    /** Escapes what would end a parameter, but for what stands within `{{…}}`. */
    function escapeParam(text, withEquals) {
        if (typeof text !== "string") return text;
        const reserved = withEquals ? /[&#=]/g : /[&#]/g;
        return text.split(/(\{\{[^{}]*\}\})/).map((piece, at) => at % 2 ? piece
            : piece.replace(reserved, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`)).join("");
    }

    class QueryParam extends Property {
        constructor(fields) {
            super(fields);
            this.update(fields);
        }

        update(fields) {
            const { key, value, system } = typeof fields === "string" ? QueryParam.parseSingle(fields) : fields ?? {};
            this.key = key;
            this.value = value;
            if (system !== undefined) this.system = system;
        }
        valueOf() { return typeof this.value === "string" ? this.value : ""; }
        toString() { return QueryParam.unparseSingle(this); }

        static parse(text) {
            const pieces = typeof text === "string" ? text.split("&") : [];
            return pieces.map((piece, at) => piece === "" && at < pieces.length - 1
                ? { key: null, value: null } : QueryParam.parseSingle(piece));
        }
        static parseSingle(piece) {
            const at = piece.indexOf("=");
            return at < 0 ? { key: piece, value: null } : { key: piece.slice(0, at), value: piece.slice(at + 1) };
        }
        static unparse(params) {
            const list = params?.members ?? params;
            if (!list) return "";
            if (!Array.isArray(list)) {
                return Object.entries(list).map(([key, value]) => QueryParam.unparseSingle({ key, value })).join("&");
            }
            return list.filter((param) => param.disabled !== true).map(QueryParam.unparseSingle).join("&");
        }
        static unparseSingle(param) {
            if (!param) return "";
            const { key, value } = param;
            if (typeof value === "string") return `${escapeParam(key, true) ?? ""}=${escapeParam(value, false)}`;
            if (value !== null && value !== undefined) return `${escapeParam(key, true) ?? ""}=${value}`;
            return escapeParam(key, true) ?? "";
        }
    }
    Object.assign(QueryParam, { indexKey: "key", ignoresCase: false, isMulti: true });

    class FormParam extends Property {
        constructor(fields) {
            super(fields);
            this.update(fields);
        }
        update(fields) {
            this.key = fields?.key ?? "";
            this.value = fields?.value;
            for (const field of ["type", "src", "contentType", "fileName", "disabled"]) {
                if (fields?.[field] !== undefined) this[field] = fields[field];
            }
        }
        valueOf() { return this.value; }
    }
    Object.assign(FormParam, { indexKey: "key", ignoresCase: false, isMulti: true });

    class Variable extends Property {
        constructor(fields) {
            super(fields);
            this.update(fields);
        }
        update(fields) {
            this.key = fields?.key ?? fields?.id;
            if (fields && Object.hasOwn(fields, "value")) this.value = fields.value;
            if (fields?.type !== undefined) this.type = fields.type;
        }
        get() { return this.value; }
        set(value) { this.value = value; }
        toString() { return this.value === null || this.value === undefined ? "" : String(this.value); }
    }
    Object.assign(Variable, { indexKey: "key", ignoresCase: false, isMulti: false });

    class PropertyList {
        constructor(Type, parent, items) {
            Object.defineProperty(this, "__parent", { value: parent, enumerable: false, writable: true });
            this.members = [];
            this.Type = Type;
            if (items) this.populate(items);
        }

        get reference() {
            return this.toReference();
        }
        toReference() {
            const found = {};
            for (const item of this.members) found[this.nameOf(item)] = item;
            return found;
        }
        nameOf(item) {
            const name = String(item?.[this.Type.indexKey]);
            return this.Type.ignoresCase ? name.toLowerCase() : name;
        }
        wanted(name) { return this.Type.ignoresCase ? String(name).toLowerCase() : String(name); }
        named(name) {
            const wanted = this.wanted(name);
            return this.members.filter((item) => this.nameOf(item) === wanted);
        }

        insert(item, before) {
            if (!item || typeof item !== "object") return;
            if (!(item instanceof this.Type)) item = this.make(item);
            const own = this.members.indexOf(item);
            if (own >= 0) this.members.splice(own, 1);
            const at = before === undefined ? -1 : this.indexOf(before);
            Object.defineProperty(item, "__parent", { value: this, enumerable: false, configurable: true, writable: true });
            if (at >= 0) this.members.splice(at, 0, item);
            else this.members.push(item);
        }
        make(item) {
            const { Type } = this;
            return Type.create && item?.constructor !== Type ? Type.create(item) : new Type(item);
        }
        insertAfter(item, after) { return this.insert(item, this.idx(this.indexOf(after) + 1)); }
        append(item) { return this.insert(item); }
        prepend(item) { return this.insert(item, this.idx(0)); }
        add(item, ...more) {
            if (isNothing(item)) return;
            const { Type } = this;
            this.insert(item.constructor === Type ? item : Type.create ? Type.create(item, ...more) : new Type(item));
        }
        upsert(item) {
            if (isNothing(item)) return null;
            const existing = this.one(item[this.Type.indexKey]);
            if (!existing) {
                this.add(item);
                return true;
            }
            existing.update(item);
            return false;
        }
        remove(predicate, context) {
            let goes = predicate;
            if (typeof predicate === "string") {
                const wanted = this.wanted(predicate);
                goes = (item) => this.nameOf(item) === wanted;
            } else if (typeof predicate !== "function") {
                goes = (item) => item === predicate;
            }
            const all = this.members.splice(0);
            for (const item of all) if (!goes.call(context ?? this, item)) this.members.push(item);
        }
        clear() { this.members.length = 0; }
        populate(items) {
            if (typeof items === "string") items = this.Type.parse ? this.Type.parse(items) : [items];
            if (items instanceof PropertyList) items = items.members;
            if (Array.isArray(items)) {
                for (const item of items) this.add(item);
            } else if (this.Type.create && items && typeof items === "object" && items.key === undefined) {
                for (const [key, value] of Object.entries(items)) this.add(value, key);
            } else {
                this.add(items);
            }
        }
        repopulate(items) {
            this.clear();
            this.populate(items);
        }
        assimilate(source, prune) {
            const members = source instanceof PropertyList ? source.members : source;
            if (!Array.isArray(members)) return;
            for (const item of members) this.upsert(item);
            const names = new Set(members.map((item) => this.nameOf(item)));
            if (prune) this.remove((item) => !names.has(this.nameOf(item)));
        }

        all() { return this.members.slice(); }
        one(name) { return this.named(name).pop(); }
        get(name) {
            const found = this.one(name);
            return found ? found.valueOf() : undefined;
        }
        has(item, ...value) {
            const found = typeof item === "string" ? this.named(item) : this.members.filter((it) => it === item);
            return value.length ? found.some((it) => it.valueOf() === value[0]) : found.length > 0;
        }
        each(visit, context) { this.members.slice().forEach((item, at, all) => visit.call(context ?? this.__parent, item, at, all)); }
        eachParent(visit, context) {
            for (let at = this.__parent, before; at; before = at, at = at.__parent) visit.call(context ?? this, at, before);
        }
        filter(rule, context) { return this.members.filter(matcher(rule, context)); }
        find(rule, context) { return this.members.find(matcher(rule, context)); }
        map(visit, context) { return this.members.map((item, at, all) => visit.call(context ?? this, item, at, all)); }
        reduce(visit, start, context) { return this.members.reduce((sum, ...rest) => visit.call(context ?? this, sum, ...rest), start); }
        count() { return this.members.length; }
        idx(at) { return this.members[at]; }
        indexOf(item) { return this.members.indexOf(typeof item === "string" ? this.one(item) : item); }

        toObject(excludeDisabled, caseSensitive, multiValue, sanitizeKeys) {
            const { indexKey, ignoresCase, isMulti } = this.Type;
            const object = {};
            for (const item of this.members) {
                const name = item?.[indexKey];
                if (name === undefined || (excludeDisabled && item.disabled) || (sanitizeKeys && !name)) continue;
                const key = ignoresCase && !caseSensitive ? String(name).toLowerCase() : name;
                const value = item.valueOf();
                if ((multiValue || isMulti) && Object.hasOwn(object, key)) object[key] = [].concat(object[key], value);
                else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
            }
            return object;
        }
        toString() { return this.Type.unparse ? this.Type.unparse(this.members) : Object.prototype.toString.call(this); }
        toJSON() { return this.members.map((item) => item?.toJSON ? item.toJSON() : item); }

        static isPropertyList(value) { return value instanceof PropertyList; }
    }

    class HeaderList extends PropertyList {
        constructor(parent, headers) { super(Header, parent, headers); }
        contentSize() { return this.count() ? Header.unparse(this).length : 0; }
        static isHeaderList(value) { return value instanceof HeaderList; }
    }

    Object.assign(S.classes, { Property, PropertyList, Header, HeaderList, QueryParam, FormParam, Variable });
})
