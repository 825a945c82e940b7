resource "aws_security_group_rule" "ephemeral" {
  description              = "nginx of one node to the tasks of another, on their dynamic ports"
  type                     = "ingress"
  protocol                 = "tcp"
  from_port                = var.ephemeral_ports[0]
  to_port                  = var.ephemeral_ports[1]
  security_group_id        = var.nodes_security_group_id
  source_security_group_id = var.nodes_security_group_id
}
