// bench/net_tls.cpp in Go: the server of the suite `net_tls` on crypto/tls.

package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func talk(c *tls.Conn, mode string) {
	defer c.Close()
	err := c.Handshake()
	buffer := make([]byte, 64<<10)
	for mode == "receive" && err == nil {
		_, err = c.Read(buffer)
	}
	for mode == "send" && err == nil {
		_, err = c.Write(buffer)
	}
}

func main() {
	mode := os.Args[1]
	certificate, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	fail(err)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	fail(err)
	fmt.Println(listener.Addr())
	for {
		if c, err := listener.Accept(); err == nil {
			go talk(tls.Server(c, config), mode)
		}
	}
}
