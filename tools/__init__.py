"""What is done: one runner a task, on one shared trainer."""
