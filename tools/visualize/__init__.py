"""Pictures of what a pretrained model has learned, each with its numbers as JSON beside it."""
