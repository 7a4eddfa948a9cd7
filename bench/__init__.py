"""How fast is it, how much does it keep, and where does the time go? `python -m bench`; docs/benchmarks.md explains the rows."""
