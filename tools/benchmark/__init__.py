"""Speed of operators, training steps and data loading beside alternatives in the same run."""
