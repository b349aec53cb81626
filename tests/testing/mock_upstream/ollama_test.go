package main

import (
	"strings"
	"testing"
)

func (m *mock) ollama(more string) reply {
	m.t.Helper()
	return m.send(m.request("/api/chat", chatBody("o", more)))
}

func TestOllamaStreamsUnlessToldNotTo(t *testing.T) {
	m := startMock(t, options{})
	m.script("o", `{"text":"Grüße 😀","chunk_bytes":3,
		"reasoning":{"text":"Hm."},"usage":{"prompt_tokens":9,
		"completion_tokens":4},"tool_calls":[{"name":"f",
		"arguments":"{\"a\": 1}"}]}`)
	whole := m.ollama(`,"stream":false`).body
	if at(t, whole, "message", "content") != "Grüße 😀" ||
		at(t, whole, "message", "thinking") != "Hm." ||
		at(t, whole, "message", "tool_calls", 0, "function", "arguments",
			"a") != 1.0 || at(t, whole, "done_reason") != "stop" ||
		at(t, whole, "prompt_eval_count") != 9.0 ||
		at(t, whole, "eval_count") != 4.0 {
		t.Error(whole)
	}
	r := m.ollama("")
	if kind := r.Header.Get("Content-Type"); kind != "application/x-ndjson" {
		t.Error(kind)
	}
	text, thinking, calls := "", "", 0
	lines := strings.SplitAfter(strings.TrimSuffix(r.body, "\n"), "\n")
	for i, line := range lines {
		text += at(t, line, "message", "content").(string)
		if s, ok := at(t, line, "message", "thinking").(string); ok {
			thinking += s
		}
		if at(t, line, "message", "tool_calls") != nil {
			calls++
		}
		if at(t, line, "done") != (i == len(lines)-1) {
			t.Errorf("line %d: %s", i, line)
		}
	}
	if text != "Grüße 😀" || thinking != "Hm." || calls != 1 {
		t.Error(r.body)
	}
	if at(t, lines[len(lines)-1], "eval_count") != 4.0 {
		t.Error(lines)
	}
}

func TestOllamaLoadsAModelWithoutMessages(t *testing.T) {
	m := startMock(t, options{})
	for _, stream := range []string{"true", "false"} {
		r := m.send(m.request("/api/chat", `{"model":"o","stream":`+stream+
			`}`))
		if at(t, r.body, "done_reason") != "load" {
			t.Error(r.body)
		}
	}
}

func TestOllamaFailsInASentence(t *testing.T) {
	m := startMock(t, options{})
	m.script("o", `{"status":503}`)
	if r := m.ollama(""); r.StatusCode != 503 || !strings.HasPrefix(at(t,
		r.body, "error").(string), "server busy") {
		t.Error(r.body)
	}
	m.script("o", `{"error_after_chunks":2,"error":{"message":"oom"}}`)
	r := m.ollama("")
	lines := strings.Split(r.body, "\n")
	if len(lines) != 4 || lines[2] != `{"error":"oom"}` {
		t.Error(r.body)
	}
}

func TestOllamaEmbedsAndLists(t *testing.T) {
	m := startMock(t, options{})
	r := m.send(m.request("/api/embed",
		`{"model":"o","input":["a","b"],"dimensions":4}`))
	if at(t, r.body, "embeddings", 1, 3) != 0.125 ||
		at(t, r.body, "prompt_eval_count") != 12.0 {
		t.Error(r.body)
	}
	m.script("own", `{}`)
	if r := m.send(m.request("/api/tags", "")); !strings.Contains(r.body,
		`"model":"own"`) {
		t.Error(r.body)
	}
	if r := m.send(m.request("/api/version", "")); at(t, r.body,
		"version") == nil {
		t.Error(r.body)
	}
}

func TestOllamaRefusesWhatItsServerWould(t *testing.T) {
	m := startMock(t, options{})
	for body, want := range map[string]string{
		`{"messages":[]}`: "model is required",
		`{"model":"o","messages":[{"role":"user",
			"content":[{"type":"text"}]}]}`: "cannot unmarshal array",
		`{"model":"o","messages":[{"role":"assistant","tool_calls":[
			{"function":{"name":"f","arguments":"{}"}}]}]}`: "cannot unmarshal string",
		`{"model":"o","messages":[{"role":"user","images":["!"]}]}`: "base64",
		`{"model":"o","messages":[{"role":"developer"}]}`:           "invalid role",
		`{"model":"o","format":{"a"}}`:                              "not valid JSON",
		`{"model":"o","format":"yaml"}`:                             "invalid format",
		`{"model":"o","think":"xhigh"}`:                             "invalid think value",
	} {
		r := m.send(m.request("/api/chat", body))
		if r.StatusCode != 400 || !strings.Contains(at(t, r.body,
			"error").(string), want) {
			t.Errorf("%s: %s", body, r.body)
		}
	}
	if r := m.send(m.request("/api/embed",
		`{"model":"o","input":[1]}`)); r.StatusCode != 400 {
		t.Error(r.body)
	}
}
