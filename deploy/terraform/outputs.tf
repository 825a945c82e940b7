output "queue_url" {
  description = "For ecs.queue of the settings; null without events."
  value       = one(aws_sqs_queue.events[*].id)
}

output "task_role_arn" {
  description = "Role that fairlead acts as."
  value       = aws_iam_role.task.arn
}

output "service_name" {
  description = "The daemon service."
  value       = aws_ecs_service.this.name
}
