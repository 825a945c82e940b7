"""What ECS does with tasks, nodes and services, as pure rules: the local ECS lives by them, and
`whatif` foretells by them."""
