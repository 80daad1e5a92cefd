// URLs taken apart and put together.
const { url } = pm.request;
console.log(url.protocol, url.host, url.port, url.path, url.hash, url.getHost(), url.getRemote());
console.log(url.getPath(), url.getPath(true), url.getQueryString(), url.getPathWithQuery(), url.variables.get("id"));
console.log(url.query.get("q"), url.query.has("off"), url.query.toObject(true), url.query.count(), url.query.all().map((it) => it.key));
const { Url } = require("postman-collection");
for (const text of ["{{base}}/a/:id?x={{y&z}}#end", "user:pa@ss@host:80/p?", "https://[::1]:8080/", "//double"]) {
    console.log(String(new Url(text)), JSON.stringify(new Url(text)));
}
url.update("https://new.test/a?b=c");
console.log(url.toString());

//> log: https [ 'shop', 'test' ] 8443 [ 'carts', ':id' ] top shop.test shop.test:8443
//> log: /carts/7 /carts/:id page=2&q=a b /carts/7?page=2&q=a b 7
//> log: a b true { page: '2', q: 'a b' } 3 [ 'page', 'q', 'off' ]
//> log: {{base}}/a/:id?x={{y&z}}#end {"host":["{{base}}"],"path":["a",":id"],"hash":"end","query":[{"key":"x","value":"{{y&z}}"}],"variable":[{"key":"id"}]}
//> log: user:pa@ss@host:80/p? {"auth":{"user":"user","password":"pa@ss"},"host":["host"],"port":"80","path":["p"],"query":[{"key":"","value":null}],"variable":[]}
//> log: https://[::1]:8080/ {"protocol":"https","host":["[::1]"],"port":"8080","path":[""],"query":[],"variable":[]}
//> log: //double {"path":["","double"],"query":[],"variable":[]}
//> log: https://new.test/a?b=c
//> request url: {"protocol":"https","host":["new","test"],"path":["a"],"query":[{"key":"b","value":"c"}],"variable":[]}
