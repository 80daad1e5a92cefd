// Tests, at once and later.
pm.test("passes", () => {});
pm.test("throws", () => { throw new Error("no"); });
pm.test("throws a text", () => { throw "text"; });
pm.test.skip("skipped", () => { throw new Error("never"); });
pm.test("without a function");
pm.test("with done", (done) => setTimeout(() => done(), 2));
pm.test("done with an error", (done) => setTimeout(() => done(new Error("late")), 1));
pm.test("never done", (done) => {});
pm.test("a promise", async () => { await new Promise((resolve) => setTimeout(resolve, 1)); });
pm.test("a rejected promise", () => Promise.reject(new TypeError("rejected")));
pm.test("a promise that waits for ever", () => new Promise(() => {}));
pm.test("chained", () => {}).test("to another", () => {});
console.log(pm.test.index());

//> log: 13
//> pass passes
//> fail throws: Error: no (line 3)
//> fail throws a text: Error: text
//> skip skipped
//> pass without a function
//> pass with done
//> fail done with an error: Error: late (line 8)
//> fail never done: Error: the test did not end: its callback was not called or its promise not settled
//> pass a promise
//> fail a rejected promise: TypeError: rejected (line 11)
//> fail a promise that waits for ever: Error: the test did not end: its callback was not called or its promise not settled
//> pass chained
//> pass to another
