// Requests of a script, awaited.
const response = await pm.sendRequest("http://echo.test/a");
console.log(response.code, response.json().url.host);
const all = await Promise.all([1, 2, 3].map((it) => pm.sendRequest({ url: `http://echo.test/${it}`, method: "DELETE" })));
console.log(all.map((it) => it.json().url.path[0]));
try {
    await pm.sendRequest("http://refused.test");
} catch (error) {
    console.log(error.message, error.code);
}
pm.environment.set("token", response.json().method);

//> log: 200 [ 'echo', 'test' ]
//> log: [ '1', '2', '3' ]
//> log: connect ECONNREFUSED 127.0.0.1:9 ECONNREFUSED
//> set environment token="GET"
