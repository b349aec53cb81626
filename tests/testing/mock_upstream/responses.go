package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"
)

// responsesMade numbers responses, so that the next one can name its
// predecessor. What was asked for with "store": false says so in its id.
var responsesMade atomic.Int64

const (
	responsePrefix = "resp_mock_"
	notStored      = "_unstored"
)

// responseKnown says whether a response of this id was made and stored.
func responseKnown(id string) bool {
	n, err := strconv.ParseInt(strings.TrimPrefix(id, responsePrefix), 10, 64)
	return err == nil && strings.HasPrefix(id, responsePrefix) && n > 0 &&
		n <= responsesMade.Load()
}

type responseUsage struct {
	InputTokens  int64 `json:"input_tokens"`
	InputDetails struct {
		CachedTokens     int64 `json:"cached_tokens"`
		CacheWriteTokens int64 `json:"cache_write_tokens"`
		ImageTokens      int64 `json:"image_tokens,omitempty"`
	} `json:"input_tokens_details"`
	OutputTokens  int64 `json:"output_tokens"`
	OutputDetails struct {
		ReasoningTokens int64 `json:"reasoning_tokens"`
		ImageTokens     int64 `json:"image_tokens,omitempty"`
	} `json:"output_tokens_details"`
	TotalTokens int64 `json:"total_tokens"`
}

func responseUsageOf(u Usage) *responseUsage {
	r := &responseUsage{InputTokens: u.PromptTokens,
		OutputTokens: u.CompletionTokens,
		TotalTokens:  u.PromptTokens + u.CompletionTokens}
	r.InputDetails.CachedTokens = u.CachedTokens
	r.InputDetails.CacheWriteTokens = u.CacheWriteTokens
	r.InputDetails.ImageTokens = u.ImageInputTokens
	r.OutputDetails.ReasoningTokens = u.ReasoningTokens
	r.OutputDetails.ImageTokens = u.ImageOutputTokens
	return r
}

// response is the Response object. Settings are told back as they came.
type response struct {
	ID                string            `json:"id"`
	Object            string            `json:"object"`
	CreatedAt         int64             `json:"created_at"`
	CompletedAt       *int64            `json:"completed_at"`
	Status            string            `json:"status"`
	Background        bool              `json:"background"`
	Error             *responseError    `json:"error"`
	IncompleteDetails map[string]string `json:"incomplete_details"`
	Instructions      json.RawMessage   `json:"instructions"`
	MaxOutputTokens   json.RawMessage   `json:"max_output_tokens"`
	MaxToolCalls      json.RawMessage   `json:"max_tool_calls"`
	Model             string            `json:"model"`
	Output            []interface{}     `json:"output"`
	ParallelToolCalls json.RawMessage   `json:"parallel_tool_calls"`
	PreviousID        json.RawMessage   `json:"previous_response_id"`
	PromptCacheKey    json.RawMessage   `json:"prompt_cache_key"`
	Reasoning         json.RawMessage   `json:"reasoning"`
	SafetyIdentifier  json.RawMessage   `json:"safety_identifier"`
	ServiceTier       string            `json:"service_tier"`
	Store             json.RawMessage   `json:"store"`
	Temperature       json.RawMessage   `json:"temperature"`
	Text              json.RawMessage   `json:"text"`
	ToolChoice        json.RawMessage   `json:"tool_choice"`
	Tools             json.RawMessage   `json:"tools"`
	TopLogprobs       json.RawMessage   `json:"top_logprobs"`
	TopP              json.RawMessage   `json:"top_p"`
	Truncation        json.RawMessage   `json:"truncation"`
	Usage             *responseUsage    `json:"usage"`
	Metadata          json.RawMessage   `json:"metadata"`
}

type responseError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func newResponse(c call) response {
	asked := jsonObject{}
	_ = json.Unmarshal(c.body, &asked)
	told := func(key, byDefault string) json.RawMessage {
		if value := asked[key]; value != nil && string(value) != "null" {
			return value
		}
		return json.RawMessage(byDefault)
	}
	id := responsePrefix + strconv.FormatInt(responsesMade.Add(1), 10)
	if string(asked["store"]) == "false" {
		id += notStored
	}
	return response{ID: id, Object: "response", CreatedAt: createdUnix,
		Status: "in_progress", Model: c.model, ServiceTier: "default",
		Background:        string(asked["background"]) == "true",
		Output:            []interface{}{},
		Instructions:      told("instructions", "null"),
		MaxOutputTokens:   told("max_output_tokens", "null"),
		MaxToolCalls:      told("max_tool_calls", "null"),
		ParallelToolCalls: told("parallel_tool_calls", "true"),
		PreviousID:        told("previous_response_id", "null"),
		PromptCacheKey:    told("prompt_cache_key", "null"),
		Reasoning:         told("reasoning", `{"effort":null,"summary":null}`),
		SafetyIdentifier:  told("safety_identifier", "null"),
		Store:             told("store", "true"),
		Temperature:       told("temperature", "1.0"),
		Text: toldText(told("text",
			`{"format":{"type":"text"},"verbosity":"medium"}`)),
		ToolChoice:  told("tool_choice", `"auto"`),
		Tools:       toldTools(told("tools", "[]")),
		TopLogprobs: told("top_logprobs", "0"),
		TopP:        told("top_p", "1.0"),
		Truncation:  told("truncation", `"disabled"`),
		Metadata:    told("metadata", "{}"),
	}
}

// toldText fills in the format that was left out.
func toldText(text json.RawMessage) json.RawMessage {
	settings := jsonObject{}
	if json.Unmarshal(text, &settings) != nil || settings["format"] != nil {
		return text
	}
	settings["format"] = json.RawMessage(`{"type":"text"}`)
	return toJSON(settings)
}

// toldTools fills in what the vendor decides about a function.
func toldTools(tools json.RawMessage) json.RawMessage {
	var list []jsonObject
	if json.Unmarshal(tools, &list) != nil {
		return tools
	}
	for _, tool := range list {
		if string(tool["type"]) != `"function"` {
			continue
		}
		for key, value := range map[string]string{"strict": "true",
			"parameters": "null", "description": "null"} {
			if tool[key] == nil {
				tool[key] = json.RawMessage(value)
			}
		}
	}
	return toJSON(list)
}

// responsePart is a part of a message: a text or a refusal.
type responsePart struct {
	Type        string    `json:"type"`
	Text        *string   `json:"text,omitempty"`
	Annotations *[]string `json:"annotations,omitempty"`
	Logprobs    *[]string `json:"logprobs,omitempty"`
	Refusal     *string   `json:"refusal,omitempty"`
}

func newResponsePart(kind, text string) responsePart {
	if kind == "refusal" {
		return responsePart{Type: kind, Refusal: &text}
	}
	return responsePart{Type: kind, Text: &text, Annotations: &[]string{},
		Logprobs: &[]string{}}
}

type responseMessage struct {
	ID      string         `json:"id"`
	Type    string         `json:"type"`
	Status  string         `json:"status"`
	Role    string         `json:"role"`
	Content []responsePart `json:"content"`
}

type responseCall struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Status    string `json:"status"`
	CallID    string `json:"call_id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type summaryPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type responseReasoning struct {
	ID        string        `json:"id"`
	Type      string        `json:"type"`
	Summary   []summaryPart `json:"summary"`
	Encrypted *string       `json:"encrypted_content,omitempty"`
}

// plannedItem is an item of the output: whole, as it starts, and the pieces
// that a stream sends between the two.
type plannedItem struct {
	id     string
	whole  interface{}
	start  interface{}
	part   string // of a message: output_text or refusal
	text   string // all pieces together
	name   string // of a call
	pieces []run
}

// responseItems plans the output, whole or streamed.
func responseItems(s *Step, c call) []plannedItem {
	var items []plannedItem
	if s.Reasoning != nil {
		items = append(items, reasoningItem(s, c))
	}
	if s.Refusal != "" {
		items = append(items, messageItem(s, "refusal", s.Refusal,
			pieces(s.Refusal, 16)))
	}
	if s.hasText() {
		runs := s.textRuns()
		for i := range runs {
			runs[i].piece += s.garbageMark()
		}
		items = append(items, messageItem(s, "output_text", joinRuns(runs),
			runs))
	}
	for i, t := range s.ToolCalls {
		id := "fc_mock_" + strconv.Itoa(i)
		whole := responseCall{id, "function_call", "completed", t.id(i),
			t.Name, t.arguments()}
		start := whole
		start.Status, start.Arguments = "in_progress", ""
		items = append(items, plannedItem{id: id, whole: whole, start: start,
			text: t.arguments(), name: t.Name,
			pieces: pieces(t.arguments(), s.argumentBytes())})
	}
	return items
}

func messageItem(s *Step, kind, text string, runs []run) plannedItem {
	whole := responseMessage{"msg_mock", "message", "completed", "assistant",
		[]responsePart{newResponsePart(kind, text)}}
	if status, _ := s.responseStatus(); status == "incomplete" {
		whole.Status = status
	}
	start := whole
	start.Status, start.Content = "in_progress", []responsePart{}
	return plannedItem{id: whole.ID, whole: whole, start: start, part: kind,
		text: text, pieces: runs}
}

func reasoningItem(s *Step, c call) plannedItem {
	whole := responseReasoning{ID: "rs_mock", Type: "reasoning",
		Summary: []summaryPart{}}
	start := whole
	if s.Reasoning.Text != "" {
		whole.Summary = []summaryPart{{"summary_text", s.Reasoning.Text}}
	}
	if c.asked.wantsEncrypted {
		sealed := s.Reasoning.Signature
		if sealed == "" {
			sealed = "ZW5jcnlwdGVkLW1vY2s="
		}
		whole.Encrypted = &sealed
	}
	return plannedItem{id: whole.ID, whole: whole, start: start,
		text: s.Reasoning.Text, pieces: pieces(s.Reasoning.Text, 16)}
}

// responseStatus is how the response ends, and why if it is incomplete.
func (s *Step) responseStatus() (status, reason string) {
	switch s.FinishReason {
	case "length", "max_tokens", "max_output_tokens":
		return "incomplete", "max_output_tokens"
	case "content_filter":
		return "incomplete", "content_filter"
	case "failed", "cancelled":
		return s.FinishReason, ""
	}
	return "completed", ""
}

// end fills in what is only known once the response is over.
func (r *response) end(s *Step, items []plannedItem, usage Usage) {
	status, reason := s.responseStatus()
	r.Status = status
	if reason != "" {
		r.IncompleteDetails = map[string]string{"reason": reason}
	}
	if status == "completed" {
		at := int64(createdUnix + 1)
		r.CompletedAt = &at
	}
	if status == "failed" {
		r.Error = responseErrorOf(s)
	}
	for _, item := range items {
		r.Output = append(r.Output, item.whole)
	}
	if s.UsageIn != "never" {
		r.Usage = responseUsageOf(usage)
	}
}

func responseErrorOf(s *Step) *responseError {
	e := errorFor(vendorOpenAI, 500, s.Error)
	if e.code == "" {
		e.code = "server_error"
	}
	return &responseError{e.code, e.message}
}

func responseUnary(s *Step, c call) ([]byte, Usage) {
	r := newResponse(c)
	if r.Background {
		r.Status = "queued"
		keep(r)
		return toJSON(r), Usage{}
	}
	usage := s.usageOf()
	r.end(s, responseItems(s, c), usage)
	keep(r)
	if s.UsageIn == "never" {
		usage = Usage{}
	}
	return toJSON(r), usage
}
