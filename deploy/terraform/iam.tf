data "aws_partition" "current" {}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

# The same as: fairlead export iam-policy --with scaling --with metrics --with events --cluster-arn ARN
locals {
  nodes    = "${replace(data.aws_ecs_cluster.this.arn, ":cluster/", ":container-instance/")}/*"
  services = "${replace(data.aws_ecs_cluster.this.arn, ":cluster/", ":service/")}/*"
  tasks    = "${replace(data.aws_ecs_cluster.this.arn, ":cluster/", ":task/")}/*"
}

data "aws_iam_policy_document" "read" {
  # These know no resource and no condition.
  statement {
    resources = ["*"]
    actions   = ["ec2:DescribeInstances", "ecs:DescribeTaskDefinition"]
  }

  statement {
    resources = [data.aws_ecs_cluster.this.arn]
    actions   = ["ecs:ListContainerInstances"]
  }

  statement {
    resources = ["*"]
    actions   = ["ecs:ListServices", "ecs:ListTasks"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [data.aws_ecs_cluster.this.arn]
    }
  }

  statement {
    resources = [local.nodes]
    actions   = ["ecs:DescribeContainerInstances"]
  }

  statement {
    resources = [local.services]
    actions   = ["ecs:DescribeServices"]
  }

  statement {
    resources = [local.tasks]
    actions   = ["ecs:DescribeTasks"]
  }
}

resource "aws_iam_role_policy" "read" {
  name   = "${var.name}-read"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.read.json
}

data "aws_iam_policy_document" "scaling" {
  statement {
    resources = [local.services]
    actions   = ["ecs:TagResource", "ecs:UntagResource", "ecs:UpdateService"]
  }

  statement {
    resources = [local.tasks]

    actions = [
      "ecs:GetTaskProtection",
      "ecs:StopTask",
      "ecs:TagResource",
      "ecs:UntagResource",
      "ecs:UpdateTaskProtection",
    ]
  }
}

resource "aws_iam_role_policy" "scaling" {
  count = var.scaling ? 1 : 0

  name   = "${var.name}-scaling"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.scaling.json
}

# What services are scaled by may be in any queue, and GetMetricData knows no resource.
data "aws_iam_policy_document" "metrics" {
  statement {
    resources = ["*"]
    actions   = ["cloudwatch:GetMetricData", "sqs:GetQueueAttributes"]
  }
}

resource "aws_iam_role_policy" "metrics" {
  count = var.metrics ? 1 : 0

  name   = "${var.name}-metrics"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.metrics.json
}

data "aws_iam_policy_document" "events" {
  count = var.events ? 1 : 0

  statement {
    resources = [aws_sqs_queue.events[0].arn]
    actions   = ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
  }
}

resource "aws_iam_role_policy" "events" {
  count = var.events ? 1 : 0

  name   = "${var.name}-events"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.events[0].json
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "hook_token" {
  count = var.hook_token == null ? 0 : 1

  statement {
    resources = [var.hook_token]
    actions   = ["secretsmanager:GetSecretValue", "ssm:GetParameters"]
  }
}

resource "aws_iam_role_policy" "hook_token" {
  count = var.hook_token == null ? 0 : 1

  name   = "${var.name}-hook-token"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.hook_token[0].json
}
