"""Everything that needs a GPU, checked in one go: `bash scripts/gpu_check.sh`."""
