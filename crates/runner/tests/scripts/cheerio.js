// cheerio, by require and as the old global.
const $ = require("cheerio").load("<ul><li class='a'>one</li><li>two</li></ul>");
console.log($("li.a").text(), $("li").length, cheerio.load("<p>x</p>")("p").html());

//> log: one 2 x
