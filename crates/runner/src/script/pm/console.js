// `console`, and values as text the way node shows them. Getters are not run, and depth, width and length are limited.
(function (S) {
    "use strict";
    const DEPTH_MAX = 2;
    const ENTRIES_MAX = 100;
    const TEXT_MAX = 64 * 1024;
    const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
    const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);

    const quoted = (text) => text.includes("'") && !text.includes('"') ? `"${text}"`
        : `'${text.replace(/\\/g, "\\\\").replace(/'/g, "\\'").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t")}'`;
    const shortened = (text) => text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}… ${text.length - TEXT_MAX} more characters` : text;

    function primitive(value) {
        if (typeof value === "string") return quoted(shortened(value));
        if (typeof value === "bigint") return `${value}n`;
        if (Object.is(value, -0)) return "-0";
        if (typeof value === "symbol") return value.toString();
        return String(value);
    }

    function inspect(value, depth, seen) {
        if ((typeof value !== "object" && typeof value !== "function") || value === null) return primitive(value);
        if (seen.includes(value)) return "[Circular *1]";
        const kind = tag(value);
        if (typeof value === "function") return value.name ? `[Function: ${value.name}]` : "[Function (anonymous)]";
        if (kind === "Error" || value instanceof Error) return S.errorText(value);
        if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
        if (value instanceof RegExp) return String(value);
        if (kind === "Promise") return "Promise {}";
        if (kind === "WeakMap" || kind === "WeakSet") return `[${kind}]`;
        if (value.constructor?.isBuffer?.(value) === true) return bufferText(value);
        if (value instanceof ArrayBuffer) return `[ArrayBuffer { byteLength: ${value.byteLength} }]`;
        const isList = Array.isArray(value) || ArrayBuffer.isView(value);
        if (depth > DEPTH_MAX) return isList ? "[Array]" : `[${nameOf(value) || "Object"}]`;
        const inner = [...seen, value];
        if (value instanceof Map) return `Map(${value.size}) ${braced(mapEntries(value, depth, inner))}`;
        if (value instanceof Set) return `Set(${value.size}) ${braced(limited(Array.from(value), (it) => inspect(it, depth + 1, inner)))}`;
        if (isList) return listed(value, depth, inner);
        const name = nameOf(value);
        const prefix = name && name !== "Object" ? `${name} ` : "";
        return prefix + braced(limited(Object.keys(value), (key) => `${keyed(key)}: ${property(value, key, depth, inner)}`));
    }

    function bufferText(bytes) {
        const shown = Array.from(bytes.subarray(0, 50), (byte) => byte.toString(16).padStart(2, "0"));
        const rest = bytes.length - shown.length;
        return `<Buffer${shown.length ? " " : ""}${shown.join(" ")}${rest > 0 ? ` ... ${rest} more bytes` : ""}>`;
    }
    function nameOf(value) {
        const prototype = getPrototypeOf(value);
        if (prototype === null) return "[Object: null prototype]";
        const made = getOwnPropertyDescriptor(prototype, "constructor")?.value;
        return typeof made === "function" ? made.name : "";
    }
    const keyed = (key) => /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key);
    function property(value, key, depth, seen) {
        const found = getOwnPropertyDescriptor(value, key);
        if (!found) return "undefined";
        if (found.get || found.set) return found.get ? found.set ? "[Getter/Setter]" : "[Getter]" : "[Setter]";
        return inspect(found.value, depth + 1, seen);
    }
    function limited(items, show) {
        const shown = items.slice(0, ENTRIES_MAX).map(show);
        const rest = items.length - shown.length;
        return rest > 0 ? [...shown, `... ${rest} more items`] : shown;
    }
    const mapEntries = (map, depth, seen) => limited(Array.from(map), ([key, value]) =>
        `${inspect(key, depth + 1, seen)} => ${inspect(value, depth + 1, seen)}`);
    function listed(value, depth, seen) {
        const prefix = Array.isArray(value) ? "" : `${nameOf(value)}(${value.length}) `;
        const items = Array.from({ length: Math.min(value.length, ENTRIES_MAX) }, (_, at) => at);
        const shown = items.map((at) => at in value ? property(value, at, depth, seen) : "<empty item>");
        const rest = value.length - items.length;
        if (rest > 0) shown.push(`... ${rest} more items`);
        return `${prefix}${shown.length ? wrapped(shown, "[", "]") : "[]"}`;
    }
    const braced = (entries) => entries.length ? wrapped(entries, "{", "}") : "{}";
    function wrapped(entries, open, close) {
        const line = `${open} ${entries.join(", ")} ${close}`;
        if (line.length <= 76 && !line.includes("\n")) return line;
        return `${open}\n${entries.map((entry) => `  ${entry.replace(/\n/g, "\n  ")}`).join(",\n")}\n${close}`;
    }

    S.inspect = (value) => inspect(value, 0, []);
    /** The words of a `console` call. */
    S.format = (values) => {
        const [first, ...rest] = values;
        if (typeof first !== "string" || !/%[sdifjoOc%]/.test(first) || rest.length === 0) return values.map(shown).join(" ");
        const text = first.replace(/%([sdifjoOc%])/g, (whole, kind) => {
            if (kind === "%") return "%";
            if (rest.length === 0) return whole;
            const value = rest.shift();
            if (kind === "s") return typeof value === "string" ? value : shown(value);
            if (kind === "d") return String(Number(value));
            if (kind === "i") return String(Number.parseInt(value, 10));
            if (kind === "f") return String(Number.parseFloat(value));
            if (kind === "j") return JSON.stringify(value);
            return kind === "c" ? "" : S.inspect(value);
        });
        return [text, ...rest.map(shown)].join(" ");
    };
    const shown = (value) => typeof value === "string" ? value : S.inspect(value);

    S.makeConsole = () => {
        let indent = "";
        const counts = new Map();
        const clocks = new Map();
        const tell = (level, values) => S.emit("console", { level, text: shortened(indent + S.format(values)) });
        const elapsed = (name) => `${name}: ${(S.host.now() - (clocks.get(name) ?? S.host.now())).toFixed(3)}ms`;
        const group = (...values) => {
            if (values.length) tell("log", values);
            if (indent.length < 40) indent += "  ";
        };
        return {
            log: (...values) => tell("log", values),
            info: (...values) => tell("info", values),
            warn: (...values) => tell("warn", values),
            error: (...values) => tell("error", values),
            debug: (...values) => tell("debug", values),
            dir: (value) => tell("log", [S.inspect(value)]),
            table: (value) => tell("log", [S.inspect(value)]),
            trace: (...values) => tell("debug", ["Trace:", ...values]),
            clear: () => S.emit("console", { level: "clear", text: "" }),
            assert: (truth, ...values) => { if (!truth) tell("error", ["Assertion failed", ...values]); },
            count: (name = "default") => {
                counts.set(name, (counts.get(name) ?? 0) + 1);
                tell("log", [`${name}: ${counts.get(name)}`]);
            },
            time: (name = "default") => { clocks.set(name, S.host.now()); },
            timeLog: (name = "default") => tell("log", [elapsed(name)]),
            timeEnd: (name = "default") => {
                tell("log", [elapsed(name)]);
                clocks.delete(name);
            },
            group,
            groupCollapsed: group,
            groupEnd: () => { indent = indent.slice(2); },
        };
    };
})
