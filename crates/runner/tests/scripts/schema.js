// Schemas of JSON.
const schema = { type: "object", required: ["id", "none"], properties: { id: { type: "string" } } };
pm.test("fits", () => pm.response.to.have.jsonSchema({ type: "object", properties: { id: { type: "integer" } } }));
pm.test("does not fit", () => pm.response.to.have.jsonSchema(schema));
pm.test("any value", () => pm.expect({ id: "1", none: 0 }).to.have.jsonSchema(schema));

//> pass fits
//> fail does not fit: AssertionError: expected data to satisfy schema but found following errors:
//> data should have required property 'none', data.id should be string (line 4)
//> pass any value
