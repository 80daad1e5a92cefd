//! Makes the list of the page's files that go into the binary.
//!
//! Why it exists: an ordinary build needs no Node. What `npm run build` left in `ui/dist` is taken; where nothing is
//! there, the list is empty and the program says how to build the page. The files are copied first, so that a
//! build of the page at the same time cannot pull them away from under the compiler.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../ui/dist");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo:rerun-if-changed={}", root.display());
    let mut list = String::from("&[\n");
    if root.join("index.html").is_file() {
        fs::create_dir_all(out.join("page"))?;
        let mut count = 0;
        collect(&root, "", &out, &mut list, &mut count)?;
    }
    list.push(']');
    fs::write(out.join("page.rs"), list)
}

fn collect(folder: &Path, prefix: &str, out: &Path, list: &mut String, count: &mut usize) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, out, list, count)?;
        } else {
            let copy = out.join("page").join(count.to_string());
            fs::copy(entry.path(), &copy)?;
            let _ = writeln!(
                list,
                "({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/page/{count}\")).as_slice()),"
            );
            *count += 1;
        }
    }
    Ok(())
}
