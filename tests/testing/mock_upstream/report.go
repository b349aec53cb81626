package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

type statsReport struct {
	Connections connectionsReport      `json:"connections"`
	Malformed   int64                  `json:"malformed"`
	LastFault   string                 `json:"last_malformed"`
	Bytes       int64                  `json:"bytes_written"`
	Total       modelReport            `json:"total"`
	Models      map[string]modelReport `json:"models"`
}

type connectionsReport struct {
	Accepted        int64 `json:"accepted"`
	Open            int64 `json:"open"`
	HandshakeFailed int64 `json:"handshake_failed"`
}

type modelReport struct {
	Requests  int64            `json:"requests"`
	Served    int64            `json:"served"`
	Aborted   int64            `json:"aborted"`
	Cancelled int64            `json:"cancelled"`
	Refused   int64            `json:"refused"`
	InFlight  int64            `json:"in_flight"`
	Chunks    int64            `json:"chunks"`
	Bytes     int64            `json:"bytes_written"`
	Usage     Usage            `json:"usage"`
	Statuses  map[string]int64 `json:"statuses"`
	Paths     map[string]int64 `json:"paths"`
	Recent    []recentReport   `json:"recent,omitempty"`
}

type recentReport struct {
	Connection int64  `json:"connection"`
	Reused     bool   `json:"reused"`
	Status     int    `json:"status"`
	Outcome    string `json:"outcome"` // or "in_flight"
	Chunks     int64  `json:"chunks"`
	TookMs     int64  `json:"took_ms"`
	EndedMsAgo int64  `json:"ended_ms_ago"`
}

var pathNames = [...]string{
	opUnknown:              "other",
	opOpenAIChat:           "/v1/chat/completions",
	opOpenAIEmbeddings:     "/v1/embeddings",
	opOpenAIModels:         "/v1/models",
	opOpenAIModel:          "/v1/models/{model}",
	opAnthropicMessages:    "/v1/messages",
	opAnthropicCountTokens: "/v1/messages/count_tokens",
	opAnthropicModels:      "/v1/models (anthropic)",
	opAnthropicModel:       "/v1/models/{model} (anthropic)",
	opOpenAIResponses:      "/v1/responses",
	opOpenAIInputTokens:    "/v1/responses/input_tokens",
	opOpenAIKeptResponse:   "/v1/responses/{id}",
	opGeminiGenerate:       ":generateContent",
	opGeminiCountTokens:    ":countTokens",
	opGeminiEmbed:          ":embedContent",
	opGeminiBatchEmbed:     ":batchEmbedContents",
	opGeminiModels:         "/v1beta/models",
	opGeminiModel:          "/v1beta/models/{model}",
	opOllamaChat:           "/api/chat",
	opOllamaEmbed:          "/api/embed",
	opOllamaTags:           "/api/tags",
	opOllamaVersion:        "/api/version",
}

func (m *modelStats) ended() int64 {
	return m.served.Load() + m.aborted.Load() + m.cancelled.Load()
}

func (s *stats) report() statsReport {
	s.mu.Lock()
	fault := s.lastMalformed
	s.mu.Unlock()
	r := statsReport{
		Connections: connectionsReport{s.accepted.Load(),
			s.accepted.Load() - s.closed.Load(), s.handshakes.Load()},
		Malformed: s.malformed.Load(), LastFault: fault,
		Bytes: s.bytes.Load(),
		Total: modelReport{Statuses: map[string]int64{},
			Paths: map[string]int64{}},
		Models: map[string]modelReport{},
	}
	for name, m := range *s.models.Load() {
		one := m.report()
		if one.Requests == 0 {
			continue
		}
		r.Models[name] = one
		r.Total.add(one)
	}
	return r
}

func (m *modelStats) report() modelReport {
	r := modelReport{
		Requests: m.started.Load(), Served: m.served.Load(),
		Aborted: m.aborted.Load(), Cancelled: m.cancelled.Load(),
		Refused: m.refused.Load(), Chunks: m.chunks.Load(),
		Bytes: m.bytes.Load(),
		Usage: Usage{PromptTokens: m.promptTokens.Load(),
			CompletionTokens: m.completionTokens.Load(),
			CachedTokens:     m.cachedTokens.Load(),
			CacheWriteTokens: m.cacheWriteTokens.Load(),
			ReasoningTokens:  m.reasoningTokens.Load()},
		Statuses: map[string]int64{}, Paths: map[string]int64{},
	}
	r.InFlight = r.Requests - m.ended()
	for op := range m.paths {
		if n := m.paths[op].Load(); n > 0 {
			r.Paths[pathNames[op]] = n
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for status, n := range m.statuses {
		if n > 0 {
			r.Statuses[strconv.Itoa(status)] = n
		}
	}
	now := time.Now()
	for _, t := range m.recent {
		one := recentReport{Connection: t.connection, Reused: t.reused,
			Status: t.status, Outcome: "in_flight", Chunks: t.chunks.Load(),
			TookMs: now.Sub(t.begun).Milliseconds()}
		if !t.ended.IsZero() {
			one.Outcome = t.outcome.String()
			one.TookMs = t.ended.Sub(t.begun).Milliseconds()
			one.EndedMsAgo = now.Sub(t.ended).Milliseconds()
		}
		r.Recent = append(r.Recent, one)
	}
	return r
}

// figure finds one number of the report by its dotted name: of a model, or of
// the whole if model is empty. A model not yet asked has zeros.
func (s *stats) figure(model, name string) (int64, bool) {
	report := s.report()
	var from interface{} = report
	if model != "" {
		from = report.Models[model]
	}
	var tree interface{}
	if json.Unmarshal(toJSON(from), &tree) != nil {
		return 0, false
	}
	var branch map[string]interface{}
	for _, key := range strings.Split(name, ".") {
		branch, _ = tree.(map[string]interface{})
		value, ok := branch[key]
		if !ok {
			// Statuses and paths appear once they have been counted.
			return 0, strings.HasPrefix(name, "statuses.") ||
				strings.HasPrefix(name, "paths.") ||
				strings.HasPrefix(name, "total.statuses.") ||
				strings.HasPrefix(name, "total.paths.")
		}
		tree = value
	}
	n, ok := tree.(float64)
	return int64(n), ok
}

func (r *modelReport) add(o modelReport) {
	r.Requests += o.Requests
	r.Served += o.Served
	r.Aborted += o.Aborted
	r.Cancelled += o.Cancelled
	r.Refused += o.Refused
	r.InFlight += o.InFlight
	r.Chunks += o.Chunks
	r.Bytes += o.Bytes
	r.Usage.PromptTokens += o.Usage.PromptTokens
	r.Usage.CompletionTokens += o.Usage.CompletionTokens
	r.Usage.CachedTokens += o.Usage.CachedTokens
	r.Usage.CacheWriteTokens += o.Usage.CacheWriteTokens
	r.Usage.ReasoningTokens += o.Usage.ReasoningTokens
	for k, v := range o.Statuses {
		r.Statuses[k] += v
	}
	for k, v := range o.Paths {
		r.Paths[k] += v
	}
}
