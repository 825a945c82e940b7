"""botocore, made small: clients of ECS, EC2 and SQS with whatever region and credentials it finds.

botocore and not boto3: the same configuration and credentials, 3 MiB less. Two more things are
replaced that cost memory and are of no use here: the full service models (see api), and the 7 MiB
of `endpoints`, from before endpoints were computed by rules; of it the partitions are still read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from fairlead.aws.api import service_model

_LONG_POLL = 20.0


@dataclass(frozen=True, slots=True)
class Account:
    """Where to find what is empty: as AWS's own tools do."""

    region: str = ""
    profile: str = ""


class Clients:
    """One client a service, made when it is first wanted. To be used from several threads."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._session: Any = None
        self._clients: dict[str, Any] = {}

    def get(self, service: str) -> Any:
        """Blocks. botocore's errors when region, profile or credentials are missing."""
        if self._session is None:
            self._session = _session(self._account)
        if service not in self._clients:
            self._clients[service] = self._session.create_client(service, config=_config(service))
        return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def _session(account: Account) -> Any:
    session = botocore.session.Session(profile=account.profile or None)
    if account.region:
        session.set_config_variable("region", account.region)
    paths = session.get_config_variable("data_path")
    session.register_component("data_loader", _SmallLoader(paths))
    return session


def _config(service: str) -> Config:
    """Tries are counted, spaced and told by the caller: botocore makes none by itself."""
    return Config(
        connect_timeout=5,
        read_timeout=_LONG_POLL + 10 if service == "sqs" else 15,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=2,
        user_agent_extra="fairlead",
    )


class _SmallLoader(Loader):
    def __init__(self, data_path: str | None) -> None:
        super().__init__(extra_search_paths=data_path.split(":") if data_path else [])

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        own = service_model(service_name) if type_name == "service-2" else None
        return own or super().load_service_model(service_name, type_name, api_version)

    def load_data_with_path(self, name: str) -> Any:
        if name != "endpoints":
            return super().load_data_with_path(name)
        partitions, path = super().load_data_with_path("partitions")
        return _endpoints(partitions), path


def _endpoints(partitions: dict[str, Any]) -> dict[str, Any]:
    """The old form of botocore's list of partitions, without each service's exceptions."""
    return {"version": 3, "partitions": [_partition(each) for each in partitions["partitions"]]}


def _partition(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "partition": facts["id"],
        "dnsSuffix": facts["outputs"]["dnsSuffix"],
        "regionRegex": facts["regionRegex"],
        "regions": {region: {} for region in facts["regions"]},
        "services": {},
        "defaults": {
            "hostname": "{service}.{region}.{dnsSuffix}",
            "protocols": ["https"],
            "signatureVersions": ["v4"],
        },
    }
