# In bridge mode with host port 0 the engine picks a free port for each copy.

resource "aws_ecs_task_definition" "this" {
  for_each = var.services

  family                   = each.key
  network_mode             = "bridge"
  requires_compatibilities = ["EC2"]
  execution_role_arn       = var.execution_role_arn

  container_definitions = jsonencode([
    {
      name         = each.key
      image        = each.value.image
      essential    = true
      memory       = each.value.memory
      cpu          = each.value.cpu
      command      = each.value.command
      stopTimeout  = each.value.stop_timeout
      dockerLabels = each.value.labels
      environment  = [for name, value in each.value.environment : { name = name, value = value }]
      portMappings = [{ containerPort = each.value.port, hostPort = 0, protocol = "tcp" }]
    },
  ])
}
