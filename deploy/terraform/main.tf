# One fairlead with its nginx on every node, on the node's own network.

data "aws_region" "current" {}

data "aws_ecs_cluster" "this" {
  cluster_name = var.cluster
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  network_mode             = "host"
  requires_compatibilities = ["EC2"]
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  tags                     = var.tags

  container_definitions = jsonencode([
    {
      name        = "fairlead"
      image       = var.image
      command     = ["fairlead", "up", "-f", "/var/lib/fairlead/fairlead.yaml"]
      cpu         = var.cpu
      memory      = var.memory
      essential   = true
      stopTimeout = 60

      environment = [
        { name = "FAIRLEAD_SETTINGS", value = var.settings },
        { name = "AWS_DEFAULT_REGION", value = data.aws_region.current.id },
      ]

      secrets = var.hook_token == null ? [] : [
        { name = "FAIRLEAD_HOOK_TOKEN", valueFrom = var.hook_token },
      ]

      # The last table and the decisions outlive the container.
      mountPoints = [
        { sourceVolume = "${var.name}-state", containerPath = "/var/lib/fairlead", readOnly = false },
      ]

      healthCheck = {
        command     = ["CMD", "fairlead", "status", "-f", "/var/lib/fairlead/fairlead.yaml"]
        interval    = 30
        timeout     = 5
        retries     = 3
        startPeriod = 30
      }

      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = aws_cloudwatch_log_group.this.name
          "awslogs-region"        = data.aws_region.current.id
          "awslogs-stream-prefix" = "node"
        }
      }
    },
  ])

  volume {
    # On the node the volume has this very name, which no other task may share.
    name = "${var.name}-state"

    docker_volume_configuration {
      scope         = "shared"
      autoprovision = true
      driver        = "local"
    }
  }
}

resource "aws_ecs_service" "this" {
  name                = var.name
  cluster             = data.aws_ecs_cluster.this.arn
  task_definition     = aws_ecs_task_definition.this.arn
  scheduling_strategy = "DAEMON"
  launch_type         = "EC2"
  propagate_tags      = "SERVICE"
  tags                = var.tags

  # A daemon service stops its task on a node before it starts the next one, on half of the nodes at a
  # time. The percentage is rounded up to whole tasks: of a single one, any would keep it for ever.
  deployment_minimum_healthy_percent = data.aws_ecs_cluster.this.registered_container_instances_count > 1 ? 50 : 0
}
