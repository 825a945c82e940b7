#!/usr/bin/env bash
# Points a service's name at the node that runs it.
set -euo pipefail
service=$1 zone=$2

task=$(aws ecs list-tasks --cluster shop-ecs --service-name "shop-$service" \
  --query 'taskArns[0]' --output text)
node=$(aws ecs describe-tasks --cluster shop-ecs --tasks "$task" \
  --query 'tasks[0].containerInstanceArn' --output text)
instance=$(aws ecs describe-container-instances --cluster shop-ecs --container-instances "$node" \
  --query 'containerInstances[0].ec2InstanceId' --output text)
address=$(aws ec2 describe-instances --instance-ids "$instance" \
  --query 'Reservations[0].Instances[0].PublicIpAddress' --output text)

aws route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch '{
  "Changes": [{
    "Action": "UPSERT",
    "ResourceRecordSet": {
      "Name": "'"$service"'.example.com",
      "Type": "A",
      "TTL": 300,
      "ResourceRecords": [{"Value": "'"$address"'"}]
    }
  }]
}'
