// What scripts used before pm.
tests["status is 201"] = responseCode.code === 201;
tests["has a body"] = responseBody.includes("Zoë");
tests["fails"] = 0;
console.log(responseCode.name, responseHeaders["X-Items"], responseTime, responseCookies.length, iteration);
console.log(environment.host, globals.who, data.sku, request.method, request.url, request.headers["x-trace"], request.data, request.name);
console.log(xml2Json("<a><b>1</b></a>").a.b, JSON.parse(responseBody).id);

//> log: Created 2 123 2 1
//> log: shop.test everyone A-1 POST https://shop.test:8443/carts/7?page=2&q=a b#top 1 {"item":1} Get cart
//> log: 1 7
//> pass status is 201
//> pass has a body
//> fail fails: AssertionError: expected 0 to be truthy
