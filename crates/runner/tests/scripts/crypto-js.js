// crypto-js, by require and as the old global.
const crypto = require("crypto-js");
console.log(crypto.SHA256("a").toString(), CryptoJS.MD5("a").toString(), CryptoJS.HmacSHA1("a", "k").toString(CryptoJS.enc.Base64));
const sealed = CryptoJS.AES.encrypt("secret", "password").toString();
console.log(CryptoJS.AES.decrypt(sealed, "password").toString(CryptoJS.enc.Utf8));

//> log: ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb 0cc175b9c0f1b6a831c399e269772661 QOfUQcrbF7B/BQNBqiOmgg7YHIs=
//> log: secret
