// Where the run goes on.
pm.execution.setNextRequest("Pay");

//> next Pay
