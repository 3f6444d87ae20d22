"""Plain streams with socat, and a proxy between curl and nginx."""

from harness import Stage, check, free_port, port_of, wait_for_port

LARGE = 5_000_000


def case_socat_asks_an_echo_server(stage: Stage) -> None:
    server = stage.peer("echo_server")
    port = port_of(server)
    for text in ("hello\n", "x" * 300_000 + "\n"):
        check(stage.start("socat", "-t10", "-", f"TCP:127.0.0.1:{port}", text=text).finish() + "\n", text)
    server.process.terminate()
    check(server.finish(), "served: 2, cancelled: 0")


def case_a_server_that_is_told_to_end_finishes_with_its_client(stage: Stage) -> None:
    server = stage.peer("echo_server")
    client = stage.start("socat", "-t10", "-", f"TCP:127.0.0.1:{port_of(server)}")
    client.type("one\n")
    client.line("one")
    server.process.terminate()
    client.type("two\n")
    client.line("two")
    client.type_end()
    check(server.finish(), "served: 1, cancelled: 0")
    client.finish()


def case_asks_a_server_of_socat(stage: Stage) -> None:
    port = free_port()
    stage.start("socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", "SYSTEM:tr a-z A-Z")
    wait_for_port(port)
    for host in ("127.0.0.1", "localhost"):  # which is ::1, too, where nobody listens
        check(stage.peer("tcp_client", host=host, port=port, text="hello").finish(), "answer: HELLO")


def case_a_port_that_nobody_listens_on(stage: Stage) -> None:
    port = free_port()
    said = stage.peer("tcp_client", port=port, text="hello").finish()
    check(said, f"error: connect tcp localhost:{port}: ")
    check(said, f"127.0.0.1:{port}: Connection refused")


def case_unix_sockets_with_socat(stage: Stage) -> None:
    ours, theirs = stage.directory / "ours.sock", stage.directory / "theirs.sock"
    stage.peer("unix_echo_server", path=ours).line("listening")
    check(stage.start("socat", "-t10", "-", f"UNIX-CONNECT:{ours}", text="hello\n").finish(), "hello")
    socat = stage.start("socat", "-d", "-d", f"UNIX-LISTEN:{theirs},fork", "SYSTEM:tr a-z A-Z")
    socat.line("listening on")
    check(stage.peer("unix_client", path=theirs, text="hello").finish(), "answer: HELLO")


NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {directory};
    }}
}}
"""


def case_a_proxy_between_curl_and_nginx(stage: Stage) -> None:
    port = free_port()
    stage.directory.joinpath("large").write_bytes(b"green" * (LARGE // 5))
    stage.directory.joinpath("nginx.conf").write_text(NGINX.format(directory=stage.directory, port=port))
    stage.start("nginx", "-e", "stderr", "-p", stage.directory, "-c", stage.directory / "nginx.conf")
    wait_for_port(port)
    proxy = port_of(stage.peer("proxy", port=port))
    url = f"http://127.0.0.1:{proxy}/large"
    said = stage.start(
        "curl", "--silent", "--show-error", "--output", "first", "--output", "second",
        "--write-out", "%{http_code} %{size_download} %{num_connects}\n", url, url, text="",
    ).finish()
    check(said, f"200 {LARGE} 1")
    check(said, f"200 {LARGE} 0")  # the connection is kept open
