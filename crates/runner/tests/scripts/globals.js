// Globals and variables of the collection.
console.log(pm.globals.get("who"), pm.collectionVariables.get("host"), pm.collectionVariables.get("tax"));
pm.globals.set("who", "nobody");
pm.globals.set("fresh", true);
pm.globals.unset("fresh");
pm.collectionVariables.set("tax", 19);
pm.collectionVariables.unset("host");
console.log(pm.globals.has("fresh"), pm.globals.toObject(), pm.collectionVariables.has("host"), pm.collectionVariables.replaceIn("{{tax}}%"));
pm.globals.clear();
pm.collectionVariables.clear();

//> log: everyone collection.test 7.5
//> log: false { who: 'nobody' } false 19%
//> set global who="nobody"
//> set global fresh=true
//> unset global fresh
//> set collection tax=19
//> unset collection host
//> unset global who
//> unset collection tax
