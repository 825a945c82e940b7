# One load balancer for all services: each has a target group, and the one listener knows them by
# host and path. A load balancer for each service would cost its hourly price once for each.

variable "vpc_id" {
  description = "The VPC of the cluster's instances."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets in two zones or more."
  type        = list(string)
}

variable "certificate_arn" {
  description = "A certificate for HTTPS; null to serve HTTP alone."
  type        = string
  default     = null
}

variable "name" {
  description = "The load balancer's name."
  type        = string
  default     = "services"
}

locals {
  listener = var.certificate_arn == null ? aws_lb_listener.http.arn : aws_lb_listener.https[0].arn

  routes = merge([
    for name, service in var.services : {
      for route in service.routes : "${route.host}${route.path}" => merge(route, { service = name })
    }
  ]...)
}

resource "aws_ecs_service" "this" {
  for_each = var.services

  name            = each.key
  cluster         = data.aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.this[each.key].arn
  desired_count   = each.value.count
  launch_type     = "EC2"

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 120

  ordered_placement_strategy {
    type  = "spread"
    field = "instanceId"
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this[each.key].arn
    container_name   = each.key
    container_port   = each.value.port
  }

  lifecycle {
    ignore_changes = [desired_count]
  }

  # A target group takes targets once a listener leads to it.
  depends_on = [aws_lb_listener_rule.this]
}

resource "aws_lb" "this" {
  name               = var.name
  internal           = false
  load_balancer_type = "application"
  security_groups    = [aws_security_group.lb.id]
  subnets            = var.subnet_ids
}

resource "aws_lb_target_group" "this" {
  for_each = var.services

  name        = substr(each.key, 0, 32)
  port        = each.value.port
  protocol    = "HTTP"
  target_type = "instance"
  vpc_id      = var.vpc_id

  # So long a target that leaves may finish its requests.
  deregistration_delay = 30

  health_check {
    path                = each.value.health == "" ? "/" : each.value.health
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = var.certificate_arn == null ? "fixed-response" : "redirect"

    dynamic "fixed_response" {
      for_each = var.certificate_arn == null ? [1] : []

      content {
        content_type = "text/plain"
        status_code  = "404"
      }
    }

    dynamic "redirect" {
      for_each = var.certificate_arn == null ? [] : [1]

      content {
        port        = "443"
        protocol    = "HTTPS"
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  count = var.certificate_arn == null ? 0 : 1

  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each = local.routes

  listener_arn = local.listener
  priority     = each.value.priority

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.value.service].arn
  }

  condition {
    host_header {
      values = [each.value.host]
    }
  }

  dynamic "condition" {
    for_each = each.value.path == "/" ? [] : [1]

    content {
      path_pattern {
        values = [each.value.path, "${each.value.path}/*"]
      }
    }
  }
}

resource "aws_security_group" "lb" {
  name        = "${var.name}-lb"
  description = "The load balancer"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "lb" {
  for_each = var.certificate_arn == null ? toset(["80"]) : toset(["80", "443"])

  security_group_id = aws_security_group.lb.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

resource "aws_vpc_security_group_egress_rule" "lb" {
  security_group_id            = aws_security_group.lb.id
  referenced_security_group_id = var.node_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 32768
  to_port                      = 65535
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id            = var.node_security_group_id
  referenced_security_group_id = aws_security_group.lb.id
  description                  = "Endpoints, for the load balancer"
  ip_protocol                  = "tcp"
  from_port                    = 32768
  to_port                      = 65535
}

output "dns_name" {
  description = "What the services' names are to lead to."
  value       = aws_lb.this.dns_name
}
