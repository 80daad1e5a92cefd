// The answer.
console.log(pm.response.code, pm.response.status, pm.response.reason(), pm.response.responseTime, pm.response.responseSize);
console.log(pm.response.headers.get("content-type"), pm.response.text(), pm.response.json().items[1].sku);
console.log(pm.response.json((key, value) => key === "id" ? "seven" : value).id, pm.response.cookies.get("session"));
console.log(pm.response.size(), pm.response.details(), pm.response.contentInfo().mimeType, pm.response.contentInfo().charset, pm.response.encoding().format);
console.log(pm.response.dataURI().slice(0, 40), pm.response.stream.slice(0, 4).toString());
console.log(JSON.stringify(pm.response).length > 50, pm.response.jsonp().id);

//> log: 201 Created Created 123 80
//> log: application/json; charset=utf-8 {"id":7,"name":"Zoë","items":[{"sku":"A-1","count":2},{"sku":"B-2","count":1}]} B-2
//> log: seven abc
//> log: { body: 80, header: 126, total: 206 } { name: 'Created', detail: '', code: 201, standardName: 'Created' } application/json utf-8 undefined
//> log: data:application/json;base64, eyJpZCI6Ny {"id
//> log: true 7
