package main

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

// openAIText joins the text of one choice of a stream.
func openAIText(t *testing.T, events []sseEvent, choice float64,
	key string) string {
	text := ""
	for _, e := range events {
		if e.data == "[DONE]" ||
			at(t, e.data, "choices", 0, "index") != choice {
			continue
		}
		if s, ok := at(t, e.data, "choices", 0, "delta", key).(string); ok {
			text += s
		}
	}
	return text
}

func TestChatAnswersTheSameTextWholeAndStreamed(t *testing.T) {
	m := startMock(t, options{})
	for _, script := range []string{`{}`, `{"text":"Grüße, 世界! 😀"}`,
		`{"text":"Grüße, 世界! 😀","chunk_bytes":1}`,
		`{"text":"Grüße, 世界!","chunks":3}`, `{"reply_bytes":1000}`,
		`{"reply_bytes":1001,"chunks":7}`, `{"chunks":5,"chunk_bytes":9}`} {
		m.script("m", script)
		whole := m.chat("m", "")
		want := at(t, whole.body, "choices", 0, "message", "content").(string)
		got := openAIText(t, parseSSE(m.chat("m", `,"stream":true`).body), 0,
			"content")
		if want == "" || got != want {
			t.Errorf("%s: streamed %q, whole %q", script, got, want)
		}
	}
}

func TestReplyHasTheBytesAndChunksAskedFor(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"reply_bytes":1000,"chunk_bytes":300}`)
	text := at(t, m.chat("m", "").body, "choices", 0, "message", "content")
	if len(text.(string)) != 1000 {
		t.Errorf("%d bytes", len(text.(string)))
	}
	m.chat("m", `,"stream":true`)
	if n := m.figure("m", "chunks"); n != 4 {
		t.Errorf("%d chunks", n)
	}
}

func TestStreamEndsWithFinishAndDone(t *testing.T) {
	m := startMock(t, options{})
	r := m.chat("m", `,"stream":true`)
	events := parseSSE(r.body)
	last := len(events) - 1
	if events[last].data != "[DONE]" || at(t, events[last-1].data, "choices",
		0, "finish_reason") != "stop" {
		t.Error(r.body)
	}
	if strings.Contains(r.body, `"usage"`) {
		t.Error("usage that nobody asked for")
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
		t.Error(r.Header)
	}
}

func TestUsageChunkComesOnlyWhenAsked(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"usage":{"prompt_tokens":50,"completion_tokens":9,
		"cached_tokens":20,"reasoning_tokens":4}}`)
	m.chat("m", `,"stream":true`)
	if n := m.figure("m", "usage.prompt_tokens"); n != 0 {
		t.Errorf("counted %d that were not told", n)
	}
	events := parseSSE(m.chat("m",
		`,"stream":true,"stream_options":{"include_usage":true}`).body)
	usage := events[len(events)-2].data
	if at(t, usage, "usage", "total_tokens") != 59.0 ||
		at(t, usage, "usage", "prompt_tokens_details",
			"cached_tokens") != 20.0 ||
		len(at(t, usage, "choices").([]interface{})) != 0 {
		t.Error(usage)
	}
	if !strings.Contains(events[0].data, `"usage":null`) {
		t.Error(events[0].data)
	}
	for name, want := range map[string]int64{"prompt_tokens": 50,
		"completion_tokens": 9, "cached_tokens": 20, "reasoning_tokens": 4} {
		if got := m.figure("m", "usage."+name); got != want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestUsageCanComeElsewhere(t *testing.T) {
	m := startMock(t, options{})
	for place, want := range map[string]int{"always": 1, "never": 0,
		"finish_chunk": 1, "every_chunk": 9} {
		m.script("m", `{"usage_in":"`+place+`"}`)
		body := m.chat("m", `,"stream":true`).body
		if got := strings.Count(body, `"total_tokens"`); got != want {
			t.Errorf("%s: told %d times", place, got)
		}
	}
	m.script("m", `{"usage_in":"never"}`)
	if r := m.chat("m", ""); strings.Contains(r.body, "prompt_tokens") {
		t.Error(r.body)
	}
}

func TestToolCallsComeWholeAndInFragments(t *testing.T) {
	m := startMock(t, options{})
	const arguments = `{"city":"Oslo","days":[1,2,3]}`
	m.script("m", `{"chunk_bytes":5,"tool_calls":[
		{"name":"a","arguments":"{\"city\":\"Oslo\",\"days\":[1,2,3]}"},
		{"id":"call_z","name":"b"}]}`)
	whole := m.chat("m", "").body
	first := []interface{}{"choices", 0, "message", "tool_calls", 0}
	if at(t, whole, append(first, "function", "arguments")...) != arguments ||
		at(t, whole, "choices", 0, "finish_reason") != "tool_calls" ||
		at(t, whole, "choices", 0, "message", "content") != nil ||
		at(t, whole, "choices", 0, "message", "tool_calls", 1,
			"id") != "call_z" {
		t.Error(whole)
	}
	joined := map[float64]string{}
	names := 0
	for _, e := range parseSSE(m.chat("m", `,"stream":true`).body) {
		if e.data == "[DONE]" {
			continue
		}
		call := []interface{}{"choices", 0, "delta", "tool_calls", 0}
		index, ok := at(t, e.data, append(call, "index")...).(float64)
		if !ok {
			continue
		}
		joined[index] += at(t, e.data, append(call, "function",
			"arguments")...).(string)
		if at(t, e.data, append(call, "id")...) != nil {
			names++
		}
	}
	if joined[0] != arguments || joined[1] != "{}" || names != 2 {
		t.Error(joined, names)
	}
}

func TestRefusalReasoningAndFinishReason(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"refusal":"I will not do that.",
		"reasoning":{"text":"Should I? Better not."},
		"finish_reason":"content_filter"}`)
	whole := m.chat("m", "").body
	if at(t, whole, "choices", 0, "message",
		"refusal") != "I will not do that." ||
		at(t, whole, "choices", 0, "message", "content") != nil ||
		at(t, whole, "choices", 0, "finish_reason") != "content_filter" {
		t.Error(whole)
	}
	events := parseSSE(m.chat("m", `,"stream":true`).body)
	if got := openAIText(t, events, 0, "refusal"); got !=
		"I will not do that." {
		t.Error(got)
	}
	if got := openAIText(t, events, 0, "reasoning_content"); got !=
		"Should I? Better not." {
		t.Error(got)
	}
}

func TestChoicesInterleave(t *testing.T) {
	m := startMock(t, options{})
	if whole := m.chat("m", `,"n":3`).body; at(t, whole, "choices", 2,
		"message", "content") != defaultText {
		t.Error(whole)
	}
	events := parseSSE(m.chat("m", `,"n":2,"stream":true`).body)
	for choice := 0.0; choice < 2; choice++ {
		if got := openAIText(t, events, choice, "content"); got !=
			defaultText {
			t.Error(got)
		}
	}
	if at(t, events[1].data, "choices", 0, "index") != 1.0 {
		t.Error("choices follow each other")
	}
}

func TestEmbeddingsAgreeInBothEncodings(t *testing.T) {
	m := startMock(t, options{})
	ask := func(more string) string {
		return m.send(m.request("/v1/embeddings",
			`{"model":"e","input":["a","b"]`+more+`}`)).body
	}
	floats := ask(`,"dimensions":5`)
	vector := at(t, floats, "data", 1, "embedding").([]interface{})
	raw, err := base64.StdEncoding.DecodeString(at(t,
		ask(`,"dimensions":5,"encoding_format":"base64"`), "data", 1,
		"embedding").(string))
	if err != nil || len(raw) != 20 || len(vector) != 5 {
		t.Fatal(err, len(raw), len(vector))
	}
	for i, want := range vector {
		got := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		if float64(got) != want.(float64) {
			t.Errorf("%d: %v and %v", i, got, want)
		}
	}
}

func TestInputsAreCountedAsTheVendorDoes(t *testing.T) {
	for input, want := range map[string]int{`"a"`: 1, `["a","b"]`: 2,
		`[1,2,3]`: 1, `[[1],[2],[3]]`: 3} {
		if got := inputCount([]byte(input)); got != want {
			t.Errorf("%s: %d", input, got)
		}
	}
}

func TestModelsAreListedForBothVendors(t *testing.T) {
	m := startMock(t, options{})
	m.script("org/own:1", `{}`)
	list := m.send(m.request("/v1/models", "")).body
	if at(t, list, "object") != "list" || !strings.Contains(list,
		`"org/own:1"`) {
		t.Error(list)
	}
	r := m.request("/v1/models", "")
	r.Header.Set("Anthropic-Version", "2023-06-01")
	list = m.send(r).body
	if at(t, list, "first_id") != "claude-mock" ||
		at(t, list, "data", 0, "type") != "model" {
		t.Error(list)
	}
	one := m.send(m.request("/v1/models/org%2Fown:1", ""))
	if one.StatusCode != 200 || at(t, one.body, "id") != "org/own:1" {
		t.Error(one.body)
	}
	none := m.send(m.request("/v1/models/none", ""))
	if none.StatusCode != 404 || at(t, none.body, "error",
		"code") != "model_not_found" {
		t.Error(none.body)
	}
}
