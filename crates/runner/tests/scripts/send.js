// Requests of a script, with callbacks.
pm.sendRequest("http://echo.test/a?b=1", (error, response, history) => {
    console.log(error, response.code, response.status, response.json().method, response.json().url.path, history.cookies.get("echo"));
});
pm.sendRequest({
    url: "http://echo.test/post", method: "POST", header: { "X-A": "1" },
    body: { mode: "raw", raw: JSON.stringify({ a: 1 }) },
}, (error, response) => {
    pm.test("the answer of the request", () => {
        pm.expect(error).to.be.null;
        pm.expect(response).to.have.property("code", 200);
        pm.expect(response.json().body.raw).to.equal('{"a":1}');
        pm.expect(response.json().header).to.eql([{ key: "X-A", value: "1" }]);
    });
});
pm.sendRequest("http://refused.test", (error, response) => console.log(error.message, error.code, response.code));
pm.sendRequest(undefined, (error) => console.log(error.message));
pm.sendRequest(new (require("postman-collection").Request)({ url: "http://echo.test", method: "PUT" }), (error, response) => {
    console.log(response.json().method);
    throw new Error("in a callback");
});

//> log: sendrequest: nothing to request
//> log: null 200 OK GET [ 'a' ] 1
//> log: connect ECONNREFUSED 127.0.0.1:9 ECONNREFUSED undefined
//> log: PUT
//> pass the answer of the request
//> fault Error: in a callback (line 20)
