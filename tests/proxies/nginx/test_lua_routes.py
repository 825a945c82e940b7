"""Host and path lead to the right service, at real nginx."""

from __future__ import annotations

import pytest

from tests.proxies.nginx.front import TOKEN, Nginx, Start, doc, entry, route

pytestmark = pytest.mark.integration


async def place(nginx: Nginx, upstream: Start, *routes: dict[str, object]) -> None:
    """One service a route, named after it, with one endpoint that answers the service's name."""
    for slot, each in enumerate(routes):
        server = await upstream(f"s{slot}")
        await nginx.put(doc(f"s{slot}", [entry(f"s{slot}-1", server.port, slot)], each))


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("shop.localhost", "/", "s0"),
        ("SHOP.localhost:8080", "/x", "s0"),
        ("shop.localhost", "/api", "s1"),
        ("shop.localhost", "/api/", "s1"),
        ("shop.localhost", "/apis", "s0"),
        ("shop.localhost", "/api/catalog/1?q=/", "s2"),
        ("shop.localhost", "/x/../api/catalog", "s2"),
        ("shop.localhost", "//api//catalog", "s2"),
        ("shop.localhost", "/%61pi/catalog", "s2"),
        ("a.example.com", "/", "s3"),
        ("b.example.com", "/deep", "s3"),
        ("b.a.example.com", "/", "s4"),
        ("elsewhere", "/", "s4"),
        ("elsewhere", "/api", "s5"),
        ("a.example.com", "/api", "s3"),
    ],
)
async def test_longest_path_of_the_closest_host(
    nginx: Nginx, upstream: Start, host: str, path: str, expected: str
) -> None:
    await place(
        nginx,
        upstream,
        route("shop.localhost"),
        route("shop.localhost", "/api"),
        route("shop.localhost", "/api/catalog"),
        route("*.example.com"),
        route("*"),
        route("*", "/api"),
    )
    answer = await nginx.get(path, headers={"Host": host})
    assert (answer.status, answer.text) == (200, expected)


async def test_no_route_is_404_without_the_request_in_it(nginx: Nginx, upstream: Start) -> None:
    await place(nginx, upstream, route("shop.localhost", "/api"))
    for host, path in (("shop.localhost", "/<b>"), ("other<b>", "/api"), ("x", "/")):
        answer = await nginx.get(path, headers={"Host": host})
        assert answer.status in (400, 404)
        assert "<b>" not in answer.text
    assert (await nginx.get("/")).text == "no service answers here\n"


async def test_a_service_that_leaves_takes_its_routes(nginx: Nginx, upstream: Start) -> None:
    await place(nginx, upstream, route("shop.localhost"), route("shop.localhost", "/api"))
    assert (await nginx.get("/api")).text == "s1"
    await nginx.control("DELETE", "/services/s1")
    assert (await nginx.get("/api")).text == "s0"
    await nginx.control("DELETE", "/services/s0")
    assert (await nginx.get("/api")).status == 404


async def test_routes_follow_the_table(nginx: Nginx, upstream: Start) -> None:
    server = await upstream()
    entries = [entry("a-1", server.port, 0)]
    await nginx.put(doc("a", entries, route("one")))
    await nginx.put(doc("a", entries, route("two")))
    assert (await nginx.get(headers={"Host": "one"})).status == 404
    assert (await nginx.get(headers={"Host": "two"})).status == 200


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/api", "/"),
        ("/api/", "/"),
        ("/api/items/1?a=b&c=%20", "/items/1?a=b&c=%20"),
        ("/api/a%20b/%25", "/a%20b/%25"),
        ("/api/%3Fq", "/%3Fq"),
    ],
)
async def test_strip_takes_the_prefix_away(
    nginx: Nginx, upstream: Start, sent: str, seen: str
) -> None:
    server = await upstream()
    await nginx.put(
        doc("a", [entry("a-1", server.port, 0)], route("shop.localhost", "/api", strip=True))
    )
    await nginx.get(sent)
    assert server.requests[0].target == seen


async def test_what_the_endpoint_sees(nginx: Nginx, upstream: Start) -> None:
    server = await upstream()
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    await nginx.get(
        "/x?y=%2F", headers={"Host": "shop.localhost:81", "X-Forwarded-For": "10.9.9.9"}
    )
    seen = server.requests[0]
    assert seen.target == "/x?y=%2F"
    assert seen.headers["host"] == seen.headers["x-forwarded-host"] == "shop.localhost:81"
    assert seen.headers["x-forwarded-for"] == "10.9.9.9, 127.0.0.1"
    assert seen.headers["x-real-ip"] == "127.0.0.1"
    assert seen.headers["x-forwarded-proto"] == "http"
    assert "upgrade" not in seen.headers


async def test_headers_that_only_nginx_may_set_are_not_taken_from_a_client(
    nginx: Nginx, upstream: Start
) -> None:
    server = await upstream()
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    forged = {
        "X-Real-IP": "10.9.9.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example.com",
    }
    for method in ("GET", "POST"):
        await nginx.get("/", method=method, headers=forged)
    for seen in server.requests:
        forwarded = [pair for pair in seen.all_headers if pair[0] in map(str.lower, forged)]
        assert forwarded == [
            ("x-real-ip", "127.0.0.1"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "shop.localhost"),
        ]


async def test_the_endpoint_is_told_only_to_who_knows_the_token(
    nginx: Nginx, upstream: Start
) -> None:
    server = await upstream()
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    told = await nginx.get(headers={"Upgrade": f"fairlead-trace/{TOKEN}"})
    assert told.headers["x-fairlead-endpoint"] == f"127.0.0.1:{server.port}"
    assert "upgrade" not in server.requests[0].headers
    for word in ("", TOKEN, "fairlead-trace/", "fairlead-trace/guess"):
        answer = await nginx.get(headers={"Upgrade": word})
        assert "x-fairlead-endpoint" not in answer.headers
