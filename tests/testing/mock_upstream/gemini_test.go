package main

import (
	"net/http"
	"strings"
	"testing"
)

func (m *mock) geminiRequest(rest, body string) *http.Request {
	m.t.Helper()
	r := m.request("/v1beta/models"+rest, body)
	r.Header.Set("X-Goog-Api-Key", "key")
	return r
}

func geminiBody(more string) string {
	return `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]` + more + `}`
}

func (m *mock) generate(more string) reply {
	m.t.Helper()
	return m.send(m.geminiRequest("/g:generateContent", geminiBody(more)))
}

func (m *mock) generateStream(more string) reply {
	m.t.Helper()
	return m.send(m.geminiRequest("/g:streamGenerateContent?alt=sse",
		geminiBody(more)))
}

func TestGeminiStreamsWhatItAnswersWhole(t *testing.T) {
	m := startMock(t, options{})
	m.script("g", `{"text":"Grüße 😀","chunk_bytes":3,
		"reasoning":{"text":"Let me think.","signature":"c2ln"},
		"usage":{"prompt_tokens":50,"completion_tokens":9,
		"cached_tokens":20,"reasoning_tokens":4}}`)
	whole := m.generate("").body
	parts := []interface{}{"candidates", 0, "content", "parts"}
	if at(t, whole, append(parts, 0, "thought")...) != true ||
		at(t, whole, append(parts, 1, "text")...) != "Grüße 😀" ||
		at(t, whole, append(parts, 1, "thoughtSignature")...) != "c2ln" ||
		at(t, whole, "candidates", 0, "finishReason") != "STOP" {
		t.Error(whole)
	}
	r := m.generateStream("")
	text, thoughts, signature := "", "", ""
	events := parseSSE(r.body)
	for _, e := range events {
		piece, _ := at(t, e.data, append(parts, 0, "text")...).(string)
		if at(t, e.data, append(parts, 0, "thought")...) == true {
			thoughts += piece
		} else {
			text += piece
		}
		if s, ok := at(t, e.data, append(parts, 0,
			"thoughtSignature")...).(string); ok {
			signature += s
		}
	}
	if text != "Grüße 😀" || thoughts != "Let me think." ||
		signature != "c2ln" {
		t.Error(r.body)
	}
	last := events[len(events)-1].data
	for name, want := range map[string]float64{"promptTokenCount": 50,
		"cachedContentTokenCount": 20, "candidatesTokenCount": 5,
		"thoughtsTokenCount": 4, "totalTokenCount": 59} {
		if at(t, last, "usageMetadata", name) != want ||
			at(t, whole, "usageMetadata", name) != want {
			t.Errorf("%s: %s", name, last)
		}
	}
	if strings.Contains(r.body, "[DONE]") || !strings.HasSuffix(r.body,
		"\r\n\r\n") {
		t.Errorf("%q", r.body)
	}
	if n := m.figure("g", "usage.completion_tokens"); n != 18 {
		t.Errorf("counted %d", n)
	}
}

func TestGeminiCallsFunctionsInOnePart(t *testing.T) {
	m := startMock(t, options{})
	m.script("g", `{"reasoning":{"signature":"c2ln"},"tool_calls":[
		{"name":"a","arguments":"{\"x\":1}"},{"id":"i","name":"b"}]}`)
	whole := m.generate("").body
	parts := []interface{}{"candidates", 0, "content", "parts"}
	if at(t, whole, append(parts, 0, "functionCall", "args", "x")...) != 1.0 ||
		at(t, whole, append(parts, 0, "functionCall", "id")...) != nil ||
		at(t, whole, append(parts, 1, "functionCall", "id")...) != "i" ||
		at(t, whole, append(parts, 0, "thoughtSignature")...) != "c2ln" ||
		at(t, whole, append(parts, 1, "thoughtSignature")...) != nil ||
		at(t, whole, "candidates", 0, "finishReason") != "STOP" {
		t.Error(whole)
	}
	events := parseSSE(m.generateStream("").body)
	if len(events) != 3 || at(t, events[0].data, append(parts, 0,
		"functionCall", "name")...) != "a" || at(t, events[2].data,
		append(parts, 0, "text")...) != "" {
		t.Error(events)
	}
}

func TestGeminiBlocksPromptsAndAnswers(t *testing.T) {
	m := startMock(t, options{})
	m.script("g", `{"refusal":"no"}`)
	for _, r := range []reply{m.generate(""), m.generateStream("")} {
		body := strings.TrimPrefix(strings.TrimSpace(r.body), "data: ")
		if r.StatusCode != 200 || at(t, body, "promptFeedback",
			"blockReason") != "PROHIBITED_CONTENT" ||
			at(t, body, "candidates") != nil {
			t.Error(r.body)
		}
	}
	for word, want := range map[string]string{"length": "MAX_TOKENS",
		"content_filter": "SAFETY", "RECITATION": "RECITATION"} {
		m.script("g", `{"finish_reason":"`+word+`"}`)
		if r := m.generate(""); at(t, r.body, "candidates", 0,
			"finishReason") != want {
			t.Error(r.body)
		}
	}
}

func TestGeminiFailsInGooglesWords(t *testing.T) {
	m := startMock(t, options{})
	m.script("g", `{"status":429,"error":{"retry_delay":"37s",
		"quota_id":"PerDay"}}`)
	r := m.generate("")
	if r.StatusCode != 429 || at(t, r.body, "error", "code") != 429.0 ||
		at(t, r.body, "error", "status") != "RESOURCE_EXHAUSTED" ||
		at(t, r.body, "error", "details", 0, "violations", 0,
			"quotaId") != "PerDay" || at(t, r.body, "error", "details", 1,
		"retryDelay") != "37s" {
		t.Error(r.body)
	}
	m.script("g", `{"require_key":"other"}`)
	if r := m.generate(""); r.StatusCode != 400 || at(t, r.body, "error",
		"details", 0, "reason") != "API_KEY_INVALID" {
		t.Error(r.body)
	}
	m.script("g", `{"require_key":"key"}`)
	if r := m.generate(""); r.StatusCode != 200 {
		t.Error(r.body)
	}
	m.script("g", `{"error_after_chunks":1,"error":{"bare":true}}`)
	stream := m.generateStream("").body
	bare := stream[strings.Index(stream, "\r\n\r\n")+4:]
	if at(t, bare, "error", "status") != "INTERNAL" || !strings.HasPrefix(
		bare, "{\n") {
		t.Error(stream)
	}
	m.script("g", `{"error_after_chunks":1}`)
	events := parseSSE(m.generateStream("").body)
	if len(events) != 2 || at(t, events[1].data, "error", "code") != 500.0 {
		t.Error(events)
	}
}

func TestGeminiCountsEmbedsAndLists(t *testing.T) {
	m := startMock(t, options{})
	m.script("g", `{"usage":{"prompt_tokens":321}}`)
	for _, body := range []string{geminiBody(""),
		`{"generateContentRequest":` + geminiBody(
			`,"model":"models/g"`) + `}`} {
		r := m.send(m.geminiRequest("/g:countTokens", body))
		if at(t, r.body, "totalTokens") != 321.0 {
			t.Error(r.body)
		}
	}
	const content = `"content":{"parts":[{"text":"x"}]},
		"outputDimensionality":3`
	r := m.send(m.geminiRequest("/g:embedContent", `{`+content+`}`))
	if len(at(t, r.body, "embedding", "values").([]interface{})) != 3 {
		t.Error(r.body)
	}
	r = m.send(m.geminiRequest("/g:batchEmbedContents", `{"requests":[
		{"model":"models/g",`+content+`},{"model":"models/g",`+content+`}]}`))
	if at(t, r.body, "embeddings", 1, "values", 0) != -0.0625 {
		t.Error(r.body)
	}
	r = m.send(m.geminiRequest("?pageSize=1&pageToken=1", ""))
	if at(t, r.body, "models", 0, "name") != "models/g" ||
		at(t, r.body, "nextPageToken") != "2" {
		t.Error(r.body)
	}
	r = m.send(m.geminiRequest("/g", ""))
	if at(t, r.body, "inputTokenLimit") != 1048576.0 {
		t.Error(r.body)
	}
	r = m.send(m.geminiRequest("/none", ""))
	if r.StatusCode != 404 || at(t, r.body, "error",
		"status") != "NOT_FOUND" {
		t.Error(r.body)
	}
}

func TestGeminiIsFoundBelowBothItsVersions(t *testing.T) {
	m := startMock(t, options{})
	for path, body := range map[string]string{
		"/v1/models/g:generateContent":   geminiBody(""),
		"/v1/models?pageSize=2":          "",
		"/v1/models/gemini-mock":         "",
		"/v1/models/a:b:generateContent": geminiBody(""),
	} {
		r := m.request(path, body)
		r.Header.Set("X-Goog-Api-Key", "key")
		if r := m.send(r); r.StatusCode != 200 || !strings.Contains(r.body,
			"models/") && !strings.Contains(r.body, "candidates") {
			t.Error(path, r.body)
		}
	}
	for _, path := range []string{"/v1/models", "/v1/models/gpt-mock"} {
		if r := m.send(m.request(path, "")); !strings.Contains(r.body,
			`"object":`) {
			t.Error(path, r.body)
		}
	}
}

func (m *mock) generateData(data string) reply {
	m.t.Helper()
	return m.send(m.geminiRequest("/g:generateContent",
		`{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png",
		"data":"`+data+`"}}]}]}`))
}

func TestGeminiWantsAKey(t *testing.T) {
	m := startMock(t, options{})
	r := m.request("/v1beta/models/g:generateContent", geminiBody(""))
	if r := m.send(r); r.StatusCode != 403 || at(t, r.body, "error",
		"status") != "PERMISSION_DENIED" {
		t.Error(r.body)
	}
}

func TestGeminiRefusesWhatGoogleWould(t *testing.T) {
	m := startMock(t, options{})
	for body, want := range map[string]string{
		`{}`:                             "contents is not specified",
		`{"messages":[]}`:                `Unknown name "messages"`,
		geminiBody(`,"max_tokens":5`):    `Unknown name "max_tokens"`,
		`{"contents":[{"role":"user"}]}`: "must not be empty",
		`{"contents":[{"role":"assistant","parts":[{"text":"x"}]}]}`: "valid role",
		`{"contents":[{"parts":[{"text":"x","inlineData":{}}]}]}`:    "oneof",
		`{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png",
			"data":"!"}}]}]}`: "Base64 decoding failed",
		`{"contents":[{"parts":[{"functionResponse":{"name":"f",
			"response":"x"}}]}]}`: "Struct",
		`{"contents":[{"parts":[{"functionResponse":{"name":"f",
			"response":{}}}]}]}`: "number of function response parts",
		geminiBody(`,"tools":[{"functionDeclarations":[
			{"name":"1f"}]}]`): "Invalid function name",
		geminiBody(`,"toolConfig":{"functionCallingConfig":{
			"mode":"required"}}`): "function_calling_config.mode",
		geminiBody(`,"generationConfig":{"responseJsonSchema":{
			}}`): "mime type",
		geminiBody(`,"generationConfig":{"stop":["x"]}`): `Unknown name "stop"`,
		geminiBody(`,"generationConfig":{"thinkingConfig":{
			"thinkingBudget":1,"thinkingLevel":"LOW"}}`): "thinking budget",
	} {
		r := m.send(m.geminiRequest("/g:generateContent", body))
		if r.StatusCode != 400 || !strings.Contains(at(t, r.body, "error",
			"message").(string), want) {
			t.Errorf("%s: %s", body, r.body)
		}
	}
	for _, data := range []string{"a-_b", "a+/b", "YQ==", "YQ"} {
		if r := m.generateData(data); r.StatusCode != 200 {
			t.Error(data, r.body)
		}
	}
	called := `{"contents":[{"role":"user","parts":[{"text":"x"}]},
		{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},
		{"role":"user","parts":[{"function_response":{"name":"f",
		"response":{"output":1}}}]}],"generation_config":{"top_p":1}}`
	if r := m.send(m.geminiRequest("/g:generateContent",
		called)); r.StatusCode != 200 {
		t.Error(r.body)
	}
	if r := m.send(m.geminiRequest("/gemini-3-pro:generateContent",
		called)); r.StatusCode != 400 || !strings.Contains(r.body,
		"thought_signature") {
		t.Error(r.body)
	}
}
