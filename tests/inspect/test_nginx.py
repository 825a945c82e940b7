"""nginx configurations, whole, in parts, and as templates."""

from tempfile import NamedTemporaryFile
from typing import Any

import crossplane
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.setup import At, ProxyTarget, Setup
from fairlead.inspect.nginx import is_nginx, read_confs, read_nginx
from fairlead.inspect.nginx_syntax import Directive, parse

SITE = """# a site
server {
    listen 80 default_server;
    listen [::]:8443 ssl;
    server_name catalog.example.com "www.example.com" _;

    location / {
        proxy_pass http://localhost:8083;
    }
}
"""


def one(conf: str) -> ProxyTarget:
    (target,) = read_nginx("a.conf", conf).proxies
    return target


def within(location: str, around: str = "") -> Setup:
    """Of a server with this in a location, and around itself."""
    return read_nginx("a.conf", f"{around} server {{ location / {{ {location} }} }}")


def test_a_site() -> None:
    target = read_nginx("sites/a.conf", SITE, 100).proxies[0]
    assert target == ProxyTarget(
        ("catalog.example.com", "www.example.com"),
        ("localhost:8083",),
        listen=(80, 8443),
        at=At("sites/a.conf", 107),
    )


@pytest.mark.parametrize(
    ("written", "servers"),
    [
        ("proxy_pass http://web;", ("web:80",)),
        ("proxy_pass https://web:8443/x/;", ("web:8443",)),
        ("proxy_pass http://[::1]:81;", ("[::1]:81",)),
        ("proxy_pass http://unix:/run/app.sock;", ("unix:/run/app.sock",)),
        ('proxy_pass "http://web:1$request_uri";', ("web:1",)),
        ("fastcgi_pass php:9000;", ("php:9000",)),
        ("uwsgi_pass unix:///run/u.sock;", ("unix:///run/u.sock",)),
        ("grpc_pass grpc://api:50051;", ("api:50051",)),
        ("if ($x) { proxy_pass http://web:1; }", ("web:1",)),
        ("proxy_pass http://localhost:${PORT};", ("localhost:${PORT}",)),
        ("proxy_pass http://localhost:${PORTS[$s]};", ("localhost:${PORTS[$s]}",)),
        ("proxy_pass http://[::1];", ("[::1]:80",)),
    ],
)
def test_where_requests_go(written: str, servers: tuple[str, ...]) -> None:
    setup = within(written)
    assert [target.servers for target in setup.proxies] == [servers]
    assert setup.unknown == ()


@pytest.mark.parametrize(
    "written",
    [
        "proxy_pass http://$backend:80;",  # nobody sets it
        "proxy_pass http://${HOST}:80;",  # a template's
        "proxy_pass {{ target }};",
        "proxy_pass <TARGET>;",
        "set $b web; set $b api; proxy_pass http://$b;",  # one of two
    ],
)
def test_what_is_decided_elsewhere_is_unknown(written: str) -> None:
    setup = within(written)
    assert setup.proxies == ()
    assert [unknown.at for unknown in setup.unknown] == [At("a.conf", 1)]


@pytest.mark.parametrize("written", ["return 301 https://$host$request_uri;", "root /srv;", ""])
def test_sites_without_a_proxy_have_no_target(written: str) -> None:
    assert within(written) == Setup()


def test_upstreams() -> None:
    target = one(
        "upstream web { least_conn; server localhost:8083 weight=2; server localhost:8086;"
        " server old:1 down; server 10.0.0.9 backup; }"
        "server { location /api { proxy_pass http://web/; } }"
    )
    assert target.servers == ("localhost:8083", "localhost:8086", "10.0.0.9:80")
    assert (target.upstream, target.location, target.listen) == ("web", "/api", (80,))


@pytest.mark.parametrize(
    "inner",
    [
        "{% for s in servers %} server {{ s }}; {% endfor %}",
        "%{ for s in servers } server ${s}; %{ endfor }",
        "include /run/upstreams/*.conf;",
        "server ${HOST}:80;",
        "server 0.0.0.1; balancer_by_lua_block { local x = {} }",
        "",
    ],
)
def test_upstreams_whose_servers_are_made_elsewhere_are_unknown(inner: str) -> None:
    setup = within("proxy_pass http://web;", f"upstream web {{ {inner} }}")
    assert setup.proxies == ()
    assert len(setup.unknown) == 1


def test_names_that_are_looked_up_again() -> None:
    looked_up = "set $u http://web:8000; proxy_pass $u;"
    assert within(looked_up, "resolver 127.0.0.11;").proxies[0].resolved
    assert within(looked_up, "resolver 127.0.0.11;").proxies[0].servers == ("web:8000",)
    assert not within(looked_up).proxies[0].resolved
    assert not within("proxy_pass http://web:8000;", "resolver 127.0.0.11;").proxies[0].resolved
    assert not within("proxy_pass http://localhost:${P};", "resolver 1.1.1.1;").proxies[0].resolved
    upstream = "upstream web { zone web 64k; server web:8000 resolve; }"
    assert within("proxy_pass http://web;", upstream).proxies[0].resolved


def test_lua_is_passed_over() -> None:
    target = one(
        "server { location / { access_by_lua_block { if x then y = {'}'} end }\n"
        "proxy_pass http://web:1; } }"
    )
    assert target.at == At("a.conf", 2)


def test_streams() -> None:
    target = one("stream { server { listen 3306; proxy_pass db:3306; } }")
    assert (target.servers, target.listen) == (("db:3306",), (3306,))


def test_includes_among_the_files_at_hand() -> None:
    setup = read_confs(
        {
            "n/nginx.conf": "http { include /etc/nginx/mime.types; include conf.d/*.conf; }",
            "n/conf.d/a.conf": "server { listen 81; include parts/proxy.inc; }",
            "n/conf.d/b.conf": "upstream web { server web:1; server web:2; }",
            "n/parts/proxy.inc": "location / { proxy_pass http://web; }",
        }
    )
    (target,) = setup.proxies
    assert target.servers == ("web:1", "web:2")
    assert target.listen == (81,)
    assert target.at == At("n/parts/proxy.inc", 1)


def test_files_that_include_one_another_end() -> None:
    assert read_confs({"a": "include b;", "b": "include a;"}).proxies == ()
    assert read_confs({"a": "include a; proxy_pass http://w;"}).proxies


def test_an_upstream_of_another_file_is_meant_where_there_is_only_one_of_its_name() -> None:
    site = "server { location / { proxy_pass http://web; } }"
    first, second = "upstream web { server a:1; }", "upstream web { server b:2; }"
    assert read_confs({"x/s": site, "y/u": first}).proxies[0].servers == ("a:1",)
    both = read_confs({"x/s": site, "y/u": first, "z/u": second}).proxies[0]
    assert (both.servers, both.upstream) == (("web:80",), "")


def test_it_is_known_by_what_it_holds() -> None:
    assert is_nginx(SITE)
    assert is_nginx("upstream a {\n  server b:1;\n}\n")
    assert is_nginx("location / {\n  proxy_pass http://x;\n}\n")
    assert not is_nginx('resource "x" "y" {\n  server {\n    enabled = true\n  }\n}\n')
    assert not is_nginx("const server = {\n  listen: 80,\n};\n")
    assert not is_nginx("server:\n  port: 80\n")


def test_a_conf_that_breaks_off_anywhere_is_read_as_far_as_it_goes() -> None:
    for end in range(len(SITE)):
        found = read_nginx("a.conf", SITE[:end]).proxies
        assert bool(found) == (end >= SITE.index("8083;") + 5)


@given(st.text(alphabet="server{};'\"\\$# \n%<=>{{}}lisnproxy_a:/1"))
def test_no_text_is_too_strange(text: str) -> None:
    read_nginx("a.conf", text)
    is_nginx(text)


def _theirs(found: list[dict[str, Any]]) -> list[Any]:
    return [
        (d["directive"], d["args"], d["line"], _theirs(d["block"]) if "block" in d else None)
        for d in found
        if d["directive"] != "#"  # it keeps a comment between arguments
    ]


def _ours(found: tuple[Directive, ...]) -> list[Any]:
    return [(d.name, list(d.args), d.at.line, _ours(d.inner) if d.block else None) for d in found]


WORD = st.from_regex(r"[a-z/.:$*0-9_-]{1,8}", fullmatch=True).filter(lambda w: w != "if")
SPACE = st.sampled_from([" ", "\n  ", "\t", " # a comment {\n"])
LINE = st.lists(WORD, min_size=1, max_size=3)


@st.composite
def confs(draw: Any, depth: int = 0) -> str:
    parts = []
    for words in draw(st.lists(LINE, max_size=4)):
        text = draw(SPACE).join(words)
        block = depth < 2 and draw(st.booleans())
        parts.append(text + (f" {{\n{draw(confs(depth + 1))}\n}}" if block else ";"))
    return draw(SPACE).join(parts)


@given(confs())
def test_it_reads_what_crossplane_reads(text: str) -> None:
    with NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        read = crossplane.parse(file.name, single=True, check_ctx=False, check_args=False)
    assert read["errors"] == []
    assert _ours(parse("a.conf", text)) == _theirs(read["config"][0]["parsed"])
