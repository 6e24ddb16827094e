"""Python runs this file before anything else in a process that is started with `sampler.environment`."""

from bench.sampler import begin

begin()
