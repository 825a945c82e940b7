"""A local ECS: the real API's wire format, the real scheduler's rules, processes behind it."""
