// Base64, bytes and randomness.
console.log(btoa("hello"), atob("aGVsbG8="), atob("aGVsbG8"), require("atob")("YQ=="), require("btoa")("a"));
console.log(new TextEncoder().encode("Zoë"), new TextDecoder().decode(new Uint8Array([90, 195, 171])));
console.log(crypto.randomUUID().length, crypto.getRandomValues(new Uint8Array(8)).length);
console.log(Buffer.from("Zoë").toString("base64"), Buffer.from("5a", "hex").toString(), Buffer.concat([Buffer.from("a"), Buffer.from("b")]).length);
try {
    btoa("€");
} catch (error) {
    console.log(error.message);
}

//> log: aGVsbG8= hello hello a YQ==
//> log: Uint8Array(4) [ 90, 111, 195, 171 ] Zë
//> log: 36 8
//> log: Wm/Dqw== Z 2
//> log: the text holds characters outside of Latin-1
