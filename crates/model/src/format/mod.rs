//! Bytes in and out: the stored form of records, and Postman's files.
//!
//! The only part of this crate that uses serde; everything else works on [`crate::Value`].

pub mod dump;
pub mod json;
pub mod payload;
pub mod postman;
