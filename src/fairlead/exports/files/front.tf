# Clients reach each node's nginx.

resource "aws_vpc_security_group_ingress_rule" "front" {
  security_group_id = var.node_security_group_id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Clients, for nginx"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}
