// The object postman.
postman.setEnvironmentVariable("a", 1);
postman.setGlobalVariable("b", true);
console.log(postman.getEnvironmentVariable("a"), postman.getGlobalVariable("b"), environment.a, globals.b);
console.log(postman.getResponseHeader("x-items"), postman.getResponseCookie("session").value);
postman.clearEnvironmentVariable("a");
postman.clearGlobalVariable("b");
postman.clearEnvironmentVariables();
postman.clearGlobalVariables();
postman.setNextRequest("Other");

//> log: 1 true 1 true
//> log: 2 abc
//> set environment a="1"
//> set global b="true"
//> unset environment a
//> unset global b
//> unset environment host
//> unset environment url
//> unset environment off
//> unset global who
//> next Other
