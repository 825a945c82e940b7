#!/usr/bin/env bash
# Points a service's name at every node that runs a copy of it (fairlead dns does it by itself).
set -euo pipefail
service=$1 zone=$2

tasks=$(aws ecs list-tasks --cluster shop-ecs --service-name "shop-$service" \
  --query 'taskArns[]' --output text)
# shellcheck disable=SC2086 # one word each
nodes=$(aws ecs describe-tasks --cluster shop-ecs --tasks $tasks \
  --query 'tasks[].containerInstanceArn' --output text)
# shellcheck disable=SC2086
instances=$(aws ecs describe-container-instances --cluster shop-ecs --container-instances $nodes \
  --query 'containerInstances[].ec2InstanceId' --output text)
# shellcheck disable=SC2086
addresses=$(aws ec2 describe-instances --instance-ids $instances \
  --query 'Reservations[].Instances[].PublicIpAddress' --output json)
records=$(jq -c 'unique | map({Value: .})' <<<"$addresses")

aws route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch '{
  "Changes": [{
    "Action": "UPSERT",
    "ResourceRecordSet": {
      "Name": "'"$service"'.example.com",
      "Type": "A",
      "TTL": 60,
      "ResourceRecords": '"$records"'
    }
  }]
}'
