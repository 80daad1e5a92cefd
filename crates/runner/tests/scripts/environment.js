// The environment: reading, writing, and what is disabled.
console.log(pm.environment.name, pm.environment.get("host"), pm.environment.get("off"), pm.environment.has("off"), pm.environment.has("host"));
pm.environment.set("number", 5);
pm.environment.set("object", { a: [1] });
console.log(typeof pm.environment.get("number"), pm.environment.toObject());
pm.environment.unset("url");
console.log(pm.environment.has("url"), pm.environment.replaceIn("{{host}} {{nothing}}"));
pm.environment.clear();
console.log(pm.environment.toObject());

//> log: staging shop.test undefined false true
//> log: number {
//>   host: 'shop.test',
//>   url: 'https://{{host}}/{{sku}}',
//>   off: 'hidden',
//>   number: 5,
//>   object: { a: [ 1 ] }
//> }
//> log: false shop.test {{nothing}}
//> log: {}
//> set environment number=5
//> set environment object={"a":[1]}
//> unset environment url
//> unset environment host
//> unset environment off
//> unset environment number
//> unset environment object
