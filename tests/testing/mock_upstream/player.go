package main

import (
	"errors"
	"net/http"
	"time"
)

// errCut says that the script has broken the exchange off.
var errCut = errors.New("cut by the script")

// perform answers one request of the vendors' API.
func (s *server) perform(x exchange, r *request) outcome {
	to := targetOf(r)
	a, found := scanRequest(r.body)
	m := s.accountOf(to, r, a)
	c := call{shape: shape{op: to.op, vendor: to.vendor,
		stream:       a.stream || to.stream,
		includeUsage: a.includeUsage, choices: a.choices},
		model: m.name, asked: a, body: r.body, query: r.query}
	if to.op == opOllamaChat {
		c.stream = !a.streamRefused
	}
	if m.name == otherModels {
		c.model = string(a.model)
	}
	bad := complaint{}
	switch {
	case to.op == opUnknown:
		bad = complaint{status: http.StatusNotFound,
			message: "Unknown path " + r.path}
	case !to.methodFits:
		bad = complaint{status: http.StatusMethodNotAllowed,
			message: "Method not allowed."}
	case !s.options.anyRequest:
		bad = m.check(to, r, a, found)
	}
	if bad.status == 0 && namesOneModel(to.op) &&
		!contains(knownModels(s.scripts.names()), c.model) {
		bad.status = http.StatusNotFound
	}
	var ready *answer
	if bad.status != 0 {
		ready = refusal(c, bad)
	} else if to.op == opOpenAIKeptResponse && !s.scripts.has(r.path) {
		ready = keptAnswer(c, r)
	} else {
		ready = s.prepare(m, r, c)
	}
	// From here on the request's body belongs to the account.
	t := m.begin(r, to.op, ready.status)
	t.refused = bad.message != ""
	x.CountInto(&m.bytes)
	p := player{x: x, answer: ready, step: ready.step, tally: t, request: r}
	if s.invoice == nil {
		return t.end(p.play())
	}
	requestID := r.headerValue("X-Request-Id")
	s.invoice.begin()
	o := t.end(p.play())
	s.invoice.end(to.op, requestID, &p, o)
	return o
}

// accountOf finds the counts of the model, or of the path if there is none.
func (s *server) accountOf(to target, r *request, a asked) *modelStats {
	switch {
	case to.model != "":
		return s.stats.model(to.model)
	case len(a.model) == 0:
		return s.stats.model(r.path)
	}
	return s.stats.modelOf(a.model)
}

func namesOneModel(op operation) bool {
	return op == opOpenAIModel || op == opAnthropicModel || op == opGeminiModel
}

func refusal(c call, bad complaint) *answer {
	return render(&Step{Status: bad.status, Error: bad.errorBody()}, c)
}

// prepare finds the step whose turn it is and its rendered answer.
func (s *server) prepare(m *modelStats, r *request, c call) *answer {
	if namesModels(c.op) {
		c.names = knownModels(s.scripts.names())
	}
	if name := r.headerValue("X-Mock-Script"); name != "" {
		plan := s.stats.model(name).planFor(s.scripts.find(name))
		step := plan.script.Steps[plan.take()]
		c.vendor = step.styled(c.vendor)
		return s.checked(render(step, c), r, c)
	}
	plan := m.planFor(s.scripts.find(c.model))
	i := plan.take()
	step := plan.script.Steps[i]
	c.vendor = step.styled(c.vendor)
	if step.Choices > 0 {
		c.choices = step.Choices
	}
	switch c.op {
	case opOpenAIChat, opAnthropicMessages, opAnthropicCountTokens,
		opGeminiGenerate, opGeminiCountTokens:
		return s.checked(plan.cache[i].find(c.shape, func() *answer {
			return render(step, c)
		}), r, c)
	case opOpenAIResponses, opOllamaChat: // What is asked for is told back.
	default:
		c.stream = false
	}
	return s.checked(render(step, c), r, c)
}

// checked refuses the request if its step wants a key that it does not bear.
func (s *server) checked(a *answer, r *request, c call) *answer {
	want := a.step.RequireKey
	if want == "" || r.headerValue("Authorization") == "Bearer "+want {
		return a
	}
	if header := keyHeaders[c.vendor]; header != "" &&
		r.headerValue(header) == want {
		return a
	}
	if c.vendor == vendorGemini {
		return refusal(c, complaint{status: http.StatusBadRequest,
			message: "API key not valid. Please pass a valid API key.",
			code:    "API_KEY_INVALID"})
	}
	return refusal(c, complaint{status: http.StatusUnauthorized})
}

func namesModels(op operation) bool {
	return op == opOpenAIModels || op == opAnthropicModels ||
		op == opGeminiModels || op == opOllamaTags
}

// player sends one answer through one exchange, faults and all.
type player struct {
	x       exchange
	answer  *answer
	step    *Step
	request *request
	tally   *tally
	shaper  shaper
	begun   bool // the head is on its way
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
	p.begun = err == nil
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
		return p.breakOff(cut.kind, nil)
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
		return p.breakOff(cut.kind, nil)
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
					return p.breakOff(cut.kind, e)
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

// breakOff ends the exchange badly after the event `last`, if any.
func (p *player) breakOff(kind cutKind, last *event) error {
	if kind == cutError {
		if err := p.shaper.write(p.answer.errorEvent(last)); err != nil {
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
