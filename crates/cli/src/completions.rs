//! `porchlight completions` and `porchlight man`: completions for shells and man pages, generated from the arguments.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;
use crate::failure::Failure;
use crate::output;

/// The arguments of `porchlight completions`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The packages install completions for bash, zsh and fish. To install them yourself:\n  \
                  porchlight completions bash >~/.local/share/bash-completion/completions/porchlight\n  \
                  porchlight completions powershell >>$PROFILE"
)]
pub(crate) struct Completions {
    /// Your shell
    shell: Shell,
}

/// The arguments of `porchlight man`.
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// The folder; it must exist
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
