"""What every task stands on: config, run folder, data, optimizer, training loop, pass over a test set."""
