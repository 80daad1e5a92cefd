// Before the request: whole parts.
pm.request.update({ url: "http://other.test/{{path}}?x=1", method: "delete", body: { mode: "urlencoded", urlencoded: [{ key: "a", value: "b c" }, { key: "d", value: "e" }] } });
console.log(pm.request.url.getHost(), pm.request.body.urlencoded.get("a"), pm.request.body.toString());
pm.request.body.update({ mode: "formdata", formdata: [{ key: "f", value: "1", type: "text" }] });
console.log(pm.request.body.formdata.count());

//> log: other.test b c a=b c&d=e
//> log: 1
//> request method: "DELETE"
//> request url: {"protocol":"http","host":["other","test"],"path":["{{path}}"],"query":[{"key":"x","value":"1"}],"variable":[]}
//> request body: {"mode":"formdata","formdata":[{"key":"f","value":"1","type":"text"}]}
