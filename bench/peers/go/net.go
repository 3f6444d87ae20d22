// bench/net.cpp in Go: the server of the suite `net`, a goroutine and a buffer of 64 KiB for each connection.

package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func echo(c net.Conn) {
	defer c.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		if _, err := c.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func discard(c net.Conn) {
	defer c.Close()
	// Not io.Copy to io.Discard, whose buffer is smaller.
	buffer := make([]byte, 64<<10)
	for {
		if _, err := c.Read(buffer); err == io.EOF || err != nil {
			return
		}
	}
}

func main() {
	talk := echo
	if len(os.Args) > 1 && os.Args[1] == "discard" {
		talk = discard
	} else if len(os.Args) > 1 && os.Args[1] == "close" {
		talk = func(c net.Conn) { c.Close() }
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	for {
		c, err := listener.Accept()
		if err != nil {
			continue
		}
		go talk(c)
	}
}
