package main

import (
	"strings"
	"testing"
)

const azureChat = "/openai/deployments/d/chat/completions?api-version=1"

func (m *mock) azure(path, body string) reply {
	m.t.Helper()
	r := m.request(path, body)
	r.Header.Set("Api-Key", "key")
	return m.send(r)
}

func TestAzureFiltersItsContent(t *testing.T) {
	m := startMock(t, options{})
	const body = `{"messages":[{"role":"user","content":"hi"}]`
	whole := m.azure(azureChat, body+"}").body
	if at(t, whole, "model") != "d" || at(t, whole, "prompt_filter_results",
		0, "content_filter_results", "hate", "severity") != "safe" ||
		at(t, whole, "choices", 0, "content_filter_results", "violence",
			"filtered") != false {
		t.Error(whole)
	}
	events := parseSSE(m.azure(azureChat, body+`,"stream":true}`).body)
	if at(t, events[0].data, "id") != "" || len(at(t, events[0].data,
		"choices").([]interface{})) != 0 || at(t, events[0].data,
		"prompt_filter_results") == nil ||
		openAIText(t, events[1:], 0, "content") != defaultText {
		t.Error(events)
	}
	m.script("d", `{"status":400,"error":{"code":"content_filter"}}`)
	r := m.azure(azureChat, body+"}")
	if r.StatusCode != 400 || at(t, r.body, "error", "innererror",
		"content_filter_result", "violence", "filtered") != true {
		t.Error(r.body)
	}
}

func TestAzureWantsItsHeadersAndItsVersion(t *testing.T) {
	m := startMock(t, options{})
	if r := m.send(m.request(azureChat, chatBody("d", ""))); r.StatusCode !=
		401 {
		t.Error(r.body)
	}
	path := strings.TrimSuffix(azureChat, "?api-version=1")
	if r := m.azure(path, chatBody("d", "")); r.StatusCode != 404 {
		t.Error(r.body)
	}
	for _, path := range []string{"/openai/v1/chat/completions",
		"/openai/v1/embeddings", "/openai/v1/responses",
		"/openai/deployments/d/embeddings?api-version=1"} {
		body := `{"model":"d","input":"x"}`
		if strings.HasSuffix(path, "completions") {
			body = chatBody("d", "")
		}
		if r := m.azure(path, body); r.StatusCode != 200 {
			t.Error(path, r.body)
		}
	}
	for _, path := range []string{"/openai/v1/models",
		"/openai/v1/models/gpt-mock"} {
		if r := m.azure(path, ""); r.StatusCode != 200 {
			t.Error(path, r.body)
		}
	}
}

func TestDeepSeekTellsItsCacheAndItsReasoning(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"style":"deepseek","text":"Hi","comments":2,
		"reasoning":{"text":"Hm."},"usage":{"prompt_tokens":50,
		"completion_tokens":9,"cached_tokens":20}}`)
	whole := m.chat("m", "").body
	if !strings.HasPrefix(whole, "\n\n{") || strings.Contains(whole,
		"refusal") || at(t, whole, "choices", 0, "message",
		"reasoning_content") != "Hm." || at(t, whole, "usage",
		"prompt_cache_hit_tokens") != 20.0 || at(t, whole, "usage",
		"prompt_cache_miss_tokens") != 30.0 {
		t.Error(whole)
	}
	stream := m.chat("m",
		`,"stream":true,"stream_options":{"include_usage":true}`).body
	events := parseSSE(stream)
	finish := events[len(events)-2].data
	if at(t, finish, "choices", 0, "finish_reason") != "stop" ||
		at(t, finish, "usage", "prompt_cache_hit_tokens") != 20.0 ||
		openAIText(t, events, 0, "reasoning_content") != "Hm." ||
		!strings.Contains(events[0].data, `"usage":null`) ||
		!strings.Contains(stream, ": keep-alive\n") {
		t.Error(stream)
	}
	if r := m.send(m.request("/chat/completions",
		chatBody("x", ""))); at(t, r.body, "usage",
		"prompt_cache_hit_tokens") != 0.0 {
		t.Error(r.body)
	}
}

func TestOpenRouterTellsTheCostAndTheProvider(t *testing.T) {
	m := startMock(t, options{})
	m.script("a/b", `{"text":"Hi","reasoning":{"text":"Hm.",
		"signature":"c2ln"},"usage":{"prompt_tokens":1,
		"completion_tokens":1,"cost":0.5}}`)
	const path = "/api/v1/chat/completions"
	whole := m.send(m.request(path, chatBody("a/b", ""))).body
	if at(t, whole, "provider") != "Mock" || at(t, whole, "usage",
		"cost") != 0.5 || at(t, whole, "choices", 0,
		"native_finish_reason") != "stop" || at(t, whole, "choices", 0,
		"message", "reasoning_details", 0, "signature") != "c2ln" {
		t.Error(whole)
	}
	stream := m.send(m.request(path, chatBody("a/b", `,"stream":true`))).body
	events := parseSSE(stream)
	if !strings.HasPrefix(stream, ": OPENROUTER PROCESSING\n\n") ||
		openAIText(t, events, 0, "reasoning") != "Hm." ||
		at(t, events[len(events)-2].data, "usage", "cost") != 0.5 {
		t.Error(stream)
	}
}

func TestOpenRouterFailsByAChunkWithAChoice(t *testing.T) {
	m := startMock(t, options{})
	m.script("m", `{"style":"openrouter","error_after_chunks":1}`)
	events := parseSSE(m.chat("m", `,"stream":true`).body)
	last := events[len(events)-1].data
	if at(t, last, "error", "code") != 500.0 || at(t, last, "choices", 0,
		"finish_reason") != "error" {
		t.Error(last)
	}
	m.script("m", `{"style":"openrouter","status":429}`)
	if r := m.chat("m", ""); at(t, r.body, "error", "code") != 429.0 ||
		at(t, r.body, "error", "metadata",
			"error_type") != "rate_limit_exceeded" {
		t.Error(r.body)
	}
}

func TestParametersOfOtherVendorsAreRefused(t *testing.T) {
	m := startMock(t, options{})
	if r := m.chat("m", `,"max_output_tokens":5`); r.StatusCode != 400 ||
		at(t, r.body, "error", "code") != "unknown_parameter" {
		t.Error(r.body)
	}
	if r := m.chat("m", `,"quite_new":5`); r.StatusCode != 200 {
		t.Error(r.body)
	}
	if r := m.messages("m", `,"n":1`); r.StatusCode != 400 || at(t, r.body,
		"error", "message") != "n: Extra inputs are not permitted" {
		t.Error(r.body)
	}
	m = startMock(t, options{anyRequest: true})
	if r := m.chat("m", `,"max_output_tokens":5`); r.StatusCode != 200 {
		t.Error(r.body)
	}
}
