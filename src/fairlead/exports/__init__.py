"""What a strategy needs, as files for other tools: complete, and checked."""
