variable "cluster" {
  description = "Name of the existing ECS cluster (EC2 launch type)."
  type        = string
}

variable "image" {
  description = "The fairlead image, built from deploy/Dockerfile and pushed to a registry that the nodes can pull from."
  type        = string
}

variable "settings" {
  description = "The text of fairlead.yaml, with platform: ecs."
  type        = string
}

variable "nodes_security_group_id" {
  description = "Security group of the container instances: it is to let itself in on the ephemeral range, so that nginx on one node reaches tasks on another."
  type        = string
}

variable "name" {
  description = "Name of what this module makes."
  type        = string
  default     = "fairlead"
}

variable "memory" {
  description = "Memory of the task in MiB: fairlead and nginx together."
  type        = number
  default     = 128
}

variable "cpu" {
  description = "CPU units kept for the task; it may use what is idle beyond them."
  type        = number
  default     = 64
}

variable "scaling" {
  description = "Whether fairlead may change desired counts, protect tasks and stop them. Without it, it only reads."
  type        = bool
  default     = true
}

variable "metrics" {
  description = "Whether fairlead may read metrics of CloudWatch and depths of SQS queues: for services that are scaled by cpu, memory, cloudwatch or sqs."
  type        = bool
  default     = false
}

variable "events" {
  description = "Whether to make a queue of task state change events: what stops is withdrawn within a second instead of at the next poll. A message goes to one reader only, so this is for a cluster of one node. Put its URL (output queue_url) into ecs.queue of the settings."
  type        = bool
  default     = false
}

variable "hook_token" {
  description = "ARN of the SSM parameter or Secrets Manager secret with the token of the sidecars (fairlead hook), of 16 characters at least. It becomes the file hook-token: say hooks = { listen = …, token_file = \"hook-token\" } in the settings. Null without sidecars."
  type        = string
  default     = null
}

variable "ephemeral_ports" {
  description = "First and last dynamic host port: net.ipv4.ip_local_port_range of the nodes."
  type        = tuple([number, number])
  default     = [32768, 60999]
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps what fairlead says."
  type        = number
  default     = 14
}

variable "tags" {
  description = "Tags of everything that is made."
  type        = map(string)
  default     = {}
}
