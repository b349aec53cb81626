package main

import (
	"encoding/json"
	"strconv"
)

type anthropicUsage struct {
	InputTokens      int64  `json:"input_tokens"`
	CacheWriteTokens int64  `json:"cache_creation_input_tokens"`
	CacheReadTokens  int64  `json:"cache_read_input_tokens"`
	CacheCreation    *split `json:"cache_creation,omitempty"`
	OutputTokens     int64  `json:"output_tokens"`
	OutputDetails    *struct {
		ThinkingTokens int64 `json:"thinking_tokens"`
	} `json:"output_tokens_details,omitempty"`
	ServerToolUse *string `json:"server_tool_use"`
	ServiceTier   string  `json:"service_tier"`
	InferenceGeo  *string `json:"inference_geo"`
}

// split tells cache writes apart by how long they live.
type split struct {
	FiveMinutes int64 `json:"ephemeral_5m_input_tokens"`
	OneHour     int64 `json:"ephemeral_1h_input_tokens"`
}

func anthropicUsageOf(u Usage) anthropicUsage {
	a := anthropicUsage{
		InputTokens:      u.PromptTokens - u.CachedTokens - u.CacheWriteTokens,
		CacheWriteTokens: u.CacheWriteTokens,
		CacheReadTokens:  u.CachedTokens,
		CacheCreation:    &split{FiveMinutes: u.CacheWriteTokens},
		OutputTokens:     u.CompletionTokens,
		ServiceTier:      "standard",
	}
	if u.ReasoningTokens != 0 {
		a.OutputDetails = &struct {
			ThinkingTokens int64 `json:"thinking_tokens"`
		}{u.ReasoningTokens}
	}
	return a
}

// anthropicBlock is a content block, whole or as it starts.
type anthropicBlock struct {
	Type string `json:"type"`

	Text      *string          `json:"text,omitempty"`
	Citations *json.RawMessage `json:"citations,omitempty"`

	Thinking  *string `json:"thinking,omitempty"`
	Signature *string `json:"signature,omitempty"`

	Data string `json:"data,omitempty"`

	ID     string          `json:"id,omitempty"`
	Name   string          `json:"name,omitempty"`
	Input  json.RawMessage `json:"input,omitempty"`
	Caller json.RawMessage `json:"caller,omitempty"`
}

type anthropicMessage struct {
	ID           string           `json:"id"`
	Type         string           `json:"type"`
	Role         string           `json:"role"`
	Model        string           `json:"model"`
	Content      []anthropicBlock `json:"content"`
	StopReason   *string          `json:"stop_reason"`
	StopSequence *string          `json:"stop_sequence"`
	StopDetails  *stopDetails     `json:"stop_details"`
	Container    *string          `json:"container"`
	Usage        *anthropicUsage  `json:"usage,omitempty"`
}

type stopDetails struct {
	Type        string  `json:"type"`
	Category    *string `json:"category"`
	Explanation string  `json:"explanation"`
}

func (s *Step) anthropicStop() string {
	if s.FinishReason != "" {
		if word, ok := map[string]string{"stop": "end_turn",
			"length": "max_tokens", "tool_calls": "tool_use",
			"content_filter": "refusal"}[s.FinishReason]; ok {
			return word
		}
		return s.FinishReason
	}
	switch {
	case s.StopSequence != "":
		return "stop_sequence"
	case s.Refusal != "":
		return "refusal"
	case len(s.ToolCalls) > 0:
		return "tool_use"
	}
	return "end_turn"
}

func (s *Step) stopSequence() *string {
	if s.StopSequence == "" {
		return nil
	}
	return &s.StopSequence
}

func (s *Step) stopDetails() *stopDetails {
	if s.anthropicStop() != "refusal" {
		return nil
	}
	category := "general_harms"
	return &stopDetails{"refusal", &category, s.Refusal}
}

func (t ToolCall) anthropicID(i int) string {
	if t.ID != "" {
		return t.ID
	}
	return "toolu_mock_" + strconv.Itoa(i)
}

// plannedBlock is a block and the deltas that a stream fills it with.
type plannedBlock struct {
	whole  anthropicBlock
	start  anthropicBlock
	deltas []deltaRun
}

type deltaRun struct {
	delta json.RawMessage
	times int
}

// newDelta writes the type first, as the vendor does.
func newDelta(kind, key, value string) json.RawMessage {
	return json.RawMessage(`{"type":"` + kind + `","` + key + `":` +
		string(toJSON(value)) + `}`)
}

func textDeltas(kind, key string, runs []run) []deltaRun {
	var deltas []deltaRun
	for _, r := range runs {
		deltas = append(deltas, deltaRun{newDelta(kind, key, r.piece),
			r.times})
	}
	return deltas
}

// anthropicBlocks plans the content of the answer, whole or streamed.
func anthropicBlocks(s *Step) []plannedBlock {
	var blocks []plannedBlock
	empty := ""
	none := json.RawMessage("null")
	if s.Reasoning != nil {
		blocks = append(blocks, thinkingBlock(s.Reasoning))
		if s.Reasoning.Redacted != "" {
			redacted := anthropicBlock{Type: "redacted_thinking",
				Data: s.Reasoning.Redacted}
			blocks = append(blocks, plannedBlock{redacted, redacted, nil})
		}
	}
	if s.hasText() {
		runs := s.textRuns()
		for i := range runs {
			runs[i].piece += s.garbageMark()
		}
		text := joinRuns(runs)
		blocks = append(blocks, plannedBlock{
			anthropicBlock{Type: "text", Text: &text, Citations: &none},
			anthropicBlock{Type: "text", Text: &empty, Citations: &none},
			textDeltas("text_delta", "text", runs)})
	}
	for i, t := range s.ToolCalls {
		input := json.RawMessage(t.arguments())
		if !json.Valid(input) {
			input = json.RawMessage("{}")
		}
		block := anthropicBlock{Type: "tool_use", ID: t.anthropicID(i),
			Name: t.Name, Caller: json.RawMessage(`{"type":"direct"}`)}
		start := block
		block.Input, start.Input = input, json.RawMessage("{}")
		runs := append([]run{{"", 1}},
			pieces(t.arguments(), s.argumentBytes())...)
		blocks = append(blocks, plannedBlock{block, start,
			textDeltas("input_json_delta", "partial_json", runs)})
	}
	return blocks
}

func thinkingBlock(r *Reasoning) plannedBlock {
	empty := ""
	signature := r.Signature
	if signature == "" {
		signature = "c2lnbmF0dXJlLW1vY2s="
	}
	deltas := textDeltas("thinking_delta", "thinking", pieces(r.Text, 16))
	deltas = append(deltas, deltaRun{newDelta("signature_delta",
		"signature", signature), 1})
	return plannedBlock{
		anthropicBlock{Type: "thinking", Thinking: &r.Text,
			Signature: &signature},
		anthropicBlock{Type: "thinking", Thinking: &empty, Signature: &empty},
		deltas}
}

func newAnthropicMessage(model string) anthropicMessage {
	return anthropicMessage{ID: "msg_mock", Type: "message",
		Role: "assistant", Model: model, Content: []anthropicBlock{}}
}

func anthropicUnary(s *Step, c call) ([]byte, Usage) {
	message := newAnthropicMessage(c.model)
	for _, block := range anthropicBlocks(s) {
		message.Content = append(message.Content, block.whole)
	}
	stop := s.anthropicStop()
	message.StopReason = &stop
	message.StopSequence = s.stopSequence()
	message.StopDetails = s.stopDetails()
	if s.UsageIn == "never" {
		return toJSON(message), Usage{}
	}
	usage := s.usageOf()
	told := anthropicUsageOf(usage)
	message.Usage = &told
	return toJSON(message), usage
}

func anthropicStream(s *Step, c call) []segment {
	usage := s.usageOf()
	parts := []segment{{[]event{anthropicStart(s, c, usage)}, 1}}
	for i, block := range anthropicBlocks(s) {
		start := []event{namedEvent("content_block_start", struct {
			Type  string         `json:"type"`
			Index int            `json:"index"`
			Block anthropicBlock `json:"content_block"`
		}{"content_block_start", i, block.start}, false)}
		if i == 0 {
			start = append(start, pingEvent())
		}
		parts = append(parts, segment{start, 1})
		for _, d := range block.deltas {
			parts = append(parts, segment{[]event{namedEvent(
				"content_block_delta", struct {
					Type  string          `json:"type"`
					Index int             `json:"index"`
					Delta json.RawMessage `json:"delta"`
				}{"content_block_delta", i, d.delta}, true)}, d.times})
		}
		parts = append(parts, segment{[]event{namedEvent("content_block_stop",
			struct {
				Type  string `json:"type"`
				Index int    `json:"index"`
			}{"content_block_stop", i}, false)}, 1})
	}
	return append(parts, anthropicEnding(s, usage))
}

func pingEvent() event {
	return namedEvent("ping", map[string]string{"type": "ping"}, false)
}

func anthropicStart(s *Step, c call, usage Usage) event {
	message := newAnthropicMessage(c.model)
	told := anthropicUsageOf(usage)
	told.OutputTokens, told.OutputDetails = 1, nil
	message.Usage = &told
	e := namedEvent("message_start", struct {
		Type    string           `json:"type"`
		Message anthropicMessage `json:"message"`
	}{"message_start", message}, false)
	// What is told at the start and what at the end add up to the whole.
	e.usage = &Usage{PromptTokens: usage.PromptTokens,
		CachedTokens:     usage.CachedTokens,
		CacheWriteTokens: usage.CacheWriteTokens}
	return e
}

func anthropicEnding(s *Step, usage Usage) segment {
	type delta struct {
		StopReason   string       `json:"stop_reason"`
		StopSequence *string      `json:"stop_sequence"`
		StopDetails  *stopDetails `json:"stop_details"`
	}
	var events []event
	if !s.OmitFinish {
		body := struct {
			Type  string                 `json:"type"`
			Delta delta                  `json:"delta"`
			Usage map[string]interface{} `json:"usage,omitempty"`
		}{Type: "message_delta", Delta: delta{s.anthropicStop(),
			s.stopSequence(), s.stopDetails()}}
		var told *Usage
		if s.UsageIn != "never" {
			body.Usage = map[string]interface{}{
				"output_tokens": usage.CompletionTokens}
			if usage.ReasoningTokens != 0 {
				body.Usage["output_tokens_details"] = map[string]int64{
					"thinking_tokens": usage.ReasoningTokens}
			}
			told = &Usage{CompletionTokens: usage.CompletionTokens,
				ReasoningTokens: usage.ReasoningTokens}
		}
		e := namedEvent("message_delta", body, false)
		e.usage = told
		events = append(events, e)
	}
	if s.Garbage == "duplicate_finish" && len(events) > 0 {
		again := events[0]
		again.usage = nil
		events = append(events, again)
	}
	if !s.OmitTerminator {
		events = append(events, namedEvent("message_stop",
			map[string]string{"type": "message_stop"}, false))
	}
	return segment{events, 1}
}
