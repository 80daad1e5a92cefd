// The request as it was sent.
console.log(pm.request.method, pm.request.url.toString(), pm.request.headers.get("content-type"), pm.request.headers.has("X-Trace"));
console.log(pm.request.headers.toObject(true), pm.request.getHeaders({ enabled: true, ignoreCase: true }));
console.log(pm.request.body.mode, pm.request.body.raw, pm.request.body.toString(), pm.request.body.isEmpty());
console.log(pm.request.auth.type, pm.request.auth.parameters().get("username"));
console.log(pm.request.size().body, pm.request.toJSON().method, pm.request.clone().url.getHost());
pm.test("headers", () => pm.request.to.have.header("X-Trace", "1"));

//> log: POST https://shop.test:8443/carts/7?page=2&q=a b#top application/json true
//> log: { 'content-type': 'application/json', 'x-trace': '1' } { 'content-type': 'application/json', 'x-trace': '1' }
//> log: raw {"item":1} {"item":1} false
//> log: basic ann
//> log: 10 POST shop.test
//> pass headers
