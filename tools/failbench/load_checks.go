package main

import (
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// loadFigures is what many calls came to.
type loadFigures struct {
	calls  int64 // Fewer than asked for if it was given up.
	failed int64
	why    string // Of one that failed.
	rate   float64
	p50    time.Duration
	p99    time.Duration
}

// runLoad makes the calls, so many at a time; `wants` says what is wrong with
// an answer. Once as many calls as run at a time have used up the patience, it
// is given up: all others might, one after the other.
func (b *bench) runLoad(at string, r benchRequest,
	wants func(told) error) loadFigures {
	var next, made, failed, endless atomic.Int64
	var mu sync.Mutex
	var why string
	took := make([]time.Duration, b.options.calls)
	var workers sync.WaitGroup
	begun := time.Now()
	for i := 0; i < b.options.concurrency; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for n := next.Add(1); n <= int64(len(took)); n = next.Add(1) {
				t := b.askAt(at, r, nil)
				took[made.Add(1)-1] = t.took
				if t.waited {
					endless.Add(1)
				}
				if err := wants(t); err != nil {
					failed.Add(1)
					mu.Lock()
					why = err.Error()
					mu.Unlock()
				}
				if endless.Load() >= int64(b.options.concurrency) ||
					b.running.Err() != nil {
					return
				}
			}
		}()
	}
	workers.Wait()
	all := time.Since(begun)
	took = took[:made.Load()]
	sort.Slice(took, func(i, k int) bool { return took[i] < took[k] })
	return loadFigures{calls: made.Load(), failed: failed.Load(), why: why,
		rate: float64(len(took)) / all.Seconds(), p50: took[len(took)/2],
		p99: took[len(took)*99/100]}
}

// loadResult tells the figures beside those of the provider itself.
func (b *bench) loadResult(f, direct loadFigures) (string, error) {
	detail := fmt.Sprintf("%.0f calls/s, p50 %.2f ms, p99 %.2f ms; "+
		"the provider alone %.0f calls/s, p50 %.2f ms, p99 %.2f ms",
		f.rate, inMs(f.p50), inMs(f.p99), direct.rate, inMs(direct.p50),
		inMs(direct.p99))
	if f.failed > 0 {
		return "", fmt.Errorf("%d of %d failed, such as: %s; %s", f.failed,
			f.calls, f.why, detail)
	}
	return detail, nil
}

func inMs(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

func checkLoad(b *bench) (string, error) {
	if err := b.play(`{"text": "loaded"}`); err != nil {
		return "", err
	}
	wants := func(t told) error { return wantText(t, "loaded") }
	f := b.runLoad(b.options.gateway, b.plain(), wants)
	return b.loadResult(f, b.runLoad("http://"+b.at, b.plain(), wants))
}

func checkStreamLoad(b *bench) (string, error) {
	err := b.play(fmt.Sprintf(`{"text": %q, "chunks": 20}`, longText))
	if err != nil {
		return "", err
	}
	wants := func(t told) error { return wantStream(t, longText) }
	f := b.runLoad(b.options.gateway, b.streamed(), wants)
	return b.loadResult(f, b.runLoad("http://"+b.at, b.streamed(), wants))
}

// checkLoadWithFaults has answers take as long as short ones of a model do,
// since gateways bound retries by the calls under way.
func checkLoadWithFaults(b *bench) (string, error) {
	err := b.play(`{"cycle": true, "steps": [{"status": 503},
		{"text": "loaded", "times": 9, "first_byte_delay_ms": 300}]}`)
	if err != nil {
		return "", err
	}
	f := b.runLoad(b.options.gateway, b.plain(), func(t told) error {
		return wantText(t, "loaded")
	})
	if f.failed > 0 {
		return "", fmt.Errorf("%d of %d failed, such as: %s", f.failed,
			f.calls, f.why)
	}
	return fmt.Sprintf("%d calls, asked %d times", b.options.calls, b.asked()),
		nil
}
