"""What every task stands on: config, run folder, data, optimizer, the one training loop, the one pass over test sets."""
