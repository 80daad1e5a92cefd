// The row of the data file.
console.log(pm.iterationData.get("sku"), typeof pm.iterationData.get("amount"), pm.iterationData.has("other"), pm.iterationData.toObject(), JSON.stringify(pm.iterationData.toJSON().values[0]));
pm.iterationData.unset("sku");
console.log(pm.iterationData.has("sku"), pm.variables.get("sku"));

//> log: A-1 number false { sku: 'A-1', amount: 3 } {"key":"sku","value":"A-1"}
//> log: false undefined
