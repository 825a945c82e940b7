# Any number of copies of each service on any node: the engine picks host ports, fairlead finds them
# and keeps each node's nginx right. fairlead itself is installed by its own module (deploy/terraform).

resource "aws_ecs_service" "this" {
  for_each = var.services

  name            = each.key
  cluster         = data.aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.this[each.key].arn
  desired_count   = each.value.count
  launch_type     = "EC2"
  propagate_tags  = "SERVICE"

  # A new copy is there before an old one goes.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  ordered_placement_strategy {
    type  = "spread"
    field = "instanceId"
  }

  # The count is fairlead's to change.
  lifecycle {
    ignore_changes = [desired_count]
  }
}

# Each node's nginx reaches the copies on all nodes.
resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id            = var.node_security_group_id
  referenced_security_group_id = var.node_security_group_id
  description                  = "Endpoints, for nginx on the other nodes"
  ip_protocol                  = "tcp"
  from_port                    = 32768
  to_port                      = 65535
}
