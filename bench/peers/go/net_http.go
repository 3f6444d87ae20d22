// bench/net_http.cpp in Go: the server of the suite `net_http` on net/http. Its one processor makes
// GOMAXPROCS 1.

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func answer(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Write([]byte("Hello, World!"))
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	http.Serve(listener, http.HandlerFunc(answer))
}
