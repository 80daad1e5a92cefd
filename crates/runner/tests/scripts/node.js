// What node's own modules give that Postman has, too.
const assert = require("assert");
try {
    assert.strictEqual(1, 2, "not the same");
} catch (error) {
    console.log(error.name, error.message);
}
console.log(require("util").format("%s-%d", "a", 1), require("util").inspect({ a: 1 }), require("path").join("a", "..", "b"));
console.log(require("querystring").stringify({ a: "b c" }), require("url").parse("http://a.test:80/b?c=d").pathname, require("punycode").toASCII("zoë.test"));
const Events = require("events");
const events = new Events();
events.on("x", (value) => console.log("event", value));
events.emit("x", 1);
console.log(new (require("string_decoder").StringDecoder)("utf8").write(Buffer.from("é")), typeof require("stream").Readable, require("buffer").Buffer === Buffer, typeof require("timers").setTimeout);
console.log(require("lodash") === require("lodash"), require("postman-collection").Header.parse("A: 1").length, require("process").env, require("json").parse("[1]"));

//> log: AssertionError not the same
//> log: a-1 { a: 1 } b
//> log: a=b%20c /b xn--zo-ija.test
//> log: event 1
//> log: é function true function
//> log: true 1 {} [ 1 ]
