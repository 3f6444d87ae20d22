"""Measures a server of the suite `net_tls`, to which net_tls_load talks: 64 KiB each way, handshakes.

Its command line: see server.Suite. The server finds cert.pem and key.pem (P-256) in its directory. All are TLS 1.3
with AES-128-GCM, for that is all that net_tls_load offers.
"""

import subprocess

from server import Suite

FIGURES = {"tls_receive": ("receive", 500), "tls_send": ("send", 500), "tls_handshake": ("handshake", 50)}


def make_certificate(directory: str) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
        + ["-subj", "/CN=localhost", "-days", "2", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=directory,
        capture_output=True,
        check=True,
    )


class Tls(Suite):
    def run(self) -> None:
        for figure, (mode, requests) in FIGURES.items():
            if self.wants(figure):
                with self.talk("net_tls_load", mode, mode=mode) as (server, load):
                    self.report(figure, self.cpu_per_request(server, load, requests), "ns")


if __name__ == "__main__":
    suite = Tls()
    with suite.directory_with(make_certificate):
        suite.run()
