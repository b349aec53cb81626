"""What is told of calls: spans and log lines."""
