// Before the request: what changes here reaches the wire.
pm.request.method = "PUT";
pm.request.headers.add({ key: "X-Added", value: "1" });
pm.request.headers.upsert({ key: "x-trace", value: "2" });
pm.request.headers.remove("X-Off");
pm.request.addHeader("X-Line: of text");
pm.request.upsertHeader({ key: "X-Added", value: "3" });
pm.request.removeHeader("x-none", { ignoreCase: true });
pm.request.forEachHeader((header) => console.log(header.toString()));
pm.request.url.query.add({ key: "r", value: "1&2" });
pm.request.addQueryParams("s=3");
pm.request.removeQueryParams("page");
pm.request.body.raw = "{}";
pm.request.authorizeUsing("bearer", { token: "t" });
console.log(pm.request.url.toString());

//> log: Content-Type: application/json
//> log: x-trace: 2
//> log: X-Added: 3
//> log: X-Line: of text
//> log: https://shop.test:8443/carts/7?q=a b&r=1%262&s=3#top
//> request method: "PUT"
//> request url: {"protocol":"https","host":["shop","test"],"port":"8443","path":["carts",":id"],"hash":"top","query":[{"key":"q","value":"a b"},{"disabled":true,"key":"off","value":"1"},{"key":"r","value":"1&2"},{"key":"s","value":"3"}],"variable":[{"key":"id","value":"7"}]}
//> request header: [{"key":"Content-Type","value":"application/json"},{"key":"x-trace","value":"2"},{"key":"X-Added","value":"3"},{"key":"X-Line","value":"of text"}]
//> request body: {"mode":"raw","raw":"{}"}
//> request auth: {"type":"bearer","basic":[{"key":"username","value":"ann"}],"bearer":[{"key":"token","value":"t"}]}
