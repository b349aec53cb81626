package main

import (
	"encoding/json"
	"strconv"
)

const createdUnix = 1767225600

type openAIUsage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	TotalTokens      int64 `json:"total_tokens"`
	PromptDetails    struct {
		CachedTokens     int64 `json:"cached_tokens"`
		CacheWriteTokens int64 `json:"cache_write_tokens,omitempty"`
		AudioTokens      int64 `json:"audio_tokens"`
		ImageTokens      int64 `json:"image_tokens,omitempty"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		ReasoningTokens int64 `json:"reasoning_tokens"`
		AudioTokens     int64 `json:"audio_tokens"`
		ImageTokens     int64 `json:"image_tokens,omitempty"`
		AcceptedTokens  int64 `json:"accepted_prediction_tokens"`
		RejectedTokens  int64 `json:"rejected_prediction_tokens"`
	} `json:"completion_tokens_details"`
	// DeepSeek.
	CacheHitTokens  *int64 `json:"prompt_cache_hit_tokens,omitempty"`
	CacheMissTokens *int64 `json:"prompt_cache_miss_tokens,omitempty"`
	// OpenRouter.
	Cost  *float64 `json:"cost,omitempty"`
	IsOwn *bool    `json:"is_byok,omitempty"`
}

func openAIUsageOf(v vendor, u Usage) openAIUsage {
	var o openAIUsage
	o.PromptTokens = u.PromptTokens
	o.CompletionTokens = u.CompletionTokens
	o.TotalTokens = u.PromptTokens + u.CompletionTokens
	o.PromptDetails.CachedTokens = u.CachedTokens
	o.PromptDetails.CacheWriteTokens = u.CacheWriteTokens
	o.PromptDetails.ImageTokens = u.ImageInputTokens
	o.CompletionDetails.ReasoningTokens = u.ReasoningTokens
	o.CompletionDetails.ImageTokens = u.ImageOutputTokens
	o.style(v, u)
	return o
}

type openAIFunction struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

type openAIToolCall struct {
	Index    *int           `json:"index,omitempty"`
	ID       string         `json:"id,omitempty"`
	Type     string         `json:"type,omitempty"`
	Function openAIFunction `json:"function"`
}

type openAIMessage struct {
	Role             string           `json:"role"`
	Content          *string          `json:"content"`
	ReasoningContent *string          `json:"reasoning_content,omitempty"`
	Refusal          *string          `json:"refusal"`
	ToolCalls        []openAIToolCall `json:"tool_calls,omitempty"`
	// OpenRouter.
	Reasoning        *string           `json:"reasoning,omitempty"`
	ReasoningDetails []reasoningDetail `json:"reasoning_details,omitempty"`
	Annotations      []string          `json:"annotations"`
}

type openAIChoice struct {
	Index        int         `json:"index"`
	Message      interface{} `json:"message,omitempty"`
	Delta        interface{} `json:"delta,omitempty"`
	Logprobs     *string     `json:"logprobs"`
	FinishReason *string     `json:"finish_reason"`
	// Azure.
	FilterResults json.RawMessage `json:"content_filter_results,omitempty"`
	// OpenRouter.
	NativeFinish *string `json:"native_finish_reason,omitempty"`
}

type openAICompletion struct {
	ID          string          `json:"id"`
	Object      string          `json:"object"`
	Created     int64           `json:"created"`
	Model       string          `json:"model"`
	Choices     []openAIChoice  `json:"choices"`
	Usage       json.RawMessage `json:"usage,omitempty"`
	ServiceTier string          `json:"service_tier,omitempty"`
	Fingerprint string          `json:"system_fingerprint"`
	// Azure.
	PromptFilter json.RawMessage `json:"prompt_filter_results,omitempty"`
	// OpenRouter.
	Provider string `json:"provider,omitempty"`
}

func newCompletion(object string, c call) openAICompletion {
	o := openAICompletion{ID: "chatcmpl-mock", Object: object,
		Created: createdUnix, Model: c.model, Choices: []openAIChoice{},
		ServiceTier: "default", Fingerprint: "fp_mock"}
	o.style(c.vendor)
	return o
}

// usageOf is what the step says was used, else what its text would use.
func (s *Step) usageOf() Usage {
	if s.Garbage == "negative_usage" {
		return Usage{PromptTokens: -12, CompletionTokens: -7,
			CachedTokens: -3, ReasoningTokens: -1}
	}
	if s.Usage != nil {
		return *s.Usage
	}
	return Usage{PromptTokens: 12,
		CompletionTokens: int64(runsLength(s.textRuns()))}
}

// hasText says whether the answer carries text: tool calls and refusals do so
// only when the script gives the text.
func (s *Step) hasText() bool {
	return s.Refusal == "" && (len(s.ToolCalls) == 0 || s.Text != "")
}

func (s *Step) openAIFinish() string {
	if s.FinishReason != "" {
		if word, ok := map[string]string{"end_turn": "stop",
			"stop_sequence": "stop", "max_tokens": "length",
			"tool_use": "tool_calls"}[s.FinishReason]; ok {
			return word
		}
		return s.FinishReason
	}
	if len(s.ToolCalls) > 0 {
		return "tool_calls"
	}
	return "stop"
}

func (t ToolCall) id(i int) string {
	if t.ID != "" {
		return t.ID
	}
	return "call_mock_" + strconv.Itoa(i)
}

func (t ToolCall) arguments() string {
	if t.Arguments == "" {
		return "{}"
	}
	return t.Arguments
}

func openAIUnary(s *Step, c call) ([]byte, Usage) {
	answer := newCompletion("chat.completion", c)
	finish := s.openAIFinish()
	message := &openAIMessage{Role: "assistant", Annotations: []string{}}
	if s.hasText() {
		text := joinRuns(s.textRuns()) + s.garbageMark()
		message.Content = &text
	}
	if s.Refusal != "" {
		message.Refusal = &s.Refusal
	}
	if s.Reasoning != nil {
		message.ReasoningContent = &s.Reasoning.Text
	}
	for i, t := range s.ToolCalls {
		message.ToolCalls = append(message.ToolCalls, openAIToolCall{
			ID: t.id(i), Type: "function",
			Function: openAIFunction{t.Name, t.arguments()}})
	}
	for i := 0; i < c.choices; i++ {
		choice := openAIChoice{Index: i, Message: styleMessage(c.vendor, s,
			message), FinishReason: &finish}
		choice.style(c.vendor)
		answer.Choices = append(answer.Choices, choice)
	}
	if c.vendor == vendorAzure {
		answer.PromptFilter = promptFilter()
	}
	if s.UsageIn == "never" {
		return toJSON(answer), Usage{}
	}
	usage := s.usageOf()
	answer.Usage = toJSON(openAIUsageOf(c.vendor, usage))
	return styleWhole(c.vendor, s, toJSON(answer)), usage
}

// openAIStreamer renders the chunks of one stream.
type openAIStreamer struct {
	step  *Step
	call  call
	usage Usage
	// On each chunk: none, null or the figures.
	chunkUsage json.RawMessage
}

func openAIStream(s *Step, c call) []segment {
	r := &openAIStreamer{step: s, call: c, usage: s.usageOf()}
	switch {
	case s.UsageIn == "every_chunk":
		r.chunkUsage = r.usageJSON()
	case c.vendor == vendorOpenRouter: // Its other chunks have no such key.
	case r.wantsUsageChunk() || c.vendor == vendorDeepSeek:
		r.chunkUsage = json.RawMessage("null")
	}
	parts := []segment{r.once(append(r.preamble(), r.roles()...)...)}
	if s.Reasoning != nil {
		for _, piece := range pieces(s.Reasoning.Text, 16) {
			parts = append(parts, r.once(r.each(true,
				r.reasoning(piece.piece))...))
		}
		parts = append(parts, r.reasoningEnd()...)
	}
	if s.hasText() {
		for _, run := range s.textRuns() {
			parts = append(parts, segment{r.each(true,
				r.content(run.piece+s.garbageMark())), run.times})
		}
	}
	for _, piece := range pieces(s.Refusal, 16) {
		parts = append(parts, r.once(r.each(true, map[string]string{
			"refusal": piece.piece})...))
	}
	for i, t := range s.ToolCalls {
		parts = append(parts, r.once(r.toolCall(i, t)...))
	}
	return append(parts, r.ending()...)
}

func (r *openAIStreamer) wantsUsageChunk() bool {
	switch r.usageIn() {
	case "always":
		return true
	case "requested":
		return r.call.includeUsage
	}
	return false
}

func (r *openAIStreamer) once(events ...event) segment {
	return segment{events, 1}
}

// chunk is one event with a delta for one choice.
func (r *openAIStreamer) chunk(choice int, content bool, delta interface{},
	finish *string) event {
	body := newCompletion("chat.completion.chunk", r.call)
	body.Usage = r.chunkUsage
	one := openAIChoice{Index: choice, Delta: delta, FinishReason: finish}
	one.style(r.call.vendor)
	body.Choices = append(body.Choices, one)
	return event{bytes: dataEvent(toJSON(body)), content: content}
}

// each is one event per choice: choices interleave.
func (r *openAIStreamer) each(content bool, delta interface{}) []event {
	var events []event
	for i := 0; i < r.call.choices; i++ {
		events = append(events, r.chunk(i, content, delta, nil))
	}
	return events
}

func (r *openAIStreamer) toolCall(index int, t ToolCall) []event {
	type delta struct {
		ToolCalls []openAIToolCall `json:"tool_calls"`
	}
	events := r.each(true, delta{[]openAIToolCall{{Index: &index,
		ID: t.id(index), Type: "function",
		Function: openAIFunction{Name: t.Name}}}})
	for _, piece := range pieces(t.arguments(), r.step.argumentBytes()) {
		events = append(events, r.each(true, delta{[]openAIToolCall{{
			Index:    &index,
			Function: openAIFunction{Arguments: piece.piece}}}})...)
	}
	return events
}

func (s *Step) argumentBytes() int {
	if s.ChunkBytes > 0 {
		return s.ChunkBytes
	}
	return defaultChunkBytes
}

// ending is the finish chunk of each choice, usage and the terminator.
func (r *openAIStreamer) ending() []segment {
	var events []event
	if !r.step.OmitFinish {
		finish := r.step.openAIFinish()
		if r.usageIn() == "finish_chunk" {
			r.chunkUsage = r.usageJSON()
		}
		for i := 0; i < r.call.choices; i++ {
			events = append(events, r.chunk(i, false, r.lastDelta(), &finish))
		}
		if r.usageIn() == "finish_chunk" || r.usageIn() == "every_chunk" {
			events[len(events)-1].usage = &r.usage
		}
	}
	if r.step.Garbage == "duplicate_finish" {
		events = append(events, events...)
	}
	if r.wantsUsageChunk() {
		body := newCompletion("chat.completion.chunk", r.call)
		body.Usage = r.usageJSON()
		body.Choices = r.usageChoices()
		events = append(events, event{bytes: dataEvent(toJSON(body)),
			usage: &r.usage})
	}
	if !r.step.OmitTerminator {
		events = append(events, event{bytes: dataEvent([]byte("[DONE]"))})
	}
	return []segment{r.once(events...)}
}
