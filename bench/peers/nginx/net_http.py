"""bench/net_http.cpp on nginx, whose path is the argument: one worker, with a configuration and a port of its own.

It works in the current directory and takes the socket that is opened here, as a newer nginx takes it from an
older one.
"""

import os
import socket
import sys

CONFIGURATION = """
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    keepalive_requests 1000000000;
    server {{
        listen {address} backlog=4096;
        default_type text/plain;
        location / {{ return 200 "Hello, World!"; }}
    }}
}}
"""


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    address = "%s:%d" % listener.getsockname()
    with open("nginx.conf", "w") as file:
        file.write(CONFIGURATION.format(address=address))
    print(address, flush=True)
    listener.set_inheritable(True)
    os.environ["NGINX"] = f"{listener.fileno()};"
    nginx = sys.argv[1]
    os.execv(nginx, [nginx, "-p", os.getcwd(), "-c", "nginx.conf", "-e", "stderr"])


if __name__ == "__main__":
    main()
