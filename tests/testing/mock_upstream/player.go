package main

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// errCut says that the script has broken the exchange off.
var errCut = errors.New("cut by the script")

// perform answers one request of the vendors' API.
func (s *server) perform(x exchange, r *request) outcome {
	op, methodFits := operationOf(r)
	a, found := scanRequest(r.body)
	m := s.accountOf(op, r, a)
	c := call{shape: shape{op: op, stream: a.stream,
		includeUsage: a.includeUsage, choices: a.choices},
		model: m.name, asked: a}
	if m.name == otherModels {
		c.model = string(a.model)
	}
	status, complaint := 0, ""
	switch {
	case op == opUnknown:
		status, complaint = http.StatusNotFound, "Unknown path "+r.path
	case !methodFits:
		status, complaint = http.StatusMethodNotAllowed, "Method not allowed."
	case !s.options.anyRequest:
		status, complaint = m.judge(op, r, a, found)
	}
	if status == 0 && (op == opOpenAIModel || op == opAnthropicModel) &&
		!contains(knownModels(s.scripts.names()), c.model) {
		status = http.StatusNotFound
	}
	var ready *answer
	if status != 0 {
		ready = refusal(c, status, complaint)
	} else {
		ready = s.prepare(m, r, c)
	}
	// From here on the request's body belongs to the account.
	t := m.begin(r, op, ready.status)
	t.refused = complaint != ""
	x.CountInto(&m.bytes)
	p := player{x: x, answer: ready, step: ready.step, tally: t, request: r}
	return t.end(p.play())
}

// accountOf finds the counts of the model, or of the path if there is none.
func (s *server) accountOf(op operation, r *request, a asked) *modelStats {
	switch {
	case op == opOpenAIModel || op == opAnthropicModel:
		return s.stats.model(strings.TrimPrefix(r.path, modelPrefix))
	case len(a.model) == 0:
		return s.stats.model(r.path)
	}
	return s.stats.modelOf(a.model)
}

func refusal(c call, status int, complaint string) *answer {
	return render(&Step{Status: status,
		Error: &ErrorBody{Message: complaint}}, c)
}

// prepare finds the step whose turn it is and its rendered answer.
func (s *server) prepare(m *modelStats, r *request, c call) *answer {
	if name := r.headerValue("X-Mock-Script"); name != "" {
		plan := s.stats.model(name).planFor(s.scripts.find(name))
		return s.checked(render(plan.script.Steps[plan.take()], c), r, c)
	}
	plan := m.planFor(s.scripts.find(c.model))
	i := plan.take()
	step := plan.script.Steps[i]
	if step.Choices > 0 {
		c.choices = step.Choices
	}
	switch c.op {
	case opOpenAIChat, opAnthropicMessages, opAnthropicCountTokens:
		return s.checked(plan.cache[i].find(c.shape, func() *answer {
			return render(step, c)
		}), r, c)
	case opOpenAIModels, opAnthropicModels:
		c.names = knownModels(s.scripts.names())
	}
	c.stream = false
	return s.checked(render(step, c), r, c)
}

// checked refuses the request if its step wants a key that it does not bear.
func (s *server) checked(a *answer, r *request, c call) *answer {
	want := a.step.RequireKey
	if want == "" || r.headerValue("Authorization") == "Bearer "+want ||
		(c.op.anthropic() && r.headerValue("X-Api-Key") == want) {
		return a
	}
	return refusal(c, http.StatusUnauthorized, "")
}

// player sends one answer through one exchange, faults and all.
type player struct {
	x       exchange
	answer  *answer
	step    *Step
	request *request
	tally   *tally
	shaper  shaper
}

func (p *player) play() outcome {
	if p.answer.prebuilt != nil && p.request.plain {
		return p.playPrebuilt()
	}
	p.shaper = newShaper(p.x, p.step)
	err := p.beforeFirstByte()
	if err == nil {
		err = p.open()
	}
	if err == nil {
		if p.answer.stream {
			err = p.stream()
		} else {
			err = p.whole()
		}
	}
	switch {
	case err == nil:
		if p.step.CloseAfterAnswer {
			p.x.Close(false)
		}
		return outcomeServed
	case errors.Is(err, errCut):
		p.tally.takeBack()
		return outcomeAborted
	}
	p.tally.takeBack()
	return outcomeCancelled
}

func (p *player) playPrebuilt() outcome {
	p.tally.commit(&p.answer.usage)
	if _, err := p.x.Raw(p.answer.prebuilt); err != nil {
		p.tally.takeBack()
		p.tally.model.addUsage(&p.answer.usage, -1)
		return outcomeCancelled
	}
	return outcomeServed
}

// beforeFirstByte plays what happens while the caller has nothing yet.
func (p *player) beforeFirstByte() error {
	s := p.step
	p.x.SplitWire(s.WireSplitBytes, milliseconds(s.SplitDelayMs))
	if s.StallBeforeFirstByte {
		return p.x.Pause(-1)
	}
	if s.FirstByteDelayMs > 0 {
		if err := p.x.Pause(milliseconds(s.FirstByteDelayMs)); err != nil {
			return err
		}
	}
	switch {
	case s.ResetBeforeFirstByte,
		s.ResetReusedConnection && p.request.reused:
		p.x.Reset()
		return errCut
	case s.CloseBeforeFirstByte,
		s.CloseReusedConnection && p.request.reused:
		p.x.Close(s.TLSTruncate)
		return errCut
	}
	for _, status := range s.Inform {
		if err := p.x.Inform(status); err != nil {
			return err
		}
	}
	return p.spoilHead()
}

// spoilHead sends a head that is not HTTP, where the protocol allows it.
func (p *player) spoilHead() error {
	raw := ""
	switch p.step.Garbage {
	case "bad_status_line":
		raw = "HTTP/one 2OO\r\ncontent-length: 0\r\n\r\n"
	case "bad_header_line":
		raw = "HTTP/1.1 200 OK\r\nno colon here\r\ncontent-length: 0\r\n\r\n"
	case "bad_chunk_size":
		raw = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" +
			"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
	}
	if raw == "" {
		return nil
	}
	if _, err := p.x.Raw([]byte(raw)); err != nil {
		return err
	}
	p.x.Close(false)
	return errCut
}

func (p *player) open() error {
	header := p.answer.header
	if s := p.step.RetryAfterDateSec; s != nil {
		at := time.Now().Add(time.Duration(*s) * time.Second)
		header = append(header[:len(header):len(header)],
			field{"retry-after", at.UTC().Format(http.TimeFormat)})
	}
	size := p.answer.bodyBytes()
	if p.step.Garbage == "short_body" {
		size += 64
	}
	return p.x.Head(p.answer.status, header, p.answer.framing, size)
}

// whole sends a body that is not an event stream. A cut breaks it off in the
// middle, since it has no chunks to count.
func (p *player) whole() error {
	if cut := p.step.cut(); cut.kind != cutNone {
		if err := p.shaper.write(p.answer.body[:len(p.answer.body)/2]); err !=
			nil {
			return err
		}
		return p.breakOff(cut.kind)
	}
	if !p.shaper.active() {
		p.tally.commit(&p.answer.usage)
	}
	if err := p.shaper.write(p.answer.body); err != nil {
		return err
	}
	if p.shaper.active() {
		p.tally.commit(&p.answer.usage)
	}
	return p.end()
}

// end finishes the body, unless it is one that never ends properly.
func (p *player) end() error {
	if err := p.shaper.flush(); err != nil {
		return err
	}
	if p.step.Garbage == "short_body" {
		if err := p.x.Flush(); err != nil {
			return err
		}
		p.x.Close(false)
		return errCut
	}
	return p.x.Finish()
}

func (p *player) stream() error {
	s := p.step
	cut := s.cut()
	sent := 0
	if cut.kind != cutNone && cut.after == 0 {
		return p.breakOff(cut.kind)
	}
	pause := milliseconds(s.ChunkDelayMs)
	last := len(p.answer.parts) - 1
	for i, part := range p.answer.parts {
		for n := 0; n < part.times; n++ {
			for k := range part.events {
				e := &part.events[k]
				if e.content && sent > 0 && pause > 0 {
					if err := p.pause(pause); err != nil {
						return err
					}
				}
				final := i == last && n == part.times-1 &&
					k == len(part.events)-1
				if err := p.send(e, final); err != nil {
					return err
				}
				if !e.content {
					continue
				}
				sent++
				if cut.kind != cutNone && cut.after == sent {
					return p.breakOff(cut.kind)
				}
			}
		}
	}
	if p.shaper.active() {
		p.tally.commit(nil)
	}
	return p.end()
}

// send writes an event. What it tells is counted before it leaves, so that a
// caller who has read it finds it counted.
func (p *player) send(e *event, final bool) error {
	if e.usage != nil {
		p.tally.addUsage(e.usage)
	}
	if e.content {
		p.tally.addChunk()
	}
	if final && !p.shaper.active() {
		p.tally.commit(nil)
	}
	return p.shaper.write(e.bytes)
}

func (p *player) pause(d time.Duration) error {
	if err := p.shaper.flushEvents(); err != nil {
		return err
	}
	return p.x.Pause(d)
}

func (p *player) breakOff(kind cutKind) error {
	if kind == cutError {
		if err := p.shaper.write(p.answer.errorEvent()); err != nil {
			return err
		}
	}
	if err := p.shaper.flush(); err != nil {
		return err
	}
	if err := p.x.Flush(); err != nil {
		return err
	}
	switch kind {
	case cutReset:
		p.x.Reset()
	case cutClose:
		p.x.Close(p.step.TLSTruncate)
	case cutHalfClose:
		p.x.HalfClose()
	case cutStall:
		return p.x.Pause(-1)
	case cutEnd, cutError:
		if err := p.x.Finish(); err != nil {
			return err
		}
	}
	return errCut
}

func milliseconds(n int) time.Duration {
	return time.Duration(n) * time.Millisecond
}
