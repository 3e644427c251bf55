"""Everything that needs a GPU, checked in one go: `python -m tools.gpu_check`."""
