// The jar.
const jar = pm.cookies.jar();
const url = "https://shop.test/carts";
jar.set(url, "one", "1", (error, cookie) => console.log(error, cookie.name, cookie.value));
jar.set(url, { name: "two", value: "2", httpOnly: true }, (error, cookie) => console.log(error, cookie.httpOnly));
jar.get(url, "one", (error, value) => console.log(error, value));
jar.getAll(url, (error, list) => console.log(error, list.map((it) => it.name)));
await jar.unset(url, "session");
console.log(await jar.get(url, "session"), (await jar.getAll(url)).count());
await jar.set(url, "three=3; Path=/");
await jar.clear(url);
console.log((await jar.getAll(url)).count());
await jar.set(url, "x=1; Domain=other.test").catch((error) => console.log(error.message));
try {
    jar.get("", "x", () => {});
} catch (error) {
    console.log(error.message);
}

//> log: null one 1
//> log: null true
//> log: null 1
//> log: null [ 'session', 'theme', 'one', 'two' ]
//> log: null 3
//> log: 0
//> log: `shop.test` must not set this cookie
//> log: CookieJar.get() requires a valid url
