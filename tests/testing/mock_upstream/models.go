package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"sort"
	"strings"
)

// Always listed, so that a list is never empty.
var builtInModels = []string{"claude-mock", "gemini-mock", "gpt-mock",
	"llama-mock"}

// knownModels is the sorted list that both vendors' paths serve.
func knownModels(scripted []string) []string {
	names := append(append([]string{}, builtInModels...), scripted...)
	sort.Strings(names)
	unique := names[:0]
	for i, name := range names {
		if i == 0 || name != names[i-1] {
			unique = append(unique, name)
		}
	}
	return unique
}

type openAIModel struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

type anthropicModel struct {
	Type           string  `json:"type"`
	ID             string  `json:"id"`
	DisplayName    string  `json:"display_name"`
	CreatedAt      string  `json:"created_at"`
	MaxInputTokens int     `json:"max_input_tokens"`
	MaxTokens      int     `json:"max_tokens"`
	Capabilities   *string `json:"capabilities"`
}

func openAIModelOf(name string) openAIModel {
	return openAIModel{name, "model", createdUnix, "mock"}
}

func anthropicModelOf(name string) anthropicModel {
	return anthropicModel{"model", name, strings.ToUpper(name),
		"2026-01-01T00:00:00Z", 200000, 64000, nil}
}

// modelAnswer lists the models or describes one that is known.
func modelAnswer(c call) []byte {
	switch c.op {
	case opOpenAIModel:
		return toJSON(openAIModelOf(c.model))
	case opAnthropicModel:
		return toJSON(anthropicModelOf(c.model))
	case opAnthropicModels:
		list := struct {
			Data    []anthropicModel `json:"data"`
			HasMore bool             `json:"has_more"`
			FirstID string           `json:"first_id"`
			LastID  string           `json:"last_id"`
		}{FirstID: c.names[0], LastID: c.names[len(c.names)-1]}
		for _, name := range c.names {
			list.Data = append(list.Data, anthropicModelOf(name))
		}
		return toJSON(list)
	}
	list := struct {
		Object string        `json:"object"`
		Data   []openAIModel `json:"data"`
	}{Object: "list"}
	for _, name := range c.names {
		list.Data = append(list.Data, openAIModelOf(name))
	}
	return toJSON(list)
}

func countInputTokens(s *Step) []byte {
	return toJSON(struct {
		Object      string `json:"object"`
		InputTokens int64  `json:"input_tokens"`
	}{"response.input_tokens", s.usageOf().PromptTokens})
}

func countTokens(s *Step) []byte {
	return toJSON(map[string]int64{"input_tokens": s.usageOf().PromptTokens})
}

// vector is the one for input i. Its components are fixed, and exact in 32
// bits, so that all encodings carry the same numbers.
func (s *Step) vector(i, askedDimensions int) []float32 {
	dimensions := 8
	if s.Dimensions > 0 {
		dimensions = s.Dimensions
	}
	if askedDimensions > 0 && askedDimensions <= 1<<16 {
		dimensions = askedDimensions
	}
	vector := make([]float32, dimensions)
	for k := range vector {
		vector[k] = float32(i*7+k%16-8) / 16
	}
	return vector
}

// embeddings answers with one vector per input.
func embeddings(s *Step, c call) ([]byte, Usage) {
	type item struct {
		Object    string      `json:"object"`
		Index     int         `json:"index"`
		Embedding interface{} `json:"embedding"`
	}
	items := []item{}
	for i := 0; i < inputCount(c.asked.input); i++ {
		vector := s.vector(i, c.asked.dimensions)
		var encoded interface{} = vector
		if string(c.asked.encodingFormat) == "base64" {
			encoded = base64Vector(vector)
		}
		items = append(items, item{"embedding", i, encoded})
	}
	usage := s.usageOf()
	usage.CompletionTokens = 0
	return toJSON(struct {
		Object string           `json:"object"`
		Data   []item           `json:"data"`
		Model  string           `json:"model"`
		Usage  map[string]int64 `json:"usage"`
	}{"list", items, c.model, map[string]int64{
		"prompt_tokens": usage.PromptTokens,
		"total_tokens":  usage.PromptTokens}}), usage
}

func base64Vector(vector []float32) string {
	raw := make([]byte, 4*len(vector))
	for i, v := range vector {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// inputCount tells how many texts an embeddings request holds: a string or a
// list of tokens is one.
func inputCount(input []byte) int {
	var list []json.RawMessage
	if json.Unmarshal(input, &list) != nil || len(list) == 0 {
		return 1
	}
	if first := list[0][0]; first == '"' || first == '[' {
		return len(list)
	}
	return 1
}
