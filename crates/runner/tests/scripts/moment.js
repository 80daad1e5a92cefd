// moment.
const moment = require("moment");
console.log(moment.utc(0).format("YYYY-MM-DD HH:mm"), moment.utc("2024-02-28").add(2, "days").format("dddd"), moment.duration(90, "minutes").humanize());

//> log: 1970-01-01 00:00 Friday 2 hours
