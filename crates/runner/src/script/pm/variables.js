// Variables by scope. Every change is written down, in order, for the caller.
(function (S) {
    "use strict";
    const { PropertyList, Variable } = S.classes;
    const ROUNDS_MAX = 20;
    const TEXT_MAX = 4 * 1024 * 1024;

    /** What goes to the caller: a value that JSON can carry. */
    function plain(value) {
        if (value === undefined || typeof value === "function" || typeof value === "symbol") return null;
        if (typeof value === "bigint") return String(value);
        if (typeof value === "number" && !Number.isFinite(value)) return String(value);
        return value;
    }

    class VariableList extends PropertyList {
        constructor(parent, items) { super(Variable, parent, items); }
    }

    class VariableScope {
        constructor(fields, layers) {
            this.id = fields?.id;
            this.name = fields?.name;
            this.values = new VariableList(this, fields?.values ?? fields ?? []);
            Object.defineProperty(this, "scope", { value: fields?.scope, enumerable: false });
            Object.defineProperty(this, "layers", { value: layers ?? [], enumerable: false });
        }

        own(key) {
            const { members } = this.values;
            for (let at = members.length - 1; at >= 0; at--) {
                if (members[at].key === key && !members[at].disabled) return members[at];
            }
            return undefined;
        }
        found(key) {
            for (const scope of [this, ...this.layers]) {
                const variable = scope.own(key);
                if (variable) return variable;
            }
            return undefined;
        }
        note(change) { if (this.scope) S.changes.push({ scope: this.scope, ...change }); }

        has(key) { return this.found(key) !== undefined; }
        get(key) { return this.found(key)?.valueOf(); }
        set(key, value, type) {
            const variable = this.own(key);
            const update = typeof type === "string" ? { key, value, type } : { key, value };
            if (variable) variable.update(update);
            else this.values.add(update);
            this.note({ set: String(key), value: plain(value) });
        }
        unset(key) {
            const isThere = this.own(key) !== undefined;
            this.values.remove((variable) => variable.key === key && !variable.disabled);
            if (isThere) this.note({ unset: String(key) });
        }
        clear() {
            for (const { key } of this.values.members) this.note({ unset: String(key) });
            this.values.clear();
        }
        toObject(excludeDisabled, caseSensitive) {
            const layers = [...this.layers].reverse().map((layer) => layer.values.toObject(excludeDisabled, caseSensitive));
            return Object.assign({}, ...layers, this.values.toObject(excludeDisabled, caseSensitive));
        }
        toJSON() { return { id: this.id, name: this.name, values: this.values.toJSON() }; }
        syncVariablesTo(object = {}) { return Object.assign(object, this.values.toObject(true)); }
        syncVariablesFrom(object) { for (const [key, value] of Object.entries(object ?? {})) this.set(key, value); }

        replaceIn(template) {
            if (typeof template === "string") return this.replaced(template);
            if (Array.isArray(template)) return template.map((item) => this.replaceIn(item));
            if (template && typeof template === "object") {
                return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, this.replaceIn(value)]));
            }
            return template;
        }
        replaced(text) {
            for (let round = 0; round < ROUNDS_MAX && text.length < TEXT_MAX; round++) {
                // As it is written between the braces, spaces and all: newman takes them for a part of the name.
                const next = text.replace(/\{\{([^{}]+)\}\}/g, (whole, name) => {
                    const variable = this.found(name);
                    return variable ? variable.toString() : S.host.dynamic(name) ?? whole;
                });
                if (next === text) break;
                text = next;
            }
            return text;
        }

        static isVariableScope(value) { return value instanceof VariableScope; }
    }

    Object.assign(S.classes, { VariableList, VariableScope });

    /** The scopes of a script: what `pm` shows of them, and the order in which `pm.variables` looks. */
    S.scopesOf = (layers, row) => {
        const find = (scope) => layers.find((layer) => layer.scope === scope) ?? { scope, name: undefined, values: [] };
        const environment = new VariableScope(find("environment"));
        const collectionVariables = new VariableScope(find("collection"));
        const globals = new VariableScope(find("global"));
        const data = Object.entries(row ?? {}).map(([key, value]) => ({ key, value }));
        const iterationData = new VariableScope({ values: data });
        // Scripts have no folder variables in Postman; here they are seen, and cannot be changed.
        const folders = layers.filter((layer) => layer.scope === "folder").map(({ name, values }) => new VariableScope({ name, values }));
        const variables = new VariableScope(find("local"), [iterationData, environment, ...folders, collectionVariables, globals]);
        return { environment, collectionVariables, globals, iterationData, variables };
    };
})
