// What is not there says so.
for (const run of [() => pm.vault.get("x"), () => pm.vault.set("x", 1), () => pm.vault.unset("x"), () => pm.require("@team/lib"), () => pm.execution.runRequest("x"), () => pm.execution.skipRequest(), () => require("fs"), () => require("nothing")]) {
    try {
        run();
    } catch (error) {
        console.log(error.message);
    }
}

//> log: pm.vault is not available in Satchel: keep the value in a secret variable, which is sealed and masked
//> log: pm.vault is not available in Satchel: keep the value in a secret variable, which is sealed and masked
//> log: pm.vault is not available in Satchel: keep the value in a secret variable, which is sealed and masked
//> log: pm.require is not available in Satchel: packages of Postman's package library live on Postman's servers; use require for the libraries of docs/scripts.md
//> log: pm.execution.runRequest is not available in Satchel: use pm.sendRequest
//> log: pm.execution.skipRequest is not a function
//> log: Cannot find module 'fs': scripts have no files, processes or network but by pm.sendRequest
//> log: Cannot find module 'nothing'
