// A script that fails keeps what it did before.
pm.environment.set("a", 1);
pm.test("ran", () => {});
setTimeout(() => {
    console.log("still runs");
    throw new Error("later");
}, 1);
Promise.reject(new RangeError("nobody waits for this"));
try {
    pm.response.json.call({ text: () => "<html>" });
} catch (error) {
    console.log(error.name);
}
undefined.x;

//> log: JSONError
//> log: still runs
//> pass ran
//> set environment a=1
//> fault TypeError: cannot read property 'x' of undefined (line 14)
//> fault Error: later (line 6)
//> fault RangeError: nobody waits for this (line 8)
