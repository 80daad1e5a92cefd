// csv-parse.
const parse = require("csv-parse/lib/sync");
console.log(JSON.stringify(parse('a,b\n1,"x, y"\n', { columns: true })));

//> log: [{"a":"1","b":"x, y"}]
