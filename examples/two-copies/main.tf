# The set-up of ../one-copy, ready for more copies: `fairlead doctor` finds nothing here.

locals {
  services = {
    catalog = { memory = 256 }
    alerts  = { memory = 192 }
  }
}

variable "vpc_id" {
  type = string
}

variable "ami" {
  description = "An image that is made for ECS."
  type        = string
}

resource "aws_ecs_cluster" "shop" {
  name = "shop-ecs"
}

resource "aws_security_group" "nodes" {
  name   = "shop-nodes"
  vpc_id = var.vpc_id

  ingress {
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  # From each node's nginx to the dynamic ports of all nodes.
  ingress {
    from_port = 32768
    to_port   = 60999
    protocol  = "tcp"
    self      = true
  }
}

resource "aws_instance" "node" {
  count                  = 2
  ami                    = var.ami
  instance_type          = "t3.micro"
  vpc_security_group_ids = [aws_security_group.nodes.id]
  user_data              = <<-EOT
    #!/bin/bash
    echo ECS_CLUSTER=${aws_ecs_cluster.shop.name} >> /etc/ecs/ecs.config
  EOT
}

resource "aws_ecs_task_definition" "this" {
  for_each     = local.services
  family       = "shop-${each.key}"
  network_mode = "bridge"
  container_definitions = jsonencode([
    {
      name              = each.key
      image             = "registry.example.com/shop/${each.key}:latest"
      memoryReservation = each.value.memory
      stopTimeout       = 60
      healthCheck = {
        command  = ["CMD-SHELL", "curl -fs http://localhost:8080/actuator/health || exit 1"]
        interval = 10
      }
      portMappings = [
        {
          containerPort = 8080
          hostPort      = 0
          protocol      = "tcp"
        }
      ]
    }
  ])
}

resource "aws_ecs_service" "this" {
  for_each        = local.services
  name            = "shop-${each.key}"
  cluster         = aws_ecs_cluster.shop.id
  task_definition = aws_ecs_task_definition.this[each.key].arn
  desired_count   = 2

  lifecycle {
    ignore_changes = [desired_count]
  }
}
