// Timers, in the order of time.
setTimeout(() => console.log("third"), 20);
setTimeout((a, b) => console.log("second", a, b), 1, "x", "y");
setImmediate(() => console.log("first"));
let count = 0;
const interval = setInterval(() => {
    if (++count === 2) clearInterval(interval);
    console.log("tick", count);
}, 30);
const never = setTimeout(() => console.log("never"), 5);
clearTimeout(never);
clearImmediate(setImmediate(() => console.log("never")));
queueMicrotask(() => console.log("micro"));
setTimeout(() => { throw new Error("in a timer"); }, 10);
console.log("begin");

//> log: begin
//> log: micro
//> log: first
//> log: second x y
//> log: third
//> log: tick 1
//> log: tick 2
//> fault Error: in a timer (line 14)
