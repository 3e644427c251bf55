"""What is done: the engine, the tasks, the paper's tables, benchmarks, pictures and checks."""
