// What a script is told of where it runs.
console.log(pm.info.eventName, pm.info.iteration, pm.info.iterationCount, pm.info.requestName, pm.info.requestId);
console.log(pm.execution.location, pm.execution.location.current);

//> log: test 1 3 Get cart r-1
//> log: [ 'Shop', 'Carts', 'Get cart' ] Get cart
