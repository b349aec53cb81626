package main

import (
	"strings"
	"testing"
)

func (m *mock) respond(more string) reply {
	m.t.Helper()
	return m.send(m.request("/v1/responses",
		`{"model":"r","input":"hi"`+more+`}`))
}

// assembledResponse is what the events of a stream add up to.
type assembledResponse struct {
	names []string
	texts map[string]string // by item id: all its deltas
	dones map[string]string // by item id: what its done event says
	last  string            // the data of the last event
}

func assembleResponse(t *testing.T, stream string) assembledResponse {
	t.Helper()
	a := assembledResponse{texts: map[string]string{},
		dones: map[string]string{}}
	for i, e := range parseSSE(stream) {
		if at(t, e.data, "type") != e.name ||
			at(t, e.data, "sequence_number") != float64(i) {
			t.Errorf("event %d, %s: %s", i, e.name, e.data)
		}
		a.names = append(a.names, e.name)
		a.last = e.data
		id, _ := at(t, e.data, "item_id").(string)
		if delta, ok := at(t, e.data, "delta").(string); ok {
			a.texts[id] += delta
		}
		for _, key := range []string{"text", "arguments", "refusal"} {
			if done, ok := at(t, e.data, key).(string); ok {
				a.dones[id] = done
			}
		}
	}
	return a
}

func TestResponseStreamsWhatItAnswersWhole(t *testing.T) {
	m := startMock(t, options{})
	m.script("r", `{"text":"Grüße 😀","chunk_bytes":3,
		"reasoning":{"text":"Let me think about it.","signature":"c2ln"},
		"tool_calls":[{"id":"call_a","name":"f","arguments":"{\"a\": 1}"}]}`)
	const sealed = `,"include":["reasoning.encrypted_content"]`
	whole := m.respond(sealed).body
	if at(t, whole, "status") != "completed" ||
		at(t, whole, "output", 0, "encrypted_content") != "c2ln" ||
		at(t, whole, "output", 1, "content", 0, "text") != "Grüße 😀" ||
		at(t, whole, "output", 2, "call_id") != "call_a" ||
		at(t, whole, "output", 2, "arguments") != `{"a": 1}` {
		t.Error(whole)
	}
	a := assembleResponse(t, m.respond(`,"stream":true`).body)
	for id, want := range map[string]string{"msg_mock": "Grüße 😀",
		"rs_mock": "Let me think about it.", "fc_mock_0": `{"a": 1}`} {
		if a.texts[id] != want || a.dones[id] != want {
			t.Errorf("%s: %q, then %q", id, a.texts[id], a.dones[id])
		}
	}
	if at(t, a.last, "type") != "response.completed" ||
		at(t, a.last, "response", "usage", "input_tokens") != 12.0 {
		t.Error(a.last)
	}
}

func TestResponseEventsComeInTheVendorsOrder(t *testing.T) {
	m := startMock(t, options{})
	m.script("r", `{"text":"a b"}`)
	a := assembleResponse(t, m.respond(`,"stream":true`).body)
	const want = "created in_progress output_item.added " +
		"content_part.added output_text.delta output_text.delta " +
		"output_text.done content_part.done output_item.done completed"
	got := strings.ReplaceAll(strings.Join(a.names, " "), "response.", "")
	if got != want {
		t.Error(got)
	}
}

func TestResponseTellsTheSettingsBack(t *testing.T) {
	m := startMock(t, options{})
	whole := m.respond(`,"instructions":"Be brief.","temperature":0.5,
		"metadata":{"k":"v"},"text":{"verbosity":"low"},
		"tools":[{"type":"function","name":"f"}]`).body
	if at(t, whole, "instructions") != "Be brief." ||
		at(t, whole, "temperature") != 0.5 ||
		at(t, whole, "metadata", "k") != "v" ||
		at(t, whole, "text", "format", "type") != "text" ||
		at(t, whole, "tools", 0, "strict") != true {
		t.Error(whole)
	}
}

func TestResponseKnowsThoseThatItStored(t *testing.T) {
	m := startMock(t, options{})
	after := func(id interface{}) reply {
		return m.respond(`,"previous_response_id":"` + id.(string) + `"`)
	}
	id := at(t, m.respond("").body, "id")
	if r := after(id); r.StatusCode != 200 ||
		at(t, r.body, "previous_response_id") != id {
		t.Error(r.body)
	}
	unstored := at(t, m.respond(`,"store":false`).body, "id")
	for _, none := range []interface{}{unstored, "resp_mock_999999", "x"} {
		if r := after(none); r.StatusCode != 400 || at(t, r.body, "error",
			"code") != "previous_response_not_found" {
			t.Error(none, r.body)
		}
	}
}

func TestResponseEndsAsScripted(t *testing.T) {
	m := startMock(t, options{})
	m.script("r", `{"finish_reason":"length"}`)
	whole := m.respond("").body
	if at(t, whole, "status") != "incomplete" || at(t, whole,
		"incomplete_details", "reason") != "max_output_tokens" ||
		at(t, whole, "output", 0, "status") != "incomplete" {
		t.Error(whole)
	}
	m.script("r", `{"finish_reason":"failed"}`)
	a := assembleResponse(t, m.respond(`,"stream":true`).body)
	if at(t, a.last, "type") != "response.failed" || at(t, a.last,
		"response", "error", "code") != "server_error" {
		t.Error(a.last)
	}
	m.script("r", `{"refusal":"I will not do that."}`)
	a = assembleResponse(t, m.respond(`,"stream":true`).body)
	if a.texts["msg_mock"] != "I will not do that." || at(t, a.last,
		"response", "output", 0, "content", 0, "type") != "refusal" {
		t.Error(a)
	}
}

func TestResponseFailsInTheMiddleByAnErrorAndItsState(t *testing.T) {
	m := startMock(t, options{})
	m.script("r", `{"error_after_chunks":2,"error":{
		"code":"insufficient_quota"}}`)
	a := assembleResponse(t, m.respond(`,"stream":true`).body)
	n := len(a.names)
	if n != 8 || a.names[n-2] != "error" ||
		a.names[n-1] != "response.failed" ||
		at(t, a.last, "response", "error", "code") != "insufficient_quota" {
		t.Error(a.names, a.last)
	}
}

func TestResponseRefusesWhatTheVendorWould(t *testing.T) {
	m := startMock(t, options{})
	for more, param := range map[string]string{
		`,"input":null`:                            "input",
		`,"messages":[]`:                           "messages",
		`,"max_tokens":5`:                          "max_tokens",
		`,"max_output_tokens":15`:                  "max_output_tokens",
		`,"input":[{"role":"tool","content":"x"}]`: "input[0].role",
		`,"input":[{"role":"user","content":[{"type":"text",
			"text":"x"}]}]`: "input[0].content[0]",
		`,"input":[{"role":"user","content":[{"type":"input_image",
			"image_url":{"url":"x"}}]}]`: "input[0].content[0].image_url",
		`,"input":[{"type":"function_call","call_id":"c","name":"f",
			"arguments":{}}]`: "input[0].arguments",
		`,"input":[{"type":"function_call_output","call_id":"c",
			"output":"x"}]`: "input",
		`,"tools":[{"type":"function","function":{
			"name":"f"}}]`: "tools[0].name",
		`,"text":{"format":{"type":"json_schema","json_schema":
			{}}}`: "text.format.name",
	} {
		r := m.respond(more)
		if r.StatusCode != 400 || at(t, r.body, "error", "param") != param {
			t.Errorf("%s: %s", more, r.body)
		}
	}
	if r := m.respond(`,"max_output_tokens":16,"input":[{"role":"user",
		"content":[{"type":"input_text","text":"x"},{"type":"input_image",
		"image_url":"data:,"}]},{"type":"function_call","call_id":"c",
		"name":"f","arguments":"{}"},{"type":"function_call_output",
		"call_id":"c","output":"x"},{"type":"reasoning","id":"rs",
		"summary":[]}]`); r.StatusCode != 200 {
		t.Error(r.body)
	}
}
