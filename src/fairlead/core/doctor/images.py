"""What a container is by the name of its image: an application, or something that is run once."""

from __future__ import annotations

import re

from fairlead.core.setup import Container


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STATEFUL = _names(
    """
    postgres postgresql psql postgis pgvector timescaledb mysql mariadb percona mongo mongodb redis
    valkey keydb memcached cassandra scylla elasticsearch opensearch solr kafka zookeeper
    rabbitmq nats activemq artemis influxdb clickhouse cockroach cockroachdb neo4j couchdb minio
    etcd consul vault dynamodb localstack mssql sqlserver oracle db2 pulsar redpanda qdrant
    weaviate milvus chroma meilisearch typesense db database elasticmq mosquitto sftp registry
    """
)
_DATABASES = _names(
    """
    postgres postgresql postgis pgvector timescaledb mysql mariadb percona mongo mongodb cassandra
    scylla elasticsearch opensearch solr influxdb clickhouse cockroach neo4j couchdb mssql
    """
)
_TOOLS = _names(
    """
    adminer pgadmin pgadmin4 phpmyadmin mailhog mailpit mailcatcher maildev prometheus grafana
    loki promtail jaeger zipkin kibana logstash fluentd fluentbit fluent cadvisor exporter
    datadog newrelic statsd collector otel alertmanager portainer watchtower certbot commander
    mongo-express xray cloudwatch jenkins sonarqube selenium chrome keycloak schema kafdrop akhq
    tempo flower kowl dozzle ngrok cloudflared swagger debug migrate migration migrations
    migrator seed backup cron amazon-ecs-agent ecs-agent vector filebeat metricbeat telegraf
    """
)
_AGENTS = _names(
    """
    newrelic datadog grafana prom prometheus cadvisor promtail fluentbit fluentd fluent telegraf
    filebeat metricbeat elastic sysdig dynatrace xray cloudwatch otel watchtower
    """
)
_PROXIES = _names(
    """
    nginx openresty haproxy traefik envoy caddy proxy ingress lb loadbalancer httpd apache
    varnish swag gateway edge kong apisix router
    """
)


def _words(container: Container) -> frozenset[str]:
    """Of the image's last part without its tag; of the container's name where that is unknown."""
    name = (container.image.value or "").rpartition("/")[2].partition("@")[0].partition(":")[0]
    name = name.lower() if re.search(r"[a-z]", name.lower()) else container.name.lower()
    return frozenset([name, *re.split(r"[^a-z0-9]+", name)])


def keeps_data(container: Container) -> bool:
    """A database, a queue or the like: it is not scaled by copies."""
    return bool(_words(container) & _STATEFUL)


def is_database(container: Container) -> bool:
    """Of those, one whose data cannot be made again as a cache's can."""
    return bool(_words(container) & _DATABASES)


def is_tool(container: Container) -> bool:
    """For those who run the set-up, not for those who use it: by its image, who publishes that, or
    the container's name."""
    publisher = (container.image.value or "").lower().split("/")[-2:-1]
    own = re.split(r"[^a-z0-9]+", container.name.lower())
    return bool(_words(container) & _TOOLS or {*publisher, *own} & _AGENTS)


def is_aside(*names: str) -> bool:
    """A path or a name that leads to a database's console or a tool."""
    words = {word for name in names for word in re.split(r"[^a-z0-9]+", name.lower())}
    return bool(words & (_STATEFUL | _TOOLS))


def is_proxy(container: Container) -> bool:
    own = frozenset(re.split(r"[^a-z0-9]+", container.name.lower()))
    return bool((_words(container) | own) & _PROXIES)
