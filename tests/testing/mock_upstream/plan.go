package main

import (
	"sync"
	"sync/atomic"
)

// plan is a script being played for one model: which step is next, and the
// answers already rendered for that model.
type plan struct {
	script *Script
	next   atomic.Int64
	cache  []answerCache // one per step
}

func newPlan(script *Script) *plan {
	return &plan{script: script, cache: make([]answerCache, len(script.Steps))}
}

// take returns the index of the step that answers the next request.
func (p *plan) take() int {
	if len(p.script.Steps) == 1 {
		return 0
	}
	position := p.next.Add(1) - 1
	if p.script.Cycle {
		var total int64
		for _, step := range p.script.Steps {
			total += step.times()
		}
		position %= total
	}
	for i, step := range p.script.Steps {
		if position < step.times() {
			return i
		}
		position -= step.times()
	}
	return len(p.script.Steps) - 1
}

func (s *Step) times() int64 {
	if s.Times == 0 {
		return 1
	}
	return int64(s.Times)
}

// shape is what of a request changes the bytes of its answer.
type shape struct {
	op           operation
	vendor       vendor
	stream       bool
	includeUsage bool
	choices      int
}

// answerCache keeps a step's rendered answers. A script is asked the same few
// ways again and again, so the newest one is found without the lock.
type answerCache struct {
	newest atomic.Pointer[cachedAnswer]
	mu     sync.Mutex
	all    map[shape]*cachedAnswer
}

type cachedAnswer struct {
	shape  shape
	answer *answer
}

func (c *answerCache) find(key shape, render func() *answer) *answer {
	if hit := c.newest.Load(); hit != nil && hit.shape == key {
		return hit.answer
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	hit := c.all[key]
	if hit == nil {
		hit = &cachedAnswer{key, render()}
		if c.all == nil {
			c.all = map[shape]*cachedAnswer{}
		}
		c.all[key] = hit
	}
	c.newest.Store(hit)
	return hit.answer
}
