data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "task" {
  statement {
    sid       = "Read"
    resources = ["*"]

    actions = [
      "ecs:DescribeContainerInstances",
      "ecs:DescribeServices",
      "ecs:DescribeTaskDefinition",
      "ecs:DescribeTasks",
      "ecs:ListContainerInstances",
      "ecs:ListServices",
      "ecs:ListTasks",
      "ec2:DescribeInstances",
    ]
  }

  dynamic "statement" {
    for_each = var.scaling ? [1] : []

    content {
      sid       = "Scale"
      resources = ["*"]

      actions = [
        "ecs:StopTask",
        "ecs:TagResource",
        "ecs:UntagResource",
        "ecs:UpdateService",
        "ecs:UpdateTaskProtection",
      ]

      condition {
        test     = "ArnEquals"
        variable = "ecs:cluster"
        values   = [data.aws_ecs_cluster.this.arn]
      }
    }
  }

  dynamic "statement" {
    for_each = aws_sqs_queue.events

    content {
      sid       = "Events"
      resources = [statement.value.arn]
      actions   = ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
    }
  }
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

resource "aws_iam_role_policy" "task" {
  name   = var.name
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}
