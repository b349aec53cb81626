package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// mock is a server under test and a plain caller of it.
type mock struct {
	t       *testing.T
	server  *server
	address addresses
	client  *http.Client
}

func startMock(t *testing.T, o options) *mock {
	t.Helper()
	if o.listen == "" {
		o.listen = "127.0.0.1:0"
	}
	s, err := newServer(o)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.listen()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	return &mock{t, s, a, &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}}
}

func (m *mock) script(model, text string) {
	m.t.Helper()
	script, err := parseScript([]byte(text))
	if err != nil {
		m.t.Fatal(err)
	}
	m.server.scripts.set(model, script)
}

func (m *mock) request(path, body string) *http.Request {
	m.t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequest(method, "http://"+m.address.HTTP+path,
		strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(path, "/v1/messages") {
		r.Header.Set("Anthropic-Version", "2023-06-01")
	}
	return r
}

// reply is an answer read to its end, and how the end was.
type reply struct {
	*http.Response
	body string
	err  error
}

func (m *mock) send(r *http.Request) reply {
	m.t.Helper()
	response, err := m.client.Do(r)
	if err != nil {
		return reply{&http.Response{Header: http.Header{}}, "", err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{response, string(body), err}
}

func chatBody(model string, more string) string {
	return fmt.Sprintf(
		`{"model":%q,"messages":[{"role":"user","content":"hi"}]%s}`,
		model, more)
}

func (m *mock) chat(model, more string) reply {
	m.t.Helper()
	return m.send(m.request("/v1/chat/completions", chatBody(model, more)))
}

func (m *mock) messages(model, more string) reply {
	m.t.Helper()
	return m.send(m.request("/v1/messages",
		chatBody(model, `,"max_tokens":64`+more)))
}

func (m *mock) figure(model, name string) int64 {
	m.t.Helper()
	n, ok := m.server.stats.figure(model, name)
	if !ok {
		m.t.Fatalf("no figure %q", name)
	}
	return n
}

func (m *mock) await(event, model string, count int64) {
	m.t.Helper()
	now := m.server.stats.counter(event, model)
	if !m.server.stats.await(10*time.Second, func() bool {
		return now() >= count
	}) {
		m.t.Fatalf("%s of %q stayed at %d", event, model, now())
	}
}

// rawAnswer sends bytes on a connection of their own and reads to its end.
func (m *mock) rawAnswer(request string) (string, error) {
	m.t.Helper()
	c, err := net.Dial("tcp", m.address.HTTP)
	if err != nil {
		m.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		m.t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

func rawChat(model, more, header string) string {
	body := chatBody(model, more)
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"+
		"Content-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
		header, len(body), body)
}

// sseEvent is one event as a reader that keeps to the standard sees it.
type sseEvent struct{ name, data string }

// parseSSE reads a whole stream by the rules of the standard.
func parseSSE(stream string) []sseEvent {
	stream = strings.TrimPrefix(stream, "\ufeff")
	stream = strings.ReplaceAll(stream, "\r\n", "\n")
	stream = strings.ReplaceAll(stream, "\r", "\n")
	var events []sseEvent
	var e sseEvent
	var data []string
	lines := bufio.NewScanner(strings.NewReader(stream))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		line := lines.Text()
		name, value := line, ""
		if colon := strings.IndexByte(line, ':'); colon >= 0 {
			name = line[:colon]
			value = strings.TrimPrefix(line[colon+1:], " ")
		}
		switch {
		case line == "":
			if data != nil {
				e.data = strings.Join(data, "\n")
				events = append(events, e)
			}
			e, data = sseEvent{}, nil
		case name == "data":
			data = append(data, value)
		case name == "event":
			e.name = value
		}
	}
	return events
}

// at walks decoded JSON by keys and indices.
func at(t *testing.T, text string, path ...interface{}) interface{} {
	t.Helper()
	var tree interface{}
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, step := range path {
		switch key := step.(type) {
		case string:
			branch, ok := tree.(map[string]interface{})
			if !ok {
				t.Fatalf("no object at %q in %s", key, text)
			}
			tree = branch[key]
		case int:
			list, ok := tree.([]interface{})
			if !ok || key >= len(list) {
				return nil
			}
			tree = list[key]
		}
	}
	return tree
}
