"""AWS's price lists on a real socket, as small as can be, in the form of the bulk API's CSV."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

HEAD = (
    '"FormatVersion","v1.0"\n"Disclaimer","For tests, as it is."\n'
    '"Publication Date","2026-10-01T00:00:00Z"\n"Version","20261001000000"\n"OfferCode","{offer}"\n'
)
COLUMNS = (
    "SKU,OfferTermCode,TermType,PriceDescription,StartingRange,EndingRange,Unit,PricePerUnit,"
    "Currency,Product Family,usageType,operation"
)


def row(usage: str, usd: str, operation: str = "", start: str = "0", term: str = "OnDemand") -> str:
    cells = ["S", "T", term, "so, with a comma", start, "Inf", "Hrs", usd, "USD", "F", usage]
    return ",".join(f'"{cell}"' for cell in (*cells, operation))


def csv_list(offer: str, rows: list[str]) -> bytes:
    header = ",".join(f'"{name}"' for name in COLUMNS.split(","))
    return (HEAD.format(offer=offer) + "\n".join([header, *rows]) + "\n").encode()


WHOLE = {
    "AmazonECS": [
        row("EU-Fargate-vCPU-Hours:perCPU", "0.0405000000"),
        row("EU-SpotUsage-Fargate-vCPU-Hours:perCPU", "0.0100000000"),
        row("EU-Fargate-GB-Hours", "0.0044500000"),
        row("EU-Fargate-ARM-vCPU-Hours:perCPU", "0.0324"),
        row("EU-Fargate-ARM-GB-Hours", "0.00356"),
    ],
    "AWSELB": [
        row("EU-LoadBalancerUsage", "0.0260", "LoadBalancing:Application"),
        row("EU-LoadBalancerUsage", "0.0280", "LoadBalancing"),
        row("EU-TS-LoadBalancerUsage", "0.0056", "LoadBalancing:Application"),
        row("TS-LoadBalancerUsage", "0.0057", "LoadBalancing:Application"),
        row("EU-LCUUsage", "0.0080", "LoadBalancing:Application"),
        row("EU-LCUUsage", "0.0060", "LoadBalancing:Network"),
    ],
    "AmazonVPC": [row("EU-PublicIPv4:InUseAddress", "0.005")],
    "AmazonCloudWatch": [row("EU-DataProcessing-Bytes", "0.57", "PutLogEvents")],
    "AmazonDynamoDB": [
        row("EU-WriteRequestUnits", "0.0000007050", "PayPerRequestThroughput"),
    ],
    "AWSDataTransfer": [
        row("EU-DataTransfer-Out-Bytes", "0.0000000000", start="0"),
        row("EU-DataTransfer-Out-Bytes", "0.0850000000", start="10240"),
        row("EU-DataTransfer-Out-Bytes", "0.0900000000", start="1"),
    ],
    "AmazonEC2": [
        row("EU-BoxUsage:t3.micro", "0.0114", "RunInstances"),
        row("EU-BoxUsage:t3.micro", "0.0206", "RunInstances:0002"),
        row("EU-BoxUsage:t3.micro", "0.0070", "RunInstances", term="Reserved"),
        row("EU-NatGateway-Hours", "0.048", "NatGateway"),
        row("EU-NatGateway-Bytes", "0.048", "NatGateway"),
        row("EU-EBS:VolumeUsage.gp3", "0.088"),
    ],
}


class PriceLists:
    """Serves `bodies` by offer; keeps the paths that were asked for."""

    def __init__(self) -> None:
        self.bodies = {offer: csv_list(offer, rows) for offer, rows in WHOLE.items()}
        self.status = 200
        self.paths: list[str] = []
        self.cut = False

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        self.paths.append(path)
        body = self.bodies.get(path.split("/")[4], b"")
        size = len(body) + (100 if self.cut else 0)
        writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: {size}\r\n\r\n".encode() + body)
        try:
            await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(lists: PriceLists) -> AsyncIterator[str]:
    server = await asyncio.start_server(lists.answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
