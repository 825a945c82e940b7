"""A shop on ECS as one would write it in Terraform: most of the language in one place."""

SHOP = """\
# The shop: two services on instances of our own.
terraform {
  required_version = ">= 1.5"
}

variable "services" {
  description = "host ports, by name"
  type = map(object({
    port   = number
    copies = optional(number, 1)
    memory = optional(number, 256)
  }))
  default = {
    catalog = { port = 8083, copies = 2 }
    alerts  = { port = 8084 }
  }
}

variable "zone" {
  type = string
}

locals {
  name   = "shop-${terraform.workspace}"
  tags   = merge({ Name = local.name }, var.zone != "" ? { Zone = var.zone } : {})
  listen = [for name, s in var.services : s.port if s.port > 0]
}

data "aws_ami" "ecs" {
  most_recent = true
  owners      = ["amazon"]
}

resource "aws_ecs_cluster" "shop" {
  name = local.name
}

resource "aws_launch_template" "node" {
  name_prefix            = "${local.name}-"
  image_id               = data.aws_ami.ecs.id
  instance_type          = "t3.micro"
  vpc_security_group_ids = [aws_security_group.node.id]

  user_data = base64encode(<<-EOT
    #!/bin/bash
    echo "ECS_CLUSTER=${aws_ecs_cluster.shop.name}" >> /etc/ecs/ecs.config
    %{~ for name, s in var.services }
    echo "${name} ${s.port}" >> /etc/shop.ports
    %{~ endfor }
  EOT
  )
}

resource "aws_autoscaling_group" "node" {
  desired_capacity = 2
  max_size         = 3
  min_size         = 1

  launch_template {
    id      = aws_launch_template.node.id
    version = "$Latest"
  }
}

resource "aws_security_group" "node" {
  name = "${local.name}-node"

  dynamic "ingress" {
    for_each = toset(local.listen)
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/16"]
    }
  }

  ingress {
    from_port = 443
    to_port   = 443
    protocol  = "tcp"
    self      = true
  }
}

module "service" {
  source   = "./service"
  for_each = var.services

  name    = each.key
  port    = each.value.port
  copies  = each.value.copies
  cluster = aws_ecs_cluster.shop.id
}

resource "aws_eip" "front" {
  instance = aws_instance.front.id
}

resource "aws_instance" "front" {
  ami           = data.aws_ami.ecs.id
  instance_type = "t3.nano"
}

resource "aws_route53_record" "catalog" {
  zone_id = var.zone
  name    = "catalog.example.com"
  type    = "A"
  ttl     = 300
  records = [aws_eip.front.public_ip]
}
"""

SHOP_MODULE = """\
variable "name" {}
variable "port" { type = number }
variable "copies" { default = 1 }
variable "cluster" {}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  network_mode             = "bridge"
  requires_compatibilities = ["EC2"]

  container_definitions = <<JSON
[
  {
    "name": "${var.name}",
    "image": "registry.example.com/${var.name}:1.4",
    "memory": 256,
    "portMappings": [
      { "containerPort": 8080, "hostPort": ${var.port} }
    ],
    "mountPoints": [
      { "sourceVolume": "data", "containerPath": "/data", "readOnly": false }
    ]
  }
]
JSON

  volume {
    name      = "data"
    host_path = "/srv/${var.name}"
  }
}

resource "aws_ecs_service" "this" {
  name            = "shop-${var.name}"
  cluster         = var.cluster
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = var.copies
  launch_type     = "EC2"

  lifecycle {
    ignore_changes = [desired_count]
  }
}
"""
