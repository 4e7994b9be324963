//! What a shell and `man` want to know of the command line: completions and man pages, from the grammar itself.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;
use crate::failure::Failure;
use crate::output;

/// Which shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The packages install them for bash, zsh and fish. Elsewhere, for example:\n  \
                  porchlight completions bash >~/.local/share/bash-completion/completions/porchlight\n  \
                  porchlight completions powershell >>$PROFILE"
)]
pub(crate) struct Completions {
    /// The shell that reads them
    shell: Shell,
}

/// Where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// The folder, which has to be there
    folder: PathBuf,
}

pub(crate) fn completions(args: &Completions) {
    let mut written = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "porchlight", &mut written);
    output::write_out(&written);
}

pub(crate) fn man(args: &Man) -> Result<(), Failure> {
    clap_mangen::generate_to(Args::command(), &args.folder).map_err(|error| {
        let what = format!("the man pages can't be written into {}", args.folder.display());
        anyhow::Error::new(error).context(what).into()
    })
}
