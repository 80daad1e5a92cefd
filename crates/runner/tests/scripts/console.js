// The console.
console.log("text", 1, -0, null, undefined, true, 5n, Symbol("s"), [1, "a", [2]], { a: { b: { c: { d: { e: 1 } } } } });
console.info("%s is %d, %j", "x", 5, { a: 1 }, "more");
console.warn(new Map([["k", { v: 1 }]]), new Set([1]), new Date(0), /re/g, () => 1, function named() {}, class A {});
console.error(new TypeError("bad").message, Object.create(null), new (class Point { x = 1; })());
console.debug([undefined, , 3], new Uint8Array(3), Buffer.from("hi"), new ArrayBuffer(2), Promise.resolve(), new WeakMap());
console.log({ get secret() { throw new Error("never"); }, "odd key": "it's", "new\nline": 1 });
const circular = { name: "c" };
circular.self = circular;
console.log(circular, new Array(200).fill(0).length, "x".repeat(70000).length);
console.dir({ a: 1 });
console.table([1]);
console.assert(1 === 2, "not so");
console.count();
console.count("named");
console.group("inner");
console.log("indented");
console.groupEnd();
console.log("back");
console.time("t");
console.clear();
console.trace("where");
console.log("\ud800 half a character");

//> log: text 1 -0 null undefined true 5n Symbol(s) [ 1, 'a', [ 2 ] ] { a: { b: { c: [Object] } } }
//> info: x is 5, {"a":1} more
//> warn: Map(1) { 'k' => { v: 1 } } Set(1) { 1 } 1970-01-01T00:00:00.000Z /re/g [Function (anonymous)] [Function: named] [Function: A]
//> error: bad [Object: null prototype] {} Point { x: 1 }
//> debug: [ undefined, <empty item>, 3 ] Uint8Array(3) [ 0, 0, 0 ] <Buffer 68 69> [ArrayBuffer { byteLength: 2 }] Promise {} [WeakMap]
//> log: { secret: [Getter], 'odd key': "it's", 'new\nline': 1 }
//> log: { name: 'c', self: [Circular *1] } 200 70000
//> log: { a: 1 }
//> log: [ 1 ]
//> error: Assertion failed not so
//> log: default: 1
//> log: named: 1
//> log: inner
//> log:   indented
//> log: back
//> clear:
//> debug: Trace: where
//> log: � half a character
