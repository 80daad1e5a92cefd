//! Writes the seeds of every target as files into folders: `seeds FOLDER`. Without a folder, it lists the
//! targets. `cargo xtask fuzz` begins with it.

use std::path::PathBuf;
use std::{env, fs, io};

use satchel_fuzz::TARGETS;

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    for target in TARGETS {
        println!("{}", target.name);
        let Some(folder) = folder.as_ref().map(|folder| folder.join(target.name)) else { continue };
        fs::create_dir_all(&folder)?;
        for (number, seed) in target.seeds.load().into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
