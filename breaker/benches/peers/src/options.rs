//! What can be asked for on the command line.

/// How the program is used.
pub(crate) const USAGE: &str = "\
usage: run [--quick] [--markdown FILE] [--json FILE] [--no-instructions] [--no-registry]
           [--circuits N] [--cores A,B] [NAME …]

  NAME                only rows whose name holds one of these (the bare calls are always measured)
  --quick             fewer rounds and a smaller registry: under 20 s
  --markdown FILE     writes the table as Markdown too; `-` for the standard output instead of the text
  --json FILE         writes everything, with quartiles
  --no-instructions   leaves callgrind out
  --no-registry       leaves the registry out
  --circuits N        how many circuits the registry holds (1000000; with --quick 100000)
  --cores A,B         the cores to run on (the first two)";

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) instructions: bool,
    pub(crate) registry: bool,
    pub(crate) circuits: Option<usize>,
    pub(crate) cores: Vec<usize>,
    pub(crate) markdown: Option<String>,
    pub(crate) json: Option<String>,
    pub(crate) names: Vec<String>,
}

impl Options {
    /// Reads the arguments, without the program's name.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { instructions: true, registry: true, ..Self::default() };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value\n\n{USAGE}"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--no-instructions" => options.instructions = false,
                "--no-registry" => options.registry = false,
                "--markdown" => options.markdown = Some(value()?),
                "--json" => options.json = Some(value()?),
                "--circuits" => options.circuits = Some(number(&value()?)?),
                "--cores" => options.cores = value()?.split(',').map(number).collect::<Result<_, _>>()?,
                "--help" | "-h" => return Err(USAGE.to_owned()),
                name if name.starts_with('-') => return Err(format!("no such option: {name}\n\n{USAGE}")),
                name => options.names.push(name.to_lowercase()),
            }
        }
        Ok(options)
    }

    /// Whether a row is asked for.
    pub(crate) fn asks_for(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.names.is_empty() || self.names.iter().any(|asked| name.contains(asked))
    }

    /// How many circuits the registry holds.
    pub(crate) fn circuits(&self) -> usize {
        self.circuits.unwrap_or(if self.quick { 100_000 } else { 1_000_000 })
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.trim().parse().map_err(|_| format!("not a number: {text}\n\n{USAGE}"))
}
