// bench/dns.cpp in Go: net.Resolver, its own one, not the C library's. `all` starts every lookup at once,
// without it a hundred are under way. More goroutines than there may be open files do not work: each has a
// socket.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const window = 100

var (
	figures  []string
	atOnce   = false
	next     = 0
	resolver = net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, os.Getenv("DNS_SERVER"))
		},
	}
)

func wants(figure string) bool {
	for _, f := range figures {
		if f == figure {
			return true
		}
	}
	return len(figures) == 0
}

func report(figure string, took time.Duration, names int) {
	line, _ := json.Marshal(map[string]any{
		"program": "go", "figure": figure, "value": float64(took.Nanoseconds()) / 1e3 / float64(names), "unit": "us",
	})
	fmt.Println(string(line))
}

func lookUp(number int, both bool) {
	network, wanted := "ip4", 1
	if both {
		network, wanted = "ip", 2
	}
	// The dot keeps it away from the search list.
	found, err := resolver.LookupNetIP(context.Background(), network, fmt.Sprintf("h%06d.bench.test.", number))
	if err != nil || len(found) != wanted {
		fmt.Fprintln(os.Stderr, err, found)
		os.Exit(1)
	}
}

func run(names int, both bool) time.Duration {
	numbers := make(chan int, names)
	for i := 0; i < names; i++ {
		numbers <- next % 1_000_000
		next++
	}
	close(numbers)
	workers := window
	if atOnce {
		workers = names
	}
	start := time.Now()
	var all sync.WaitGroup
	for i := 0; i < workers; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for number := range numbers {
				lookUp(number, both)
			}
		}()
	}
	all.Wait()
	return time.Since(start)
}

func measure(figure string, names int, both bool) {
	if !wants(figure) || (atOnce && names > 10_000) {
		return
	}
	best := time.Duration(1 << 62)
	for i := 0; i < max(1, min(5, 30_000/names)); i++ {
		best = min(best, run(names, both))
	}
	report(figure, best, names)
}

func main() {
	for _, argument := range os.Args[1:] {
		var slices int
		if argument == "all" {
			atOnce = true
		} else if n, _ := fmt.Sscanf(argument, "slices=%d", &slices); n == 0 {
			figures = append(figures, argument)
		}
	}
	measure("dns_a_1k", 1_000, false)
	measure("dns_a_10k", 10_000, false)
	measure("dns_a_100k", 100_000, false)
	measure("dns_any_1k", 1_000, true)
	measure("dns_any_10k", 10_000, true)
	measure("dns_any_100k", 100_000, true)
}
