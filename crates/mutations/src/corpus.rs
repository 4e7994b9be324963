//! The corpus: the inputs that are mutated.

use std::path::Path;
use std::{fs, io};

/// A non-empty set of inputs for mutation.
#[derive(Debug, Clone)]
pub struct Corpus(Vec<Vec<u8>>);

impl Corpus {
    /// Creates a corpus from these inputs.
    ///
    /// # Panics
    ///
    /// If there are no inputs.
    #[must_use]
    pub fn of(inputs: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let inputs: Vec<_> = inputs.into_iter().map(|input| input.as_ref().to_vec()).collect();
        assert!(!inputs.is_empty(), "a corpus has at least one input");
        Self(inputs)
    }

    /// Reads one input from each file, in the order of the file names.
    ///
    /// # Panics
    ///
    /// If the folder or a file in it can't be read, or if the folder is empty.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let inputs = read_files(folder);
        Self::of(inputs.unwrap_or_else(|error| panic!("{}: {error}", folder.display())))
    }

    pub(crate) fn inputs(&self) -> &[Vec<u8>] {
        &self.0
    }
}

fn read_files(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let files: io::Result<Vec<_>> =
        fs::read_dir(folder)?.map(|file| file.map(|file| file.path())).collect();
    let mut files = files?;
    files.sort();
    files.iter().map(fs::read).collect()
}
