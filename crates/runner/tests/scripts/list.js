// Lists of headers, parameters and cookies have the methods of the collection SDK.
const { headers } = pm.response;
console.log(headers.get("x-items"), headers.one("X-Items").value, headers.count(), headers.idx(0).key, headers.indexOf("X-Items"));
console.log(headers.map((header) => header.key), headers.filter((header) => header.value === "2").length, headers.find({ key: "X-Items" }).value);
console.log(headers.reduce((sum, header) => sum + header.key.length, 0), headers.has("x-items", "2"), headers.has("x-items", "3"));
headers.each((header) => console.log(String(header)));
headers.insert({ key: "A", value: "1" }, headers.idx(0));
headers.append({ key: "B", value: "2" });
headers.prepend({ key: "C", value: "3" });
headers.populate([{ key: "D", value: "4" }]);
headers.assimilate([{ key: "D", value: "5" }]);
console.log(headers.all().map((header) => header.key).join(), headers.get("d"), headers.toJSON().length, headers.contentSize());
headers.repopulate("E: 1\r\nF: 2");
console.log(headers.toString());
headers.clear();
console.log(headers.count());

//> log: 2 2 3 Content-Type 2
//> log: [ 'Content-Type', 'Set-Cookie', 'X-Items' ] 1 2
//> log: 29 true false
//> log: Content-Type: application/json; charset=utf-8
//> log: Set-Cookie: session=abc; Path=/; HttpOnly
//> log: X-Items: 2
//> log: C,A,Content-Type,Set-Cookie,X-Items,B,D 5 7 126
//> log: E: 1
//> F: 2
//>
//> log: 0
