// Bundles each library that scripts may require into ../NAME.js as the body of a CommonJS module.
// Libraries and node's shims stay outside of each other, so that `require` loads each at most once.
import { build } from "esbuild";
import { readFileSync } from "node:fs";

/** What a script calls it, and what of npm it is. */
const libraries = {
  "ajv": "ajv",
  "assert": "assert",
  "buffer": "buffer",
  "chai": "chai",
  "cheerio": "cheerio",
  "crypto-js": "crypto-js",
  "csv-parse": "csv-parse/lib/sync",
  "events": "events",
  "lodash": "lodash",
  "lodash3": "lodash3",
  "moment": "moment",
  "path": "path-browserify",
  "punycode": "punycode",
  "querystring": "querystring",
  "stream": "stream-browserify",
  "string_decoder": "string_decoder",
  "tv4": "tv4",
  "url": "url",
  "util": "util",
  "xml2js": "xml2js",
};

const outside = (own) => ({
  name: "outside",
  setup({ onResolve }) {
    onResolve({ filter: /^[^.]/ }, ({ path, kind }) => {
      if (kind === "entry-point") return undefined;
      const name = path.replace(/^node:/, "").replace(/\/$/, "");
      const stays = name in libraries || ["timers", "fs", "os", "crypto", "vm", "process"].includes(name);
      return stays && name !== own ? { path: name, external: true } : undefined;
    });
  },
});

for (const [name, entry] of Object.entries(libraries)) {
  const result = await build({
    stdin: { contents: `module.exports = require(${JSON.stringify(entry)});`, resolveDir: "." },
    outfile: `../${name}.js`,
    bundle: true,
    minify: true,
    format: "cjs",
    platform: "browser",
    mainFields: ["browser", "main"],
    target: "es2022",
    legalComments: "inline",
    charset: "utf8",
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    plugins: [outside(entry)],
    metafile: true,
    logLevel: "warning",
  });
  const packages = new Set();
  for (const input of Object.keys(result.metafile.inputs)) {
    if (input.startsWith("(disabled)")) continue;
    const found = input.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) packages.add(found[0].slice(0, -1));
  }
  const told = [...packages].sort().map((path) => {
    const { name: is, version, license, licenses } = JSON.parse(readFileSync(`${path}/package.json`));
    const terms = license?.type ?? (typeof license === "string" ? license : undefined) ?? (licenses ? "see its files" : "BSD-2-Clause");
    return `${is} ${version} (${terms})`;
  });
  console.log(`| ${name} | ${told.join(", ")} |`);
}
