# Several copies of each service at reserved host ports, an ECS service for each: two that want the
# same port are never placed on one node. nginx lists every port of every node.

variable "nodes" {
  description = "How many nodes there are: with one, a new task waits until the old one has left its port."
  type        = number
  default     = 2
}

locals {
  copies = merge([
    for name, service in var.services : {
      for port in service.host_ports : "${name}-${port}" => { name = name, port = port }
    }
  ]...)
}

resource "aws_ecs_task_definition" "this" {
  for_each = local.copies

  family                   = each.key
  network_mode             = "bridge"
  requires_compatibilities = ["EC2"]
  execution_role_arn       = var.execution_role_arn

  container_definitions = jsonencode([
    {
      name         = each.value.name
      image        = var.services[each.value.name].image
      essential    = true
      memory       = var.services[each.value.name].memory
      cpu          = var.services[each.value.name].cpu
      command      = var.services[each.value.name].command
      stopTimeout  = var.services[each.value.name].stop_timeout
      dockerLabels = var.services[each.value.name].labels
      environment  = [for name, value in var.services[each.value.name].environment : { name = name, value = value }]

      portMappings = [
        # fairlead:ignore fixed-host-port each copy has a port of its own, and nginx knows them all
        { containerPort = var.services[each.value.name].port, hostPort = each.value.port, protocol = "tcp" },
      ]
    },
  ])
}

# Apply with -parallelism=1: one copy after another rolls, while the others serve.
resource "aws_ecs_service" "this" {
  for_each = local.copies

  name                  = each.key
  cluster               = data.aws_ecs_cluster.this.arn
  task_definition       = aws_ecs_task_definition.this[each.key].arn
  desired_count         = 1
  launch_type           = "EC2"
  wait_for_steady_state = true

  deployment_minimum_healthy_percent = var.nodes > 1 ? 100 : 0
  deployment_maximum_percent         = var.nodes > 1 ? 200 : 100

  ordered_placement_strategy {
    type  = "spread"
    field = "instanceId"
  }
}

# Each node's nginx reaches the copies on all nodes.
resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = toset([for copy in local.copies : tostring(copy.port)])

  security_group_id            = var.node_security_group_id
  referenced_security_group_id = var.node_security_group_id
  description                  = "Endpoints, for nginx on the other nodes"
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.key)
  to_port                      = tonumber(each.key)
}
