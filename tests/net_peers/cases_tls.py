"""TLS with openssl s_server, openssl s_client and curl."""

from harness import Skipped, Stage, check, free_port, port_of

REFUSED = {
    "expired": "the certificate of localhost expired on 20",
    "early": "the certificate of localhost is not valid before 20",
    "elsewhere": 'the certificate of elsewhere.test is not valid for host "localhost", only for elsewhere.test',
    "self_signed": "the certificate of localhost is self-signed",
    "revoked": "the certificate of localhost has been revoked",
    "fallen": "the certificate of peers fallen has been revoked",
}


def make_certificates(stage: Stage) -> None:
    """Once for all cases."""
    if not (stage.directory / "root.pem").exists():
        made = stage.peer("make_certificates", directory=stage.directory).finish()
        if "usage:" in made:
            raise Skipped("green was built without OpenSSL")
        check(made + ".", ".")


def s_server(stage: Stage, name: str, *options: object, text: str | None = None):
    """openssl with a certificate of ours, and its port."""
    make_certificates(stage)
    port = free_port()
    program = stage.start(
        "openssl", "s_server", "-accept", port, "-cert", f"{name}.pem", "-cert_chain", f"{name}.pem", "-key", f"{name}.key",
        *options, text=text,
    )
    program.line("ACCEPT")
    return program, port


def tls_server(stage: Stage, **options: object):
    """green with a certificate of ours, and its port."""
    make_certificates(stage)
    program = stage.peer("tls_server", certificate="good.pem", key="good.key", **options)
    return program, port_of(program)


def s_client(stage: Stage, port: int, *options: object, text: str):
    return stage.start(
        "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", "root.pem", "-servername", "localhost", *options,
        text=text,
    )


def curl(stage: Stage, port: int, *options: object) -> str:
    return stage.start(
        "curl", "--silent", "--show-error", "--cacert", "root.pem", "--resolve", f"localhost:{port}:127.0.0.1", *options,
        f"https://localhost:{port}/", text="",
    ).finish()


def case_client_of_s_server(stage: Stage) -> None:
    for version in ("-tls1_2", "-tls1_3"):
        _, port = s_server(stage, "good", "-www", "-alpn", "http/1.1", version)
        said = stage.peer("tls_client", port=port, trust="root.pem", alpn="http/1.1", revocations="revocations.pem").finish()
        check(said, "version: TLSv1." + version[-1])
        check(said, "protocol: http/1.1")
        check(said, "peer: CN=localhost")
        check(said, "read: something")


def case_bad_certificates_of_s_server(stage: Stage) -> None:
    for name, expected in REFUSED.items():
        _, port = s_server(stage, name, "-www")
        said = stage.peer("tls_client", port=port, trust="root.pem", revocations="revocations.pem").finish()
        check(said, f"error: tls handshake with localhost: {expected}")
    _, port = s_server(stage, "good", "-www")
    check(
        stage.peer("tls_client", port=port).finish(),
        "the certificate of peers middle is of an authority that is not trusted: CN=peers root",
    )


def case_sessions_with_s_server(stage: Stage) -> None:
    for version in ("-tls1_2", "-tls1_3"):
        _, port = s_server(stage, "good", "-www", version)
        said = stage.peer("tls_client", port=port, trust="root.pem", count=2).finish()
        check(said.replace("\n", " "), "resumed: no read: something")
        check(said.replace("\n", " "), "resumed: yes read: something")


def case_mutual_tls_with_s_server(stage: Stage) -> None:
    _, port = s_server(stage, "good", "-www", "-Verify", 3, "-verifyCAfile", "root.pem", "-verify_return_error")
    options = {"port": port, "trust": "root.pem"}
    said = stage.peer("tls_client", certificate="client.pem", key="client.key", **options).finish()
    check(said, "read: something")
    check(stage.peer("tls_client", **options).finish(), "localhost: the peer refused: ")


def case_no_version_in_common_with_s_server(stage: Stage) -> None:
    _, port = s_server(stage, "good", "-www", "-tls1_2")
    check(
        stage.peer("tls_client", port=port, trust="root.pem", minimum="1.3").finish(),
        "tls handshake with localhost: the peer refused: protocol version",
    )


def case_half_a_line_cut_off(stage: Stage) -> None:
    server, port = s_server(stage, "good", "-naccept", 1)
    client = stage.peer("tls_client", port=port, trust="root.pem")
    server.line("GET / HTTP/1.0")
    server.type("no end\n")
    server.process.kill()
    check(client.finish(), "error: tls read from localhost: the connection ended without close_notify")


def case_keys_that_s_server_changes(stage: Stage) -> None:
    server, port = s_server(stage, "good", "-tls1_3", "-msg")
    client = stage.peer("tls_client", port=port, trust="root.pem", until="end")
    server.line("GET / HTTP/1.0")
    for key in "KkK":  # with a K one that demands another
        server.type(key + "\n")
        server.line("KeyUpdate")
    server.type("the end\n")
    check(client.finish(), "read: the end")


def case_server_of_s_client(stage: Stage) -> None:
    for version in ("-tls1_2", "-tls1_3"):
        server, port = tls_server(stage, alpn="green")
        client = s_client(
            stage, port, version, "-alpn", "green", "-verify_return_error", "-verify_hostname", "localhost", "-ign_eof",
            text="hello\n",
        )
        said = client.finish()
        check(said, "Verification: OK")
        check(said, "ALPN protocol: green")
        check(said, "hello")
        heard = server.finish()
        check(heard, "got: hello")
        check(heard, "server name: localhost")
        check(heard, "answered")


def case_sessions_of_s_client(stage: Stage) -> None:
    server, port = tls_server(stage, count=2)
    client = s_client(stage, port, "-ign_eof", "-sess_out", "session.pem", text="one\n")
    client.finish()
    client = s_client(stage, port, "-ign_eof", "-sess_in", "session.pem", text="two\n")
    check(client.finish(), "Reused, TLSv1.3")
    check(server.finish(), "resumed: yes")


def case_keys_that_s_client_changes(stage: Stage) -> None:
    server, port = tls_server(stage)
    client = stage.start("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", "root.pem", "-tls1_3")
    client.line("Verify return code")
    for key in "KkK":
        client.type(key + "\n")
        client.line("KEYUPDATE")
    client.type("hello\n")
    check(server.finish(), "got: hello")
    client.line("hello")


def case_mutual_tls_with_s_client(stage: Stage) -> None:
    server, port = tls_server(stage, demand="yes", trust="root.pem", count=3)
    own = ["-cert", "client.pem", "-cert_chain", "client.pem", "-key", "client.key"]
    check(s_client(stage, port, "-ign_eof", *own, text="hello\n").finish(), "hello")
    server.line("peer: CN=client 7")
    s_client(stage, port, "-ign_eof", text="hello\n").finish()
    server.line("the peer has shown no certificate")
    stranger = ["-cert", "self_signed.pem", "-key", "self_signed.key"]
    s_client(stage, port, "-ign_eof", *stranger, text="hello\n").finish()
    server.line("the certificate of localhost is self-signed")


def case_s_client_that_is_killed(stage: Stage) -> None:
    server, port = tls_server(stage)
    openssl = ["stdbuf", "-oL", "openssl"]  # or its lines come by the block
    client = stage.start(*openssl, "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", "root.pem")
    for _ in range(2):  # with bytes that it has not read it would be a reset
        client.line("New Session Ticket arrived")
    client.process.kill()
    check(server.finish(), "the connection ended without close_notify")


def case_server_of_curl(stage: Stage) -> None:
    server, port = tls_server(stage, alpn="http/1.1", body=200_000)
    answer = curl(stage, port)
    check(str(len(answer)), "200000")
    check(server.finish(), "protocol: http/1.1")


def case_curl_that_refuses(stage: Stage) -> None:
    make_certificates(stage)
    for name, expected in {"expired": "certificate has expired", "elsewhere": "no alternative certificate"}.items():
        server = stage.peer("tls_server", certificate=f"{name}.pem", key=f"{name}.key")
        check(curl(stage, port_of(server)), expected)
        check(server.finish(), "error: ")


def case_curl_without_TLS(stage: Stage) -> None:
    server, port = tls_server(stage)
    stage.start("curl", "--silent", f"http://127.0.0.1:{port}/", text="").finish()
    check(server.finish(), "the peer does not speak TLS")


def case_curl_sees_a_cut(stage: Stage) -> None:
    server, port = tls_server(stage, cut="yes", body=5)
    check(curl(stage, port), "xxxxx")
    check(server.finish(), "answered")
