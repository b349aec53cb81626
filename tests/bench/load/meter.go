package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// What the run is at. Only what ends while measuring counts.
const (
	phaseWarmup int32 = iota
	phaseMeasuring
	phaseOver
)

// meter is what all connections of a run share.
type meter struct {
	phase atomic.Int32

	// With a number of calls, how many are still to be begun.
	limited bool
	left    atomic.Int64

	mu         sync.Mutex
	errors     int64
	firstError string
}

func (m *meter) over() bool      { return m.phase.Load() == phaseOver }
func (m *meter) measuring() bool { return m.phase.Load() == phaseMeasuring }

// more says whether another call is to be begun, and counts it.
func (m *meter) more() bool {
	return !m.over() && (!m.limited || m.left.Add(-1) >= 0)
}

func (m *meter) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errors++
	if m.firstError == "" {
		m.firstError = err.Error()
	}
}

func (m *meter) failed() (int64, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.errors, m.firstError
}

// tally is what one connection counted. It belongs to one goroutine until
// that has ended.
type tally struct {
	meter     *meter
	calls     int64
	textBytes int64
	latencies []time.Duration
	firstText []time.Duration
}

func (t *tally) called(took time.Duration) {
	if t.meter.measuring() {
		t.calls++
		t.latencies = append(t.latencies, took)
	}
}

func (t *tally) text(n int) {
	if t.meter.measuring() {
		t.textBytes += int64(n)
	}
}

func (t *tally) began(took time.Duration) {
	if t.meter.measuring() {
		t.firstText = append(t.firstText, took)
	}
}

// result is what the driver prints.
type result struct {
	Seconds        float64 `json:"seconds"`
	Calls          int64   `json:"calls"`
	Chunks         float64 `json:"chunks"`
	CPUSeconds     float64 `json:"cpu_seconds"`
	Counted        uint64  `json:"counted"`
	P50us          float64 `json:"p50_us"`
	P99us          float64 `json:"p99_us"`
	FirstTextP50us float64 `json:"first_text_p50_us"`
	FirstTextP99us float64 `json:"first_text_p99_us"`
	Errors         int64   `json:"errors"`
	FirstError     string  `json:"first_error,omitempty"`
}

func summarize(tallies []*tally, chunkBytes int) result {
	var r result
	var latencies, firstText []time.Duration
	var textBytes int64
	for _, t := range tallies {
		r.Calls += t.calls
		textBytes += t.textBytes
		latencies = append(latencies, t.latencies...)
		firstText = append(firstText, t.firstText...)
	}
	if chunkBytes > 0 {
		r.Chunks = float64(textBytes) / float64(chunkBytes)
	}
	r.P50us, r.P99us = percentiles(latencies)
	r.FirstTextP50us, r.FirstTextP99us = percentiles(firstText)
	return r
}

func percentiles(d []time.Duration) (p50, p99 float64) {
	if len(d) == 0 {
		return 0, 0
	}
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	at := func(share float64) float64 {
		i := int(share * float64(len(d)))
		if i >= len(d) {
			i = len(d) - 1
		}
		return float64(d[i].Nanoseconds()) / 1e3
	}
	return at(0.50), at(0.99)
}

// cpuOf is the CPU time that the processes have used so far, all threads
// together, those that have ended too. It is the sum that /proc/PID/stat shows
// in hundredths of a second, in nanoseconds.
func cpuOf(pids []int) (time.Duration, error) {
	const schedClock = 2
	var total time.Duration
	for _, pid := range pids {
		var t syscall.Timespec
		_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME,
			uintptr(^pid<<3|schedClock), uintptr(unsafe.Pointer(&t)), 0)
		if errno != 0 {
			return 0, fmt.Errorf("CPU time of process %d: %w", pid, errno)
		}
		total += time.Duration(t.Nano())
	}
	return total, nil
}

// counterIn is the number that a file begins with; 0 if there is no file.
func counterIn(path string) (uint64, error) {
	if path == "" {
		return 0, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var number [8]byte
	if _, err := io.ReadFull(f, number[:]); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return binary.LittleEndian.Uint64(number[:]), nil
}

// used is what the server has used up to a moment.
type used struct {
	cpu     time.Duration
	counted uint64
}

func usedBy(pids []int, counterFile string) (used, error) {
	cpu, err := cpuOf(pids)
	if err != nil {
		return used{}, err
	}
	counted, err := counterIn(counterFile)
	return used{cpu, counted}, err
}
