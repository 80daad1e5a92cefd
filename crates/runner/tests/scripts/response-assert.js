// Postman's words for chai.
const { response } = pm;
const check = (name, run) => pm.test(name, run);
check("status", () => response.to.have.status(201));
check("status by name", () => response.to.have.status("Created"));
check("statusCode", () => response.to.have.statusCode(404));
check("statusReason", () => response.to.have.statusReason("Created"));
check("statusCodeClass", () => response.to.have.statusCodeClass(2));
check("success", () => response.to.be.success);
check("info", () => response.to.be.info);
check("redirection", () => response.to.be.redirection);
check("clientError", () => response.to.be.clientError);
check("serverError", () => response.to.not.be.serverError);
check("error", () => response.to.be.error);
check("ok", () => response.to.be.ok);
check("accepted", () => response.to.be.accepted);
check("withoutContent", () => response.to.not.be.withoutContent);
check("badRequest", () => response.to.be.badRequest);
check("unauthorized", () => response.to.be.unauthorized);
check("forbidden", () => response.to.be.forbidden);
check("notFound", () => response.to.be.notFound);
check("notAcceptable", () => response.to.be.notAcceptable);
check("rateLimited", () => response.to.be.rateLimited);
check("header", () => response.to.have.header("X-Items"));
check("header's value", () => response.to.have.header("X-Items", "3"));
check("withBody", () => response.to.be.withBody);
check("json", () => response.to.be.json);
check("body", () => response.to.have.body({ id: 8 }));
check("body by pattern", () => response.to.have.body(/Zo./));
check("jsonBody", () => response.to.have.jsonBody("items[0].sku", "A-1"));
check("jsonBody without", () => response.to.have.jsonBody("items[9].sku"));
check("responseTime", () => response.to.have.responseTime.below(200));
check("responseSize", () => response.to.have.responseSize.above(10));
check("request", () => pm.expect(pm.request).to.be.a.postmanRequest);
check("response", () => pm.expect({}).to.be.a.postmanResponse);

//> pass status
//> pass status by name
//> fail statusCode: AssertionError: expected response to have status code 404 but got 201 (line 6)
//> pass statusReason
//> pass statusCodeClass
//> pass success
//> fail info: AssertionError: expected response code to be 1XX but found 201 (line 10)
//> fail redirection: AssertionError: expected response code to be 3XX but found 201 (line 11)
//> fail clientError: AssertionError: expected response code to be 4XX but found 201 (line 12)
//> pass serverError
//> fail error: AssertionError: expected response code to be 4XX or 5XX but found 201 (line 14)
//> fail ok: AssertionError: expected response to have status reason 'OK' but got 'CREATED' (line 15)
//> fail accepted: AssertionError: expected response to have status reason 'ACCEPTED' but got 'CREATED' (line 16)
//> pass withoutContent
//> fail badRequest: AssertionError: expected response to have status reason 'BAD REQUEST' but got 'CREATED' (line 18)
//> fail unauthorized: AssertionError: expected response to have status reason 'UNAUTHORIZED' but got 'CREATED' (line 19)
//> fail forbidden: AssertionError: expected response to have status reason 'FORBIDDEN' but got 'CREATED' (line 20)
//> fail notFound: AssertionError: expected response to have status reason 'NOT FOUND' but got 'CREATED' (line 21)
//> fail notAcceptable: AssertionError: expected response to have status reason 'NOT ACCEPTABLE' but got 'CREATED' (line 22)
//> fail rateLimited: AssertionError: expected response to have status reason 'TOO MANY REQUESTS' but got 'CREATED' (line 23)
//> pass header
//> fail header's value: AssertionError: expected 'X-Items' response header to be '3' but got '2' (line 25)
//> pass withBody
//> pass json
//> fail body: AssertionError: expected response body json to equal { id: 8 } but got { id: 7, name: 'Zoë', …(1) } (line 28)
//> pass body by pattern
//> pass jsonBody
//> fail jsonBody without: AssertionError: expected { id: 7, name: 'Zoë', …(1) } in response to contain property 'items[9].sku' (line 31)
//> pass responseTime
//> pass responseSize
//> pass request
//> fail response: AssertionError: expecting a postman response object but got {} (line 35)
