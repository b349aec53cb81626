package main

import (
	"bytes"
	"encoding/json"
)

// What Azure, DeepSeek and OpenRouter write otherwise than OpenAI, whose
// format they share.

// reasoningDetail is OpenRouter's.
type reasoningDetail struct {
	Type      string `json:"type"`
	Text      string `json:"text,omitempty"`
	Signature string `json:"signature,omitempty"`
	Format    string `json:"format"`
	Index     int    `json:"index"`
}

func newReasoningDetail(text, signature string) []reasoningDetail {
	return []reasoningDetail{{"reasoning.text", text, signature,
		"anthropic-claude-v1", 0}}
}

const defaultCost = 0.00017

func (o *openAIUsage) style(v vendor, u Usage) {
	switch v {
	case vendorDeepSeek:
		miss := u.PromptTokens - u.CachedTokens
		o.CacheHitTokens, o.CacheMissTokens = &u.CachedTokens, &miss
	case vendorOpenRouter:
		cost, own := u.Cost, false
		if cost == 0 {
			cost = defaultCost
		}
		o.Cost, o.IsOwn = &cost, &own
	}
}

func (o *openAICompletion) style(v vendor) {
	switch v {
	case vendorOpenAI:
		return
	case vendorDeepSeek:
		o.ID = "00000000-0000-4000-8000-000000000000"
	case vendorOpenRouter:
		o.ID, o.Provider = "gen-mock", "Mock"
	}
	o.ServiceTier = ""
}

func (o *openAIChoice) style(v vendor) {
	switch v {
	case vendorAzure:
		o.FilterResults = json.RawMessage("{}")
		if o.FinishReason != nil || o.Message != nil {
			o.FilterResults = json.RawMessage(filterResults(
				o.FinishReason != nil && *o.FinishReason == "content_filter"))
		}
	case vendorOpenRouter:
		o.NativeFinish = o.FinishReason
	}
}

// filterResults is what Azure's content filter thought.
func filterResults(filtered bool) string {
	last := `"violence":{"filtered":false,"severity":"safe"}}`
	if filtered {
		last = `"violence":{"filtered":true,"severity":"medium"}}`
	}
	return `{"hate":{"filtered":false,"severity":"safe"},` +
		`"self_harm":{"filtered":false,"severity":"safe"},` +
		`"sexual":{"filtered":false,"severity":"safe"},` + last
}

func promptFilter() json.RawMessage {
	return json.RawMessage(`[{"prompt_index":0,"content_filter_results":` +
		filterResults(false) + `}]`)
}

// styleMessage is the message of a whole answer in the vendor's manner.
func styleMessage(v vendor, s *Step, m *openAIMessage) interface{} {
	switch v {
	case vendorDeepSeek:
		content := ""
		if m.Content != nil {
			content = *m.Content
		}
		calls := append([]openAIToolCall{}, m.ToolCalls...)
		for i := range calls {
			index := i
			calls[i].Index = &index
		}
		return struct {
			Role      string           `json:"role"`
			Content   string           `json:"content"`
			Reasoning *string          `json:"reasoning_content,omitempty"`
			ToolCalls []openAIToolCall `json:"tool_calls,omitempty"`
		}{m.Role, content, m.ReasoningContent, calls}
	case vendorOpenRouter:
		if s.Reasoning != nil {
			styled := *m
			styled.ReasoningContent = nil
			styled.Reasoning = &s.Reasoning.Text
			styled.ReasoningDetails = newReasoningDetail(s.Reasoning.Text,
				s.Reasoning.Signature)
			return &styled
		}
	}
	return m
}

// styleWhole puts blank lines before the body, as DeepSeek does while a
// request waits its turn.
func styleWhole(v vendor, s *Step, body []byte) []byte {
	if v != vendorDeepSeek || s.Comments == 0 {
		return body
	}
	return append(bytes.Repeat([]byte("\n"), s.Comments), body...)
}

func (r *openAIStreamer) usageJSON() json.RawMessage {
	return toJSON(openAIUsageOf(r.call.vendor, r.usage))
}

// usageIn is where the vendor tells usage unless the script says where.
// OpenRouter tells it unasked, DeepSeek in the chunk that finishes.
func (r *openAIStreamer) usageIn() string {
	switch {
	case r.step.UsageIn != "" && r.step.UsageIn != "requested":
		return r.step.UsageIn
	case r.call.vendor == vendorOpenRouter:
		return "always"
	case r.call.vendor == vendorDeepSeek && r.call.includeUsage:
		return "finish_chunk"
	case r.call.vendor == vendorDeepSeek:
		return "never"
	}
	return "requested"
}

// usageChoices are the choices of the chunk that tells usage.
func (r *openAIStreamer) usageChoices() []openAIChoice {
	if r.call.vendor != vendorOpenRouter {
		return []openAIChoice{}
	}
	return []openAIChoice{{Delta: map[string]string{
		"role": "assistant", "content": ""}}}
}

// preamble is what comes before the first chunk.
func (r *openAIStreamer) preamble() []event {
	switch r.call.vendor {
	case vendorAzure:
		return []event{{bytes: dataEvent([]byte(`{"choices":[],"created":0,` +
			`"id":"","model":"","object":"","prompt_filter_results":` +
			string(promptFilter()) + `}`))}}
	case vendorOpenRouter:
		return []event{{bytes: vendorOpenRouter.comment()}}
	}
	return nil
}

func (r *openAIStreamer) roles() []event {
	if r.call.vendor == vendorDeepSeek {
		return r.each(false, json.RawMessage(
			`{"role":"assistant","content":null,"reasoning_content":""}`))
	}
	type opening struct {
		Role    string  `json:"role"`
		Content *string `json:"content"`
		Refusal *string `json:"refusal"`
	}
	empty := ""
	first := opening{Role: "assistant", Content: &empty}
	if !r.step.hasText() {
		first.Content = nil
	}
	if r.step.Refusal != "" {
		first.Refusal = &empty
	}
	return r.each(false, first)
}

func (r *openAIStreamer) content(text string) interface{} {
	if r.call.vendor == vendorDeepSeek {
		return map[string]*string{"content": &text, "reasoning_content": nil}
	}
	return map[string]string{"content": text}
}

func (r *openAIStreamer) reasoning(text string) interface{} {
	switch r.call.vendor {
	case vendorDeepSeek:
		return map[string]*string{"content": nil, "reasoning_content": &text}
	case vendorOpenRouter:
		return map[string]interface{}{"content": "", "reasoning": text,
			"reasoning_details": newReasoningDetail(text, "")}
	}
	return map[string]string{"reasoning_content": text}
}

// reasoningEnd carries the signature, where that follows the text.
func (r *openAIStreamer) reasoningEnd() []segment {
	if r.call.vendor != vendorOpenRouter || r.step.Reasoning.Signature == "" {
		return nil
	}
	return []segment{r.once(r.each(false, map[string]interface{}{
		"content": "", "reasoning": nil, "reasoning_details": newReasoningDetail(
			"", r.step.Reasoning.Signature)})...)}
}

func (r *openAIStreamer) lastDelta() interface{} {
	if r.call.vendor == vendorDeepSeek {
		return json.RawMessage(`{"content":"","reasoning_content":null}`)
	}
	return struct{}{}
}
