"""`python -m bench.cli …`: the `tongdan` command, from whichever Python runs the benchmarks."""

from tongdan.cli.main import app

if __name__ == "__main__":
    app(prog_name="tongdan")
