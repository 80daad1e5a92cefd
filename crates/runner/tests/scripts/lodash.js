// lodash 4 by require, lodash 3 as the old global.
const lodash = require("lodash");
console.log(lodash.VERSION, lodash.chunk([1, 2, 3], 2), lodash.get({ a: [{ b: 1 }] }, "a[0].b"), lodash.camelCase("two words"));
console.log(_.VERSION, _.pluck([{ a: 1 }, { a: 2 }], "a"), _.isEqual({ a: [1] }, { a: [1] }));

//> log: 4.17.21 [ [ 1, 2 ], [ 3 ] ] 1 twoWords
//> log: 3.10.1 [ 1, 2 ] true
