resource "aws_sqs_queue" "events" {
  count = var.events ? 1 : 0

  name                      = "${var.name}-events"
  message_retention_seconds = 300
  tags                      = var.tags
}

resource "aws_cloudwatch_event_rule" "events" {
  count = var.events ? 1 : 0

  name = "${var.name}-events"
  tags = var.tags

  event_pattern = jsonencode({
    source = ["aws.ecs"]
    "detail-type" = [
      "ECS Task State Change",
      "ECS Container Instance State Change",
      "ECS Service Action",
    ]
    detail = { clusterArn = [data.aws_ecs_cluster.this.arn] }
  })
}

resource "aws_cloudwatch_event_target" "events" {
  count = var.events ? 1 : 0

  rule = aws_cloudwatch_event_rule.events[0].name
  arn  = aws_sqs_queue.events[0].arn
}

data "aws_iam_policy_document" "queue" {
  count = var.events ? 1 : 0

  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.events[0].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.events[0].arn]
    }
  }
}

resource "aws_sqs_queue_policy" "events" {
  count = var.events ? 1 : 0

  queue_url = aws_sqs_queue.events[0].id
  policy    = data.aws_iam_policy_document.queue[0].json
}
