"""HCL, the language of Terraform: syntax, evaluation, functions, modules.

Specification: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""
