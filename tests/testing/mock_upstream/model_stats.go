package main

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

const (
	recentMax    = 64
	goodBytesMax = 4 << 20
)

// modelStats counts what was asked of one model, and plays its script.
type modelStats struct {
	name  string
	stats *stats

	started   atomic.Int64
	served    atomic.Int64
	aborted   atomic.Int64
	cancelled atomic.Int64
	refused   atomic.Int64 // by us, for what a vendor would refuse
	chunks    atomic.Int64
	bytes     atomic.Int64
	paths     [operations]atomic.Int64

	promptTokens     atomic.Int64
	completionTokens atomic.Int64
	cachedTokens     atomic.Int64
	cacheWriteTokens atomic.Int64
	reasoningTokens  atomic.Int64

	plan atomic.Pointer[plan]
	// The newest request found to be well formed: callers that repeat
	// themselves, as benchmarks do, are not checked anew each time.
	good atomic.Pointer[goodRequest]

	mu       sync.Mutex
	statuses map[int]int64
	recent   []*tally // the newest recentMax
	last     lastRequest
}

type goodRequest struct {
	to   target
	body []byte
}

// lastRequest is the newest request, byte for byte.
type lastRequest struct {
	head       []byte
	body       []byte
	proto      string
	connection int64
	reused     bool
	secure     bool
}

// planFor is the script in play; a script newly set starts at its first step.
func (m *modelStats) planFor(script *Script) *plan {
	for {
		p := m.plan.Load()
		if p != nil && p.script == script {
			return p
		}
		next := newPlan(script)
		if m.plan.CompareAndSwap(p, next) {
			return next
		}
	}
}

// check refuses what a vendor would refuse.
func (m *modelStats) check(to target, r *request, a asked,
	found bool) complaint {
	if bad := headerComplaint(to, r); bad.status != 0 {
		return bad
	}
	known := m.good.Load()
	if known != nil && known.to == to && bytes.Equal(known.body, r.body) {
		return complaint{}
	}
	bad := bodyComplaint(to, r, a, found)
	if bad.status == 0 && len(r.body) <= goodBytesMax {
		m.good.Store(&goodRequest{to, append([]byte{}, r.body...)})
	}
	return bad
}

// tally is the account of one request.
type tally struct {
	model      *modelStats
	status     int
	refused    bool
	committed  bool // counted as served
	chunks     atomic.Int64
	usage      Usage
	connection int64
	reused     bool
	begun      time.Time

	// Guarded by the model's mutex.
	ended   time.Time // zero while it runs
	outcome outcome
}

// begin counts a request that has arrived and keeps it as the last one. It
// takes the request's buffers and leaves others in their place.
func (m *modelStats) begin(r *request, op operation, status int) *tally {
	t := &tally{model: m, status: status, connection: r.connection,
		reused: r.reused, begun: time.Now()}
	m.paths[op].Add(1)
	m.mu.Lock()
	m.last.head = append(m.last.head[:0], r.head...)
	m.last.body, r.body = r.body, m.last.body
	m.last.proto, m.last.connection = r.proto, r.connection
	m.last.reused, m.last.secure = r.reused, r.secure
	if len(m.recent) == recentMax {
		copy(m.recent, m.recent[1:])
		m.recent[recentMax-1] = t
	} else {
		m.recent = append(m.recent, t)
	}
	m.mu.Unlock()
	m.started.Add(1)
	m.stats.notify()
	return t
}

func (t *tally) addChunk() {
	t.chunks.Add(1)
	t.model.chunks.Add(1)
	t.model.stats.notify()
}

// addUsage counts tokens that the caller is about to be told of.
func (t *tally) addUsage(u *Usage) {
	t.usage.PromptTokens += u.PromptTokens
	t.usage.CompletionTokens += u.CompletionTokens
	t.usage.CachedTokens += u.CachedTokens
	t.usage.CacheWriteTokens += u.CacheWriteTokens
	t.usage.ReasoningTokens += u.ReasoningTokens
	t.model.addUsage(u, 1)
}

func (m *modelStats) addUsage(u *Usage, sign int64) {
	m.promptTokens.Add(sign * u.PromptTokens)
	m.completionTokens.Add(sign * u.CompletionTokens)
	if u.CachedTokens|u.CacheWriteTokens|u.ReasoningTokens != 0 {
		m.cachedTokens.Add(sign * u.CachedTokens)
		m.cacheWriteTokens.Add(sign * u.CacheWriteTokens)
		m.reasoningTokens.Add(sign * u.ReasoningTokens)
	}
}

// commit counts the request as served just before its last byte leaves, so
// that a caller who has the whole answer finds it counted.
func (t *tally) commit(u *Usage) {
	t.committed = true
	if u != nil {
		t.addUsage(u)
	}
	t.settle(1)
	t.model.stats.notify()
}

// takeBack undoes a commit whose write failed.
func (t *tally) takeBack() {
	if t.committed {
		t.committed = false
		t.settle(-1)
	}
}

func (t *tally) settle(n int64) {
	m := t.model
	m.served.Add(n)
	if t.refused {
		m.refused.Add(n)
	}
	m.mu.Lock()
	m.statuses[t.status] += n
	t.ended, t.outcome = time.Now(), outcomeServed
	m.mu.Unlock()
}

// end closes the account.
func (t *tally) end(o outcome) outcome {
	m := t.model
	if t.committed {
		return outcomeServed
	}
	m.mu.Lock()
	t.ended, t.outcome = time.Now(), o
	m.mu.Unlock()
	if o == outcomeAborted {
		m.aborted.Add(1)
	} else {
		m.cancelled.Add(1)
	}
	m.stats.notify()
	return o
}
