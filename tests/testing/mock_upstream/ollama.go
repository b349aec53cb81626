package main

import (
	"encoding/json"
	"strconv"
)

const ollamaCreated = "2026-01-01T00:00:00.000000001Z"

type ollamaFunction struct {
	Index     int             `json:"index"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

type ollamaCall struct {
	ID       string         `json:"id"`
	Function ollamaFunction `json:"function"`
}

type ollamaMessage struct {
	Role      string       `json:"role"`
	Content   string       `json:"content"`
	Thinking  string       `json:"thinking,omitempty"`
	ToolCalls []ollamaCall `json:"tool_calls,omitempty"`
}

type ollamaAnswer struct {
	Model      string        `json:"model"`
	CreatedAt  string        `json:"created_at"`
	Message    ollamaMessage `json:"message"`
	Done       bool          `json:"done"`
	DoneReason string        `json:"done_reason,omitempty"`
	*ollamaFigures
}

// ollamaFigures come with the end; durations are in nanoseconds.
type ollamaFigures struct {
	TotalDuration  int64 `json:"total_duration"`
	LoadDuration   int64 `json:"load_duration"`
	PromptCount    int64 `json:"prompt_eval_count,omitempty"`
	PromptDuration int64 `json:"prompt_eval_duration"`
	EvalCount      int64 `json:"eval_count,omitempty"`
	EvalDuration   int64 `json:"eval_duration"`
}

func newOllamaAnswer(c call) ollamaAnswer {
	return ollamaAnswer{Model: c.model, CreatedAt: ollamaCreated,
		Message: ollamaMessage{Role: "assistant"}}
}

// ollamaFinish is the word for how it ended. Calls of functions have none.
func (s *Step) ollamaFinish(c call) string {
	if !c.asked.hasMessages {
		return "load"
	}
	switch s.FinishReason {
	case "", "end_turn", "stop_sequence", "tool_calls", "tool_use":
		return "stop"
	case "max_tokens":
		return "length"
	}
	return s.FinishReason
}

func (a *ollamaAnswer) end(s *Step, c call, usage Usage) {
	a.Done, a.DoneReason = true, s.ollamaFinish(c)
	a.ollamaFigures = &ollamaFigures{TotalDuration: 300000000,
		LoadDuration: 1000000, PromptDuration: 1000000,
		EvalDuration: 200000000}
	if s.UsageIn != "never" {
		a.PromptCount = usage.PromptTokens
		a.EvalCount = usage.CompletionTokens
	}
}

// ollamaUsage leaves out what the vendor has no words for.
func ollamaUsage(s *Step, c call) Usage {
	if s.UsageIn == "never" || !c.asked.hasMessages {
		return Usage{}
	}
	usage := s.usageOf()
	return Usage{PromptTokens: usage.PromptTokens,
		CompletionTokens: usage.CompletionTokens}
}

func ollamaCalls(s *Step) []ollamaCall {
	var calls []ollamaCall
	for i, t := range s.ToolCalls {
		arguments := json.RawMessage(t.arguments())
		if !json.Valid(arguments) {
			arguments = json.RawMessage("{}")
		}
		id := t.ID
		if id == "" {
			id = "call_mock_" + strconv.Itoa(i)
		}
		calls = append(calls, ollamaCall{id, ollamaFunction{i, t.Name,
			arguments}})
	}
	return calls
}

func ollamaUnary(s *Step, c call) ([]byte, Usage) {
	usage := ollamaUsage(s, c)
	answer := newOllamaAnswer(c)
	answer.end(s, c, usage)
	if !c.asked.hasMessages { // Only loads the model.
		return toJSON(answer), usage
	}
	if s.Reasoning != nil {
		answer.Message.Thinking = s.Reasoning.Text
	}
	if s.hasText() {
		answer.Message.Content = joinRuns(s.textRuns()) + s.garbageMark()
	}
	if s.Refusal != "" {
		answer.Message.Content = s.Refusal
	}
	answer.Message.ToolCalls = ollamaCalls(s)
	return toJSON(answer), usage
}

func ollamaStream(s *Step, c call) []segment {
	var parts []segment
	add := func(m ollamaMessage, times int) {
		line := newOllamaAnswer(c)
		m.Role = "assistant"
		line.Message = m
		parts = append(parts, segment{[]event{{
			bytes: vendorOllama.frame(toJSON(line)), content: true}}, times})
	}
	if c.asked.hasMessages {
		if s.Reasoning != nil {
			for _, piece := range pieces(s.Reasoning.Text, 16) {
				add(ollamaMessage{Thinking: piece.piece}, 1)
			}
		}
		runs := pieces(s.Refusal, 16)
		if s.hasText() {
			runs = s.textRuns()
		}
		for _, run := range runs {
			add(ollamaMessage{Content: run.piece + s.garbageMark()},
				run.times)
		}
		for _, call := range ollamaCalls(s) {
			add(ollamaMessage{ToolCalls: []ollamaCall{call}}, 1)
		}
	}
	if s.OmitFinish || s.OmitTerminator {
		return parts
	}
	usage := ollamaUsage(s, c)
	last := newOllamaAnswer(c)
	last.end(s, c, usage)
	end := segment{[]event{{bytes: vendorOllama.frame(toJSON(last)),
		usage: &usage}}, 1}
	parts = append(parts, end)
	if s.Garbage == "duplicate_finish" {
		parts = append(parts, end)
	}
	return parts
}

func ollamaEmbeddings(s *Step, c call) ([]byte, Usage) {
	usage := Usage{PromptTokens: s.usageOf().PromptTokens}
	vectors := [][]float32{}
	for i := 0; i < inputCount(c.asked.input); i++ {
		vectors = append(vectors, s.vector(i, c.asked.dimensions))
	}
	return toJSON(struct {
		Model       string      `json:"model"`
		Embeddings  [][]float32 `json:"embeddings"`
		Total       int64       `json:"total_duration"`
		Load        int64       `json:"load_duration"`
		PromptCount int64       `json:"prompt_eval_count"`
	}{c.model, vectors, 14000000, 1000000, usage.PromptTokens}), usage
}

func ollamaTags(c call) []byte {
	type details struct {
		Parent       string   `json:"parent_model"`
		Format       string   `json:"format"`
		Family       string   `json:"family"`
		Families     []string `json:"families"`
		Size         string   `json:"parameter_size"`
		Quantization string   `json:"quantization_level"`
	}
	type model struct {
		Name     string  `json:"name"`
		Model    string  `json:"model"`
		Modified string  `json:"modified_at"`
		Size     int64   `json:"size"`
		Digest   string  `json:"digest"`
		Details  details `json:"details"`
	}
	models := []model{}
	for _, name := range c.names {
		models = append(models, model{name, name, "2026-01-01T00:00:00Z",
			5200000000, "500a1f067a9f", details{Format: "gguf",
				Family: "mock", Families: []string{"mock"}, Size: "8.2B",
				Quantization: "Q4_K_M"}})
	}
	return toJSON(map[string][]model{"models": models})
}
