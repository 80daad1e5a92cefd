// Before the request: it is not sent, and what follows does not run.
pm.environment.set("before", 1);
pm.execution.skipRequest();
pm.environment.set("after", 1);

//> set environment before=1
//> skips the request
