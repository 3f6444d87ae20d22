// bench/tasks.cpp in Go, on one thread. An awaited child is a function call in Go and not measured.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"sync"
	"syscall"
	"time"
)

const (
	batch     = 100
	liveTasks = 1_000_000
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

func report(figure string, value float64, unit string) {
	line, _ := json.Marshal(map[string]any{
		"program": "go", "figure": figure, "value": value, "unit": unit,
	})
	fmt.Println(string(line))
}

// Processor time of this process, its garbage collector included.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		panic("getrusage")
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func residentBytes() float64 {
	var size, pages float64
	if f, err := os.Open("/proc/self/statm"); err == nil {
		fmt.Fscan(f, &size, &pages)
		f.Close()
	}
	return pages * float64(os.Getpagesize())
}

// The fastest of the slices: noise only ever adds.
type bestSlice struct {
	best  float64
	start time.Duration
}

func (b *bestSlice) begin() { b.start = cpu() }
func (b *bestSlice) end(operations int) {
	ns := float64(cpu()-b.start) / float64(operations)
	if b.best == 0 || ns < b.best {
		b.best = ns
	}
}

//go:noinline
func nothing(tasks *sync.WaitGroup) { tasks.Done() }

func spawnJoinHot() {
	var best bestSlice
	var tasks sync.WaitGroup
	for s := 0; s < slices; s++ {
		best.begin()
		for b := 0; b < 200; b++ {
			tasks.Add(batch)
			for i := 0; i < batch; i++ {
				go nothing(&tasks)
			}
			tasks.Wait()
		}
		best.end(200 * batch)
	}
	report("spawn_join_hot", best.best, "ns")
}

func spawn1m() {
	start := cpu()
	var tasks sync.WaitGroup
	tasks.Add(liveTasks)
	for i := 0; i < liveTasks; i++ {
		go nothing(&tasks)
	}
	tasks.Wait()
	report("spawn_1m", float64(cpu()-start)/liveTasks, "ns")
}

func liveBytes() {
	gate := make(chan struct{})
	var asleep sync.WaitGroup
	before := residentBytes()
	asleep.Add(liveTasks)
	for i := 0; i < liveTasks; i++ {
		go func() {
			asleep.Done()
			<-gate
		}()
	}
	asleep.Wait()
	report("live_bytes", (residentBytes()-before)/liveTasks, "B")
	os.Exit(0) // the rest is not measured
}

func yieldAmong(figure string, tasks int) {
	var best bestSlice
	times := 100_000 / tasks
	for s := 0; s < slices; s++ {
		var running sync.WaitGroup
		running.Add(tasks)
		for i := 0; i < tasks; i++ {
			go func() {
				for i := 0; i < times; i++ {
					runtime.Gosched()
				}
				running.Done()
			}()
		}
		best.begin()
		running.Wait()
		best.end(times * tasks)
	}
	report(figure, best.best, "ns")
}

//go:noinline
func three(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

//go:noinline
func two(ctx context.Context) error { return three(ctx) }

//go:noinline
func one(ctx context.Context, ended chan<- error) { ended <- two(ctx) }

func cancelJoin() {
	var best bestSlice
	var cancel [batch]context.CancelFunc
	var ended [batch]chan error
	for s := 0; s < 20*slices; s++ {
		for i := range cancel {
			var ctx context.Context
			ctx, cancel[i] = context.WithCancel(context.Background())
			ended[i] = make(chan error, 1)
			go one(ctx, ended[i])
		}
		runtime.Gosched()
		best.begin()
		for i := range cancel {
			cancel[i]()
			<-ended[i]
		}
		best.end(batch)
	}
	report("cancel_join", best.best, "ns")
}

func sleep1m() {
	const lead = 4 * time.Second // until all are asleep
	due := make([]time.Duration, liveTasks)
	late := make([]time.Duration, liveTasks)
	random := rand.New(rand.NewSource(1))
	for i := range due {
		due[i] = lead + time.Duration(random.Intn(1_000_000))*time.Microsecond
	}
	startCPU, start := cpu(), time.Now()
	var tasks sync.WaitGroup
	tasks.Add(liveTasks)
	for i := 0; i < liveTasks; i++ {
		go func(i int) {
			time.Sleep(due[i] - time.Since(start))
			late[i] = time.Since(start) - due[i]
			tasks.Done()
		}(i)
	}
	tasks.Wait()
	report("sleep_1m_cpu", (cpu() - startCPU).Seconds(), "s")
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	report("sleep_1m_p99_late", late[len(late)*99/100].Seconds()*1000, "ms")
}

func main() {
	runtime.GOMAXPROCS(1)
	for _, argument := range os.Args[1:] {
		if _, err := fmt.Sscanf(argument, "slices=%d", &slices); err != nil {
			figures = append(figures, argument)
		}
	}
	all := []struct {
		name string
		run  func()
	}{
		{"spawn_1m", spawn1m},
		{"spawn_join_hot", spawnJoinHot},
		{"yield_2", func() { yieldAmong("yield_2", 2) }},
		{"yield_1000", func() { yieldAmong("yield_1000", 1000) }},
		{"cancel_join", cancelJoin},
		{"sleep_1m", sleep1m},
		{"live_bytes", liveBytes},
	}
	for _, figure := range all {
		if wants(figure.name) {
			figure.run()
		}
	}
}
