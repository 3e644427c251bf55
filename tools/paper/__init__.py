"""The paper's tables: planned as runs, made, and printed beside the paper's numbers: `python -m tools.paper`."""
