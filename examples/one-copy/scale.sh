#!/usr/bin/env bash
# scale.sh SERVICE COUNT
set -euo pipefail
aws ecs update-service --cluster shop-ecs --service "shop-$1" --desired-count "$2"
