// The cookies of the request's URL.
console.log(pm.cookies.get("session"), pm.cookies.get("theme"), pm.cookies.has("session"), pm.cookies.has("none"), pm.cookies.toObject());
const cookie = pm.cookies.one("session");
console.log(cookie.name, cookie.value, cookie.domain, cookie.path, cookie.httpOnly, cookie.hostOnly, cookie.secure, cookie.session);

//> log: abc dark blue true false { session: 'abc', theme: 'dark blue' }
//> log: session abc shop.test /carts true true false true
