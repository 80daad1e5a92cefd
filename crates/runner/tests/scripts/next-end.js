// Where the run ends, in old words.
postman.setNextRequest(null);

//> next is the end
