terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "cluster" {
  description = "The ECS cluster's name."
  type        = string
}

variable "node_security_group_id" {
  description = "The security group of the cluster's instances."
  type        = string
}

variable "execution_role_arn" {
  description = "The role with which the agent pulls images and reads secrets; null where none is needed."
  type        = string
  default     = null
}

variable "services" {
  description = "What runs: memory in MiB, cpu in 1/1024 of a core, times in seconds."

  type = map(object({
    image        = string
    port         = number
    memory       = number
    cpu          = optional(number, 0)
    count        = optional(number, 1)
    host_ports   = optional(list(number), [])
    routes       = optional(list(object({ host = string, path = string, priority = number })), [])
    health       = optional(string, "")
    stop_timeout = optional(number, 30)
    environment  = optional(map(string), {})
    command      = optional(list(string))
    labels       = optional(map(string), {})
  }))
}

data "aws_ecs_cluster" "this" {
  cluster_name = var.cluster
}
