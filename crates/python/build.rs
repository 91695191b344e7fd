//! Gives the extension a digest of the Rust sources it was built from, so that a journal can name its code.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn main() {
    let mut found = Vec::new();
    for name in ["chan", "orderflow", "simulator", "python"] {
        let folder = Path::new("..").join(name).join("src");
        println!("cargo:rerun-if-changed={}", folder.display());
        sources(&folder, &mut found);
    }
    found.sort();
    let mut digest = Sha256::new();
    for path in found {
        let name = path.to_string_lossy().replace('\\', "/");
        digest.update(name.as_bytes());
        digest.update(fs::read(&path).unwrap_or_default());
    }
    let text: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo:rustc-env=CHANFLOW_SOURCE_DIGEST={text}");
}
