// All scopes at once: the narrowest wins, and only the local one is written.
console.log(pm.variables.get("mine"), pm.variables.get("sku"), pm.variables.get("host"), pm.variables.get("folderly"), pm.variables.get("tax"), pm.variables.get("who"));
console.log(pm.variables.has("off"), pm.variables.has("nothing"), pm.variables.get("nothing"));
pm.variables.set("host", "local.test");
console.log(pm.variables.get("host"), pm.environment.get("host"), pm.variables.replaceIn("{{url}}"));
pm.variables.unset("host");
console.log(pm.variables.get("host"), pm.variables.toObject().sku, pm.variables.replaceIn({ deep: ["{{sku}}", "{{ who }}"] }));
console.log(/^[0-9a-f-]{36}$/.test(pm.variables.replaceIn("{{$guid}}")), pm.variables.replaceIn("{{$noSuchThing}}"));

//> log: local A-1 shop.test of the folder 7.5 everyone
//> log: false false undefined
//> log: local.test shop.test https://local.test/A-1
//> log: shop.test A-1 { deep: [ 'A-1', '{{ who }}' ] }
//> log: true {{$noSuchThing}}
//> set local host="local.test"
//> unset local host
