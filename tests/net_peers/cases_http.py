"""HTTP: the client with nginx, as a server and as a proxy; the example's server with curl and wrk."""

import os
import pathlib
import re

from cases_tls import make_certificates
from harness import Failed, Skipped, Stage, check, free_port, wait_for_port

NGINX = """
daemon off;
worker_processes 1;
error_log stderr;
pid {work}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_max_body_size 100m;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    gzip on;
    gzip_min_length 1;
    gzip_types *;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{h2c} http2;
        {secure}
        root {work}/pages;
        location /hello {{ return 200 "hello\\n"; }}
        location /upload {{ return 200 "$request_method $http_transfer_encoding $http_content_length\\n"; }}
        location /through {{ proxy_pass http://127.0.0.1:{plain}/upload; }}  # reads the body
        location /away {{ return 302 http://127.0.0.1:{plain}/hello; }}
    }}
    server {{
        listen 127.0.0.1:{proxy};
        location / {{ proxy_pass http://$http_host$request_uri; proxy_set_header Host $http_host; }}
    }}
    {mutual_tls}
}}
"""


def nginx(stage: Stage, tls: bool = False) -> dict[str, int]:
    """nginx with a few pages, and its ports."""
    ports = {name: free_port() for name in ("plain", "h2c", "proxy", "tls", "demanding")}
    secure = mutual_tls = ""
    if tls:
        make_certificates(stage)
        work = stage.directory
        certificate = f"server_name localhost; ssl_certificate {work}/good.pem; ssl_certificate_key {work}/good.key;"
        secure = f"listen 127.0.0.1:{ports['tls']} ssl http2; {certificate}"
        mutual_tls = (
            f"server {{ listen 127.0.0.1:{ports['demanding']} ssl http2; {certificate}"
            f" ssl_verify_client on; ssl_client_certificate {work}/root.pem; ssl_verify_depth 3;"
            ' location / { return 200 "$ssl_client_s_dn\\n"; } }'
        )
    pages = stage.directory / "pages"
    pages.mkdir(exist_ok=True)
    (pages / "large").write_bytes(b"0123456789" * 1_000_000)
    pages.chmod(0o755)
    config = stage.directory / "nginx.conf"
    config.write_text(NGINX.format(work=stage.directory, secure=secure, mutual_tls=mutual_tls, **ports))
    stage.start("nginx", "-p", stage.directory, "-c", config, text="")
    wait_for_port(ports["proxy"])
    return ports


def http(stage: Stage, url: str, **options: object) -> str:
    said = stage.peer("http", url=url, **options).finish()
    if "usage:" in said:
        raise Skipped("green was built without libcurl")
    return said


def case_nginx(stage: Stage) -> None:
    base = f"http://127.0.0.1:{nginx(stage)['plain']}"
    said = http(stage, base + "/hello", times=20)
    check(said, "HTTP/1.1 200 OK, 6 bytes: hello")
    check(said, "connections: 1")
    check(http(stage, base + "/large"), "200 OK, 10000000 bytes: 0123456789")
    check(http(stage, base + "/none"), "404 Not Found")
    check(http(stage, base + "/hello", method="HEAD"), "200 OK, 0 bytes")
    check(http(stage, base + "/upload", method="PUT", body="hello"), "bytes: PUT  5")
    check(http(stage, base + "/upload", method="POST", pieces=2000), "bytes: POST chunked")


def case_nginx_under_load(stage: Stage) -> None:
    base = f"http://127.0.0.1:{nginx(stage)['plain']}"
    said = http(stage, base + "/hello", times=1000, at_once=100, limit=10)
    if said.count("200 OK, 6 bytes") != 1000:
        raise Failed(said[-2000:])
    if int(re.search(r"connections: (\d+)", said).group(1)) > 10:
        raise Failed(said[-100:])


def case_nginx_http2(stage: Stage) -> None:
    base = f"http://127.0.0.1:{nginx(stage)['h2c']}"
    said = http(stage, base + "/hello", version=2, times=200, at_once=50)
    if said.count("HTTP/2 200 OK, 6 bytes") != 200:
        raise Failed(said[-2000:])
    check(http(stage, base + "/large", version=2, times=3, at_once=3), "HTTP/2 200 OK, 10000000 bytes")
    check(http(stage, base + "/through", version=2, method="PUT", pieces=2000), "bytes: PUT  2000000")


def case_nginx_tls(stage: Stage) -> None:
    port = nginx(stage, tls=True)["tls"]
    base = f"https://localhost:{port}"
    said = http(stage, base + "/hello", trust="root.pem", times=50, at_once=20)
    if said.count("HTTP/2 200 OK, 6 bytes") != 50:
        raise Failed(said[-2000:])
    check(said, "connections: 1")
    check(http(stage, base + "/hello", trust="root.pem", version=1), "HTTP/1.1 200 OK")
    check(http(stage, base + "/away", trust="root.pem"), "HTTP/1.1 200 OK, 6 bytes: hello")
    check(http(stage, base + "/hello"), "tls_failed: GET " + base + "/hello: SSL certificate problem")
    # The name counts, not the address behind it.
    check(http(stage, f"https://other.localhost:{port}/hello", trust="root.pem"), "tls_failed: ")


def case_nginx_that_wants_a_certificate(stage: Stage) -> None:
    base = f"https://localhost:{nginx(stage, tls=True)['demanding']}/"
    mine = {"certificate": "client.pem", "key": "client.key"}
    for version, spoken in ((1, "HTTP/1.1"), (2, "HTTP/2")):
        check(http(stage, base, trust="root.pem", version=version, **mine), f"{spoken} 200 OK, 12 bytes: CN=client 7")
        check(http(stage, base, trust="root.pem", version=version), f"{spoken} 400 ")
    # A certificate of somebody else, a key that is not its own, and none at all.
    stranger = {"certificate": "self_signed.pem", "key": "self_signed.key"}
    check(http(stage, base, trust="root.pem", **stranger), " 400 ")
    mixed = {"certificate": "client.pem", "key": "good.key"}
    check(http(stage, base, trust="root.pem", **mixed), "tls_failed: ")
    check(http(stage, base, trust="root.pem", certificate="none.pem", key="client.key"), "tls_failed: ")


def case_nginx_as_a_proxy(stage: Stage) -> None:
    ports = nginx(stage)
    said = http(stage, f"http://127.0.0.1:{ports['plain']}/hello", proxy=f"http://127.0.0.1:{ports['proxy']}", times=3)
    check(said, "HTTP/1.1 200 OK, 6 bytes: hello")
    check(said, "connections: 1")
    # A name is the proxy's business: nginx has no resolver, and says so.
    said = http(stage, "http://no.such.test/", proxy=f"http://127.0.0.1:{ports['proxy']}")
    check(said, "502 Bad Gateway")


# --- the example's server


def file_server(stage: Stage) -> str:
    program = os.environ.get("GREEN_FILE_SERVER")
    if not program:
        raise Skipped("the example file_server was not built")
    pages = stage.directory / "served"
    pages.mkdir(exist_ok=True)
    (pages / "index.html").write_text("<h1>hello</h1>\n")
    (pages / "large").write_bytes(b"0123456789" * 1_000_000)
    return stage.start(program, pages, 0).line("http://")


def curl(stage: Stage, *options: object) -> str:
    return stage.start("curl", "--silent", "--show-error", *options, text="").finish()


def case_file_server_with_curl(stage: Stage) -> None:
    base = file_server(stage)
    check(curl(stage, "--include", base), "HTTP/1.1 200 OK")
    check(curl(stage, base), "<h1>hello</h1>")
    check(curl(stage, "--output", "got", "--write-out", "%{size_download}\n", base + "large"), "10000000")
    check(curl(stage, "--path-as-is", "--include", base + "../../etc/passwd"), "404 Not Found")
    said = curl(stage, "--include", "--data", "x", base)
    check(said, "HTTP/1.1 405 Method Not Allowed")
    check(said, "Connection: close")
    check(curl(stage, "--head", base), "Content-Length: 15")
    check(curl(stage, "--http1.0", "--include", base), "Connection: close")
    said = curl(stage, "--write-out", "%{num_connects}\n", base, base, base)
    if [line for line in said.splitlines() if line.isdigit()] != ["1", "0", "0"]:
        raise Failed(said)


def case_file_server_with_wrk(stage: Stage) -> None:
    base = file_server(stage)
    pipelined = pathlib.Path(stage.directory) / "pipelined.lua"
    pipelined.write_text(
        "init = function() local r = {} for i = 1, 16 do r[i] = wrk.format() end request_ = table.concat(r) end\n"
        "request = function() return request_ end\n"
    )
    for options in ([], ["--script", str(pipelined)]):
        said = stage.start("wrk", "--threads", 1, "--connections", 20, "--duration", "1s", *options, base, text="").finish()
        check(said, "Requests/sec")
        for problem in ("Socket errors", "Non-2xx"):
            if problem in said:
                raise Failed(said)
