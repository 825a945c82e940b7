"""What would happen: tasks placed as ECS does it, requests followed from DNS answer to task."""
