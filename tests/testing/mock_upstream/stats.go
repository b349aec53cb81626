package main

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	modelsMax = 1 << 14
	// Counts what came after modelsMax names were known.
	otherModels = "(other)"
)

// stats counts what was served. Counting takes no lock that requests for
// different models share, since benchmarks count too.
type stats struct {
	accepted   atomic.Int64
	closed     atomic.Int64
	handshakes atomic.Int64 // failed ones
	malformed  atomic.Int64 // not even HTTP
	bytes      atomic.Int64

	mu            sync.Mutex
	lastMalformed string
	models        atomic.Pointer[map[string]*modelStats]

	// Wakes those who wait for a count; untouched while nobody does.
	waiting atomic.Int64
	wakeMu  sync.Mutex
	wake    *sync.Cond
}

func newStats() *stats {
	s := &stats{}
	s.wake = sync.NewCond(&s.wakeMu)
	s.models.Store(&map[string]*modelStats{})
	return s
}

// reset forgets what was counted. Open connections stay counted as open.
func (s *stats) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.accepted.Load() - s.closed.Load()
	s.closed.Store(0)
	s.accepted.Store(open)
	s.handshakes.Store(0)
	s.malformed.Store(0)
	s.bytes.Store(0)
	s.lastMalformed = ""
	s.models.Store(&map[string]*modelStats{})
}

func (s *stats) connectionOpened() {
	s.accepted.Add(1)
	s.notify()
}

func (s *stats) connectionClosed() {
	s.closed.Add(1)
	s.notify()
}

func (s *stats) handshakeFailed(err error) {
	s.handshakes.Add(1)
	s.notify()
}

func (s *stats) requestMalformed(why string) {
	s.malformed.Add(1)
	s.mu.Lock()
	s.lastMalformed = why
	s.mu.Unlock()
	s.notify()
}

// model returns the counts of one model.
func (s *stats) model(name string) *modelStats {
	if m, ok := (*s.models.Load())[name]; ok {
		return m
	}
	return s.addModel(name)
}

// modelOf is model without a string being made of a name already known.
func (s *stats) modelOf(name []byte) *modelStats {
	if m, ok := (*s.models.Load())[string(name)]; ok {
		return m
	}
	return s.addModel(string(name))
}

func (s *stats) addModel(name string) *modelStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.models.Load()
	if len(old) >= modelsMax {
		name = otherModels
	}
	if m, ok := old[name]; ok {
		return m
	}
	next := make(map[string]*modelStats, len(old)+1)
	for k, v := range old {
		next[k] = v
	}
	m := &modelStats{name: name, stats: s, statuses: map[int]int64{}}
	next[name] = m
	s.models.Store(&next)
	return m
}

// notify tells the waiting that some count may have changed.
func (s *stats) notify() {
	if s.waiting.Load() == 0 {
		return
	}
	s.wakeMu.Lock()
	s.wake.Broadcast()
	s.wakeMu.Unlock()
}

// await blocks until reached or the time is over, and says which.
func (s *stats) await(limit time.Duration, reached func() bool) bool {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	over := false
	timer := time.AfterFunc(limit, func() {
		s.wakeMu.Lock()
		over = true
		s.wake.Broadcast()
		s.wakeMu.Unlock()
	})
	defer timer.Stop()
	for !reached() {
		if over {
			return false
		}
		s.wake.Wait()
	}
	return true
}
