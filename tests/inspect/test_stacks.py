"""CloudFormation's nested stacks, each a file of the tree."""

from pathlib import Path

from fairlead.core.setup import Setup
from fairlead.inspect.read import read

OUTER = """Parameters:
  Bucket: {Type: String}
Resources:
  Network:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.amazonaws.com/templates/shop/parts/network.yml
  Nodes:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: !Sub "https://${Bucket}.s3.amazonaws.com/parts/nodes.yml"
      Parameters: {Size: 2, Group: !GetAtt Network.Outputs.Hosts}
  Web:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./parts/service.yml
      Parameters: {Cluster: !GetAtt [Nodes, Outputs.Cluster], Copies: 2}
  Gone:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: ./parts/gone.yml, Parameters: {Web: !GetAtt Web.Outputs.None}}
"""
NETWORK = """Resources:
  Hosts:
    Type: AWS::EC2::SecurityGroup
    Properties:
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}]
Outputs: {Hosts: {Value: !Ref Hosts}}
"""
NODES = """Parameters:
  Size: {Type: Number, Default: 7}
  Group: {Type: AWS::EC2::SecurityGroup::Id}
Resources:
  Shop: {Type: AWS::ECS::Cluster}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties: {MaxSize: !Ref Size, LaunchConfigurationName: !Ref Template}
  Template:
    Type: AWS::AutoScaling::LaunchConfiguration
    Properties:
      InstanceType: t3.micro
      SecurityGroups: [!Ref Group]
      UserData:
        Fn::Base64: !Sub |
          #!/bin/bash
          echo ECS_CLUSTER=${Shop} >> /etc/ecs/ecs.config
          aws ec2 describe-tags
Outputs: {Cluster: {Value: !Ref Shop}}
"""
WEB = """Parameters:
  Cluster: {Type: String}
  Copies: {Type: Number}
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {ContainerDefinitions: [{Name: web, Image: web}]}
  Service:
    Type: AWS::ECS::Service
    Properties: {Cluster: !Ref Cluster, TaskDefinition: !Ref Task, DesiredCount: !Ref Copies}
"""


def nested(folder: Path) -> Setup:
    (folder / "parts").mkdir()
    (folder / "shop.yml").write_text(OUTER)
    for name, text in (("network", NETWORK), ("nodes", NODES), ("service", WEB)):
        (folder / "parts" / f"{name}.yml").write_text(text)
    return read([folder])


def test_nested_stacks_are_read_with_what_they_are_given(tmp_path: Path) -> None:
    setup = nested(tmp_path)
    (service,), (group,) = setup.services, setup.nodes
    assert (service.name, service.desired.value) == ("Web-Service", 2)
    assert service.cluster == group.cluster != ""
    assert group.maximum.value == 2
    assert group.whole
    assert group.security_groups == (setup.groups[0].key,)
    assert service.at.file == str(tmp_path / "parts/service.yml")
    assert [at.file for at in service.desired.origin] == [
        str(tmp_path / "parts/service.yml"),
        str(tmp_path / "shop.yml"),
    ]


def test_scripts_within_nested_stacks_are_read_once(tmp_path: Path) -> None:
    (call,) = nested(tmp_path).calls
    assert (call.operation, call.at.line) == ("describe-tags", 18)


def test_stacks_that_call_one_another_end(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        call = f"{{TemplateURL: {other}.yml, Parameters: {{P: !GetAtt Next.Outputs.O}}}}"
        text = f"  Next: {{Type: AWS::CloudFormation::Stack, Properties: {call}}}\n"
        (tmp_path / f"{one}.yml").write_text(
            f"Resources:\n  Shop: {{Type: AWS::ECS::Service}}\n{text}"
        )
    assert all(service.name.endswith("Shop") for service in read([tmp_path]).services)


def test_siblings_that_wait_for_one_another_end(tmp_path: Path) -> None:
    stacks = "".join(
        f"  S{n}:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n"
        f"      TemplateURL: one.yml\n      Parameters: {{P: !GetAtt S{(n + 1) % 90}.Outputs.O}}\n"
        for n in range(90)
    )
    (tmp_path / "all.yml").write_text(f"Resources:\n{stacks}")
    (tmp_path / "one.yml").write_text(
        "Parameters: {P: {Type: String}}\nResources:\n  Shop: {Type: AWS::ECS::Service}\n"
        "Outputs: {O: {Value: !Ref P}}\n"
    )
    assert len(read([tmp_path]).services) == 90
