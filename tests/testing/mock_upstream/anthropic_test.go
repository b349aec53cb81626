package main

import (
	"strings"
	"testing"
)

// assembled is a message put together from a stream's events.
type assembled struct {
	blocks []map[string]string
	stop   interface{}
	names  []string
}

func assemble(t *testing.T, stream string) assembled {
	t.Helper()
	var a assembled
	for _, e := range parseSSE(stream) {
		a.names = append(a.names, e.name)
		if at(t, e.data, "type") != e.name {
			t.Errorf("event %s carries %s", e.name, e.data)
		}
		switch e.name {
		case "content_block_start":
			kind := at(t, e.data, "content_block", "type").(string)
			a.blocks = append(a.blocks, map[string]string{"type": kind})
		case "content_block_delta":
			if at(t, e.data, "index") != float64(len(a.blocks)-1) {
				t.Errorf("out of turn: %s", e.data)
			}
			delta := at(t, e.data, "delta").(map[string]interface{})
			for key, value := range delta {
				if key != "type" {
					a.blocks[len(a.blocks)-1][key] += value.(string)
				}
			}
		case "message_delta":
			a.stop = at(t, e.data, "delta", "stop_reason")
		}
	}
	return a
}

func TestMessageStreamsWhatItAnswersWhole(t *testing.T) {
	m := startMock(t, options{})
	m.script("c", `{"text":"Grüße 😀","chunk_bytes":3,
		"reasoning":{"text":"Let me think about it.","signature":"sig+/="},
		"tool_calls":[{"name":"f","arguments":"{\"a\": [1, 2]}"}]}`)
	whole := m.messages("c", "").body
	a := assemble(t, m.messages("c", `,"stream":true`).body)
	if len(a.blocks) != 3 {
		t.Fatal(a.blocks)
	}
	if at(t, whole, "content", 0, "thinking") != a.blocks[0]["thinking"] ||
		a.blocks[0]["signature"] != "sig+/=" ||
		at(t, whole, "content", 0, "signature") != "sig+/=" {
		t.Error(a.blocks[0], whole)
	}
	if at(t, whole, "content", 1, "text") != "Grüße 😀" ||
		a.blocks[1]["text"] != "Grüße 😀" {
		t.Error(a.blocks[1], whole)
	}
	if a.blocks[2]["partial_json"] != `{"a": [1, 2]}` ||
		at(t, whole, "content", 2, "input", "a", 1) != 2.0 {
		t.Error(a.blocks[2], whole)
	}
	if a.stop != "tool_use" || at(t, whole, "stop_reason") != "tool_use" {
		t.Error(a.stop, whole)
	}
	if a.names[0] != "message_start" ||
		a.names[len(a.names)-1] != "message_stop" {
		t.Error(a.names)
	}
}

func TestMessageUsageLeavesOutTheCache(t *testing.T) {
	m := startMock(t, options{})
	m.script("c", `{"usage":{"prompt_tokens":100,"completion_tokens":7,
		"cached_tokens":60,"cache_write_tokens":30,"reasoning_tokens":2}}`)
	whole := m.messages("c", "").body
	for name, want := range map[string]float64{"input_tokens": 10,
		"cache_read_input_tokens": 60, "cache_creation_input_tokens": 30,
		"output_tokens": 7} {
		if got := at(t, whole, "usage", name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	m.messages("c", `,"stream":true`)
	for name, want := range map[string]int64{"prompt_tokens": 200,
		"completion_tokens": 14, "cached_tokens": 120,
		"cache_write_tokens": 60, "reasoning_tokens": 4} {
		if got := m.figure("c", "usage."+name); got != want {
			t.Errorf("%s: counted %d", name, got)
		}
	}
}

func TestMessageCutShortTellsOnlyThePrompt(t *testing.T) {
	m := startMock(t, options{})
	m.script("c", `{"close_after_chunks":2,"usage":{"prompt_tokens":5,
		"completion_tokens":9}}`)
	m.messages("c", `,"stream":true`)
	m.await("aborted", "c", 1)
	if m.figure("c", "usage.prompt_tokens") != 5 ||
		m.figure("c", "usage.completion_tokens") != 0 {
		t.Error(m.server.stats.report().Models["c"].Usage)
	}
}

func TestStopReasons(t *testing.T) {
	m := startMock(t, options{})
	for script, want := range map[string]string{
		`{}`:                                 "end_turn",
		`{"finish_reason":"length"}`:         "max_tokens",
		`{"finish_reason":"pause_turn"}`:     "pause_turn",
		`{"stop_sequence":"END"}`:            "stop_sequence",
		`{"refusal":"no"}`:                   "refusal",
		`{"finish_reason":"content_filter"}`: "refusal",
	} {
		m.script("c", script)
		if got := at(t, m.messages("c", "").body, "stop_reason"); got !=
			want {
			t.Errorf("%s: %v", script, got)
		}
		if a := assemble(t, m.messages("c", `,"stream":true`).body); a.stop !=
			want {
			t.Errorf("%s: streamed %v", script, a.stop)
		}
	}
}

func TestTokensAreCounted(t *testing.T) {
	m := startMock(t, options{})
	m.script("c", `{"usage":{"prompt_tokens":321}}`)
	r := m.send(m.request("/v1/messages/count_tokens", chatBody("c", "")))
	if r.body != `{"input_tokens":321}` {
		t.Error(r.body)
	}
}

func TestPingsAndRedactedThinking(t *testing.T) {
	m := startMock(t, options{})
	m.script("c", `{"text":"a b","pings":2,"reasoning":{"redacted":"xyz"}}`)
	stream := m.messages("c", `,"stream":true`).body
	// One as the vendor sends it, two before each of: signature, "a ", "b".
	if n := strings.Count(stream, "event: ping"); n != 7 {
		t.Errorf("%d pings", n)
	}
	if !strings.Contains(stream, `"redacted_thinking","data":"xyz"`) {
		t.Error(stream)
	}
}
