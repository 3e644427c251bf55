"""Table 1's models without pretraining, each written from its paper, on the operators of this project."""
