// xml2js.
require("xml2js").parseString("<a x='1'><b>2</b></a>", (error, result) => console.log(error, JSON.stringify(result)));

//> log: null {"a":{"$":{"x":"1"},"b":["2"]}}
