"""CloudFormation's templates, by their parameters' defaults."""

from fairlead.core.setup import At, Setup
from fairlead.inspect.documents import read_document

TEMPLATE = """AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Env: {Type: String, Default: dev}
  Port: {Type: Number, Default: 8083}
  Image: {Type: String}
  Groups: {Type: CommaDelimitedList, Default: "a,b"}
Mappings:
  Sizes:
    dev: {type: t3.micro}
Conditions:
  Prod: !Equals [!Ref Env, prod]
  Dev: !Not [!Condition Prod]
  Pinned: !Equals [!Ref Image, x]
Resources:
  Cluster: {Type: AWS::ECS::Cluster}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: !Sub "shop-${Env}"
      Memory: "512"
      ContainerDefinitions:
        - Name: web
          Image: !Ref Image
          PortMappings: [{ContainerPort: 8080, HostPort: !Ref Port}]
          MountPoints: [{SourceVolume: efs, ContainerPath: /data}]
      Volumes: [{Name: efs, EFSVolumeConfiguration: {FilesystemId: fs-1}}]
  Service:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref Cluster
      TaskDefinition: !Ref Task
      DesiredCount: !If [Prod, 2, 1]
      DeploymentConfiguration: {MinimumHealthyPercent: !If [Pinned, 100, 0]}
      PlacementConstraints:
        - !If [Dev, !Ref "AWS::NoValue", {Type: distinctInstance}]
      LoadBalancers:
        - {ContainerName: web, ContainerPort: 8080, TargetGroupArn: !Ref Web}
  Web:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      TargetType: instance
      Port: 80
      HealthCheckPath: /health
      TargetGroupAttributes: [{Key: deregistration_delay.timeout_seconds, Value: "15"}]
  OnlyProd:
    Type: AWS::ECS::Service
    Condition: Prod
    Properties: {TaskDefinition: !Ref Task}
  Security:
    Type: AWS::EC2::SecurityGroup
    Properties:
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}]
  Ephemeral:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: !GetAtt Security.GroupId
      IpProtocol: tcp
      FromPort: 32768
      ToPort: 65535
      SourceSecurityGroupId: !ImportValue balancer
  Launch:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        InstanceType: !FindInMap [Sizes, !Ref Env, type]
        SecurityGroupIds: [!Ref Security]
        UserData:
          Fn::Base64: !Sub |
            #!/bin/bash
            echo ECS_CLUSTER=${Cluster} >> /etc/ecs/ecs.config
            aws ecs list-tasks --query 'taskArns[0]'
  Nodes:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 1
      MaxSize: !Select [1, ["2", "3"]]
      LaunchTemplate: {LaunchTemplateId: !Ref Launch, Version: "1"}
  Node:
    Type: AWS::EC2::Instance
    Properties: {InstanceType: !Join ["", [t3., small]], ImageId: !Ref Ami}
  Scaling:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      ResourceId: !Join ["/", [service, !Ref Cluster, !GetAtt Service.Name]]
  Records:
    Type: AWS::Route53::RecordSetGroup
    Properties:
      RecordSets:
        - {Name: a.example.com, Type: A, TTL: 300, ResourceRecords: [!GetAtt Node.PublicIp]}
        - {Name: b.example.com, Type: A, AliasTarget: {DNSName: x}}
"""


def read() -> Setup:
    setup = read_document("infra/stack.yml", TEMPLATE)
    assert setup is not None
    return setup


def line(text: str) -> At:
    return At("infra/stack.yml", TEMPLATE[: TEMPLATE.index(text)].count("\n") + 1)


def test_task_definitions() -> None:
    (task,) = read().tasks
    (box,) = task.containers
    assert (task.family, task.memory.value) == ("shop-dev", 512)
    assert box.ports[0].host.value == 8083
    assert box.ports[0].host.origin == (line("PortMappings"), line("Port: {Type"))
    assert box.image.value is None
    assert "Image" in box.image.unknown
    assert [m.kind for m in box.mounts] == ["shared"]


def test_services() -> None:
    (service,) = read().services  # the one whose condition does not hold is none
    assert service.name == "Service"
    assert service.task == read().tasks[0].key
    assert service.cluster == "infra/stack.yml:Cluster"
    assert service.desired.value == 1
    assert service.minimum_percent.unknown  # the condition depends on what has no default
    assert not service.distinct
    assert service.scaled
    assert service.at == line("  Service:")
    (target,) = service.targets
    assert target.group == read().target_groups[0].key


def test_target_groups() -> None:
    (group,) = read().target_groups
    assert (group.type.value, group.port.value, group.path.value) == ("instance", 80, "/health")
    assert group.drain.value == 15


def test_security_groups_with_rules_that_stand_apart() -> None:
    (group,) = read().groups
    assert [(i.first.value, i.last.value) for i in group.ingress] == [(80, 80), (32768, 65535)]
    assert not group.whole  # whom the second lets in is another stack's to say


def test_nodes() -> None:
    found = {node.key.rpartition(":")[2]: node for node in read().nodes}
    group = found["Nodes"]
    assert (group.instance_type.value, group.desired.value, group.maximum.value) == (
        "t3.micro",
        1,
        3,
    )
    assert group.cluster == "infra/stack.yml:Cluster"
    assert group.security_groups == (read().groups[0].key,)
    assert found["Node"].instance_type.value == "t3.small"


def test_records_of_a_group() -> None:
    first, second = read().records
    assert first.nodes == ("infra/stack.yml:Node",)
    assert (first.ttl.value, first.alias, second.alias) == (300, False, True)


def test_scripts_within_are_read_where_they_stand() -> None:
    assert [call.at for call in read().calls] == [line("            aws ecs")]


def test_the_same_in_json() -> None:
    setup = read_document(
        "t.json",
        '{"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {\n'
        '"ContainerDefinitions": [{"Name": "a", "PortMappings": [{"ContainerPort": 80,\n'
        '"HostPort": {"Fn::If": ["X", 80, 80]}}]}]}}}}',
    )
    assert setup is not None
    (port,) = setup.tasks[0].containers[0].ports
    assert (port.host.value, port.host.origin) == (80, (At("t.json", 3),))


def test_a_condition_that_refers_to_itself_holds_nowhere() -> None:
    setup = read_document(
        "t.yml",
        "Conditions: {A: !Not [!Condition B], B: !Condition A}\nResources:\n  S:\n"
        "    Type: AWS::ECS::Service\n    Properties: {DesiredCount: !If [A, 1, 2]}\n",
    )
    assert setup is not None
    assert setup.services[0].desired.unknown


def test_a_cluster_that_cfn_init_joins() -> None:
    setup = read_document(
        "t.yml",
        "Resources:\n  C: {Type: AWS::ECS::Cluster}\n  L:\n"
        "    Type: AWS::AutoScaling::LaunchConfiguration\n"
        "    Properties: {UserData: {Fn::Base64: !Sub '#!/bin/sh ${AWS::Region}'}}\n"
        "    Metadata:\n      AWS::CloudFormation::Init:\n        config: {commands: {a: {command:"
        " !Sub 'echo ECS_CLUSTER=${C} >> /etc/ecs/ecs.config'}}}\n"
        "  G: {Type: AWS::AutoScaling::AutoScalingGroup,"
        " Properties: {LaunchConfigurationName: !Ref L}}\n",
    )
    assert setup is not None
    assert [node.cluster for node in setup.nodes] == ["t.yml:C"]
