//! Postman's files in and out, tried on real files, on odd ones and on hostile ones.

mod hostile;
mod kinds;
mod round_trip;
mod support;
