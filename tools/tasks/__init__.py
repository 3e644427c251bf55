"""What main.py can do: a file a task, found by `tools.engine.task.find_task`."""
