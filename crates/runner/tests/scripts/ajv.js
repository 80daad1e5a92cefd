// ajv 6 and tv4.
const Ajv = require("ajv");
const validate = new Ajv().compile({ type: "object", required: ["a"] });
console.log(validate({}), validate.errors[0].message, validate({ a: 1 }));
console.log(tv4.validate({ a: "x" }, { properties: { a: { type: "number" } } }), tv4.error.message, require("tv4").validate(1, { type: "number" }));

//> log: false should have required property '.a' true
//> log: false Invalid type: string (expected number) true
