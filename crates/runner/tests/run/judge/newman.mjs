// Runs collections with newman, one after another, and tells what came of each as JSON: what each request was, its tests, what failed.
// Standard input has { mark, orders }: after each order a request goes to `mark`, so that the server knows whose requests it has seen.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const newman = createRequire(import.meta.url)("newman");

function run(order) {
    const items = new Map();
    const told = [];
    const begin = ({ cursor, item }) => {
        const fresh = { name: item.name ?? "", iteration: cursor.iteration, code: null, error: null, tests: [], faults: [] };
        items.set(cursor.ref, fresh);
        told.push(fresh);
    };
    const options = {
        collection: order.collection,
        environment: order.environment,
        globals: order.globals,
        iterationData: order.data,
        iterationCount: order.iterations,
        folder: order.folder?.length ? order.folder : undefined,
        bail: order.bail ? ["failure"] : undefined,
        timeoutScript: 20_000,
        timeoutRequest: 20_000,
    };
    return new Promise((resolve) => {
        const run = newman.run(options, (error, summary) => {
            resolve(error ? { error: error.message } : { told, stats: summary.run.stats, error: null });
        });
        run.on("beforeItem", (_, o) => { begin(o); });
        run.on("request", (error, o) => {
            const it = items.get(o.cursor.ref);
            // Requests of scripts have no item of the collection.
            if (!it || (o.item?.name ?? "") !== it.name) return;
            it.code = o.response?.code ?? null;
            it.error = error ? error.code ?? error.name : null;
        });
        run.on("assertion", (error, o) => {
            items.get(o.cursor.ref).tests.push({ name: o.assertion, skipped: Boolean(o.skipped), error: error ? error.name : null });
        });
        run.on("script", (error, o) => {
            if (error && error.name !== "AssertionFailure") items.get(o.cursor.ref).faults.push(`${o.event.listen}: ${error.name}`);
        });
    });
}

const { mark, orders } = JSON.parse(readFileSync(0, "utf8"));
const all = [];
for (const order of orders) {
    all.push(await run(order));
    await fetch(mark);
}
process.stdout.write(JSON.stringify(all));
