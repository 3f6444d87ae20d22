// bench/executor.cpp in Go: goroutines that hand jobs to a fixed number of workers over a channel.

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"time"
)

const (
	inFlight   = 1000
	jobs       = 100_000
	longJobs   = 3_000
	roundTrips = 1_000
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

type job struct {
	work func()
	done chan struct{}
}

func nothing() {}

func work10us() {
	for end := time.Now().Add(10 * time.Microsecond); time.Now().Before(end); {
	}
}

// The fastest of the slices, per job.
func best(workers, clients, count int, work func()) float64 {
	queue := make(chan job, clients)
	for w := 0; w < workers; w++ {
		go func() {
			for j := range queue {
				j.work()
				j.done <- struct{}{}
			}
		}()
	}
	least := time.Duration(1<<63 - 1)
	for s := 0; s < slices; s++ {
		start := time.Now()
		ended := make(chan struct{}, clients)
		for c := 0; c < clients; c++ {
			go func() {
				done := make(chan struct{}, 1)
				for i := 0; i < count/clients; i++ {
					queue <- job{work, done}
					<-done
				}
				ended <- struct{}{}
			}()
		}
		for c := 0; c < clients; c++ {
			<-ended
		}
		if d := time.Since(start); d < least {
			least = d
		}
	}
	close(queue)
	return float64(least) / float64(count)
}

func report(figure string, value float64, unit string) {
	line, _ := json.Marshal(map[string]any{
		"program": "go", "figure": figure, "value": value, "unit": unit,
	})
	fmt.Println(string(line))
}

func main() {
	for _, a := range os.Args[1:] {
		if n, _ := fmt.Sscanf(a, "slices=%d", &slices); n != 1 {
			figures = append(figures, a)
		}
	}
	for _, threads := range []int{1, 2, 8, 64} {
		figure := fmt.Sprintf("empty_jobs_%d", threads)
		if wants(figure) {
			runtime.GOMAXPROCS(threads + 1)
			report(figure, best(threads, inFlight, jobs, nothing), "ns")
		}
	}
	runtime.GOMAXPROCS(runtime.NumCPU())
	if wants("jobs_10us") {
		report("jobs_10us", best(2, inFlight, longJobs, work10us), "ns")
	}
	if wants("job_round_trip") {
		report("job_round_trip", best(1, 1, roundTrips, nothing)/1000, "µs")
	}
}
