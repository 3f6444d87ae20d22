// bench/sync.cpp in Go, on one thread.

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	messages = 100_000
	rivals   = 10
)

var (
	slices  = 60
	figures []string
)

func wants(figure string) bool {
	for _, f := range figures {
		if f == figure {
			return true
		}
	}
	return len(figures) == 0
}

// Processor time of this process, its garbage collector included.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		panic("getrusage")
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The fastest of the slices: noise only ever adds.
func fastest(figure string, slice func()) {
	best := time.Duration(1<<63 - 1)
	for s := 0; s < slices; s++ {
		start := cpu()
		slice()
		if d := cpu() - start; d < best {
			best = d
		}
	}
	line, _ := json.Marshal(map[string]any{
		"program": "go", "figure": figure, "value": float64(best) / messages, "unit": "ns",
	})
	fmt.Println(string(line))
}

func channel(figure string, capacity int) {
	c := make(chan int, capacity)
	fastest(figure, func() {
		go func() {
			for i := 0; i < messages; i++ {
				c <- i
			}
		}()
		for i := 0; i < messages; i++ {
			if <-c != i {
				panic("order")
			}
		}
	})
}

func mutexHandoff() {
	var m sync.Mutex
	fastest("mutex_handoff", func() {
		var tasks sync.WaitGroup
		for t := 0; t < rivals; t++ {
			tasks.Add(1)
			go func() {
				for i := 0; i < messages/rivals; i++ {
					m.Lock()
					runtime.Gosched()
					m.Unlock()
				}
				tasks.Done()
			}()
		}
		tasks.Wait()
	})
}

func main() {
	runtime.GOMAXPROCS(1)
	for _, argument := range os.Args[1:] {
		if _, err := fmt.Sscanf(argument, "slices=%d", &slices); err != nil {
			figures = append(figures, argument)
		}
	}
	if wants("channel_unbuffered") {
		channel("channel_unbuffered", 0)
	}
	if wants("channel_1024") {
		channel("channel_1024", 1024)
	}
	if wants("mutex_handoff") {
		mutexHandoff()
	}
}
