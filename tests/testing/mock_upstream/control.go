package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	controlPrefix = "/_mock/"
	scriptPrefix  = "/_mock/scripts/"
	waitMaxMs     = 10 * 60 * 1000
)

func isControl(path string) bool {
	return strings.HasPrefix(path, controlPrefix)
}

// control answers a request of the control API. It is not counted.
func (s *server) control(x exchange, r *request) outcome {
	status, kind, body := s.controlAnswer(r)
	err := x.Head(status, []field{{"content-type", kind}}, framingLength,
		len(body))
	if err == nil {
		err = x.Body(body)
	}
	if err == nil {
		err = x.Finish()
	}
	if err != nil {
		return outcomeCancelled
	}
	return outcomeServed
}

func (s *server) controlAnswer(r *request) (int, string, []byte) {
	const jsonType = "application/json"
	query, err := url.ParseQuery(r.query)
	if err != nil {
		return complain(http.StatusBadRequest, err.Error())
	}
	switch r.method + " " + r.path {
	case "GET /_mock/stats":
		return http.StatusOK, jsonType, toJSON(s.stats.report())
	case "GET /_mock/stat":
		n, ok := s.stats.figure(query.Get("model"), query.Get("name"))
		if !ok {
			return complain(http.StatusNotFound, "no such figure")
		}
		return http.StatusOK, "text/plain", strconv.AppendInt(nil, n, 10)
	case "POST /_mock/reset":
		s.stats.reset()
		if query.Get("keep_scripts") == "" {
			s.scripts.restore()
		}
		return http.StatusOK, jsonType, []byte("{}")
	case "GET /_mock/invoice":
		if s.invoice == nil {
			return complain(http.StatusNotFound, "start it with --invoice")
		}
		return http.StatusOK, jsonType, toJSON(s.invoice.report())
	case "GET /_mock/wait":
		return s.wait(query)
	case "GET /_mock/last", "GET /_mock/last_body":
		m, ok := (*s.stats.models.Load())[query.Get("model")]
		if !ok {
			return complain(http.StatusNotFound, "no request for this model")
		}
		if r.path == "/_mock/last_body" {
			return http.StatusOK, "application/octet-stream", m.lastBody()
		}
		return http.StatusOK, jsonType, toJSON(m.lastReport())
	}
	if !strings.HasPrefix(r.path, scriptPrefix) ||
		len(r.path) == len(scriptPrefix) {
		return complain(http.StatusNotFound, "no such control path")
	}
	if r.method != http.MethodPut {
		return complain(http.StatusMethodNotAllowed, "want PUT")
	}
	script, err := parseScript(r.body)
	if err != nil {
		return complain(http.StatusBadRequest, err.Error())
	}
	s.scripts.set(r.path[len(scriptPrefix):], script)
	return http.StatusOK, jsonType, []byte("{}")
}

func complain(status int, why string) (int, string, []byte) {
	return status, "application/json", toJSON(map[string]string{"error": why})
}

// wait blocks until an event has happened often enough.
func (s *server) wait(query url.Values) (int, string, []byte) {
	count, timeoutMs := int64(1), int64(10000)
	for name, into := range map[string]*int64{
		"count": &count, "timeout_ms": &timeoutMs} {
		if text := query.Get(name); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < 0 || n > waitMaxMs {
				return complain(http.StatusBadRequest, "bad "+name)
			}
			*into = n
		}
	}
	current := s.stats.counter(query.Get("event"), query.Get("model"))
	if current == nil {
		return complain(http.StatusBadRequest, "event: want one of started, "+
			"served, aborted, cancelled, ended, chunks, accepted, closed, "+
			"open, malformed, handshake_failed")
	}
	compare := func() bool { return current() >= count }
	if query.Get("event") == "open" {
		compare = func() bool { return current() == count }
	}
	reached := s.stats.await(time.Duration(timeoutMs)*time.Millisecond,
		compare)
	status := http.StatusOK
	if !reached {
		status = http.StatusRequestTimeout
	}
	return status, "application/json", toJSON(map[string]interface{}{
		"reached": reached, "count": current()})
}

// counter finds what an event's count is read from.
func (s *stats) counter(event, model string) func() int64 {
	// The model is looked up each time: a reset makes a new account.
	of := func(read func(*modelStats) int64) func() int64 {
		return func() int64 {
			if model != "" {
				if m, ok := (*s.models.Load())[model]; ok {
					return read(m)
				}
				return 0
			}
			var sum int64
			for _, m := range *s.models.Load() {
				sum += read(m)
			}
			return sum
		}
	}
	switch event {
	case "started":
		return of(func(m *modelStats) int64 { return m.started.Load() })
	case "served":
		return of(func(m *modelStats) int64 { return m.served.Load() })
	case "aborted":
		return of(func(m *modelStats) int64 { return m.aborted.Load() })
	case "cancelled":
		return of(func(m *modelStats) int64 { return m.cancelled.Load() })
	case "ended":
		return of((*modelStats).ended)
	case "chunks":
		return of(func(m *modelStats) int64 { return m.chunks.Load() })
	case "accepted":
		return s.accepted.Load
	case "closed":
		return s.closed.Load
	case "open":
		return func() int64 { return s.accepted.Load() - s.closed.Load() }
	case "malformed":
		return s.malformed.Load
	case "handshake_failed":
		return s.handshakes.Load
	}
	return nil
}

// lastReport describes the newest request.
type lastReport struct {
	Method     string      `json:"method"`
	Target     string      `json:"target"`
	Proto      string      `json:"proto"`
	Headers    [][2]string `json:"headers"` // as written, in order
	Head       string      `json:"head"`
	Body       *string     `json:"body"` // null unless it is UTF-8
	BodyBase64 []byte      `json:"body_base64"`
	Connection int64       `json:"connection"`
	Reused     bool        `json:"reused"`
	Secure     bool        `json:"secure"`
	Count      int64       `json:"count"`
}

func (m *modelStats) lastReport() lastReport {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := &m.last
	report := lastReport{Proto: last.proto, Head: string(last.head),
		BodyBase64: append([]byte{}, last.body...),
		Connection: last.connection, Reused: last.reused,
		Secure: last.secure, Count: m.started.Load(),
		Headers: [][2]string{}}
	if utf8.Valid(last.body) {
		text := string(last.body)
		report.Body = &text
	}
	lines := strings.Split(report.Head, "\r\n")
	if words := strings.Fields(lines[0]); len(words) >= 2 {
		report.Method, report.Target = words[0], words[1]
	}
	for _, line := range lines[1:] {
		if colon := strings.IndexByte(line, ':'); colon > 0 {
			report.Headers = append(report.Headers, [2]string{
				line[:colon], strings.TrimSpace(line[colon+1:])})
		}
	}
	return report
}

func (m *modelStats) lastBody() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]byte{}, m.last.body...)
}
