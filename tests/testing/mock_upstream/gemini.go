package main

import (
	"encoding/json"
	"net/url"
	"strconv"
)

type geminiUsage struct {
	Prompt     int64              `json:"promptTokenCount,omitempty"`
	Cached     int64              `json:"cachedContentTokenCount,omitempty"`
	Candidates int64              `json:"candidatesTokenCount,omitempty"`
	Thoughts   int64              `json:"thoughtsTokenCount,omitempty"`
	Total      int64              `json:"totalTokenCount,omitempty"`
	Details    []geminiTokenCount `json:"promptTokensDetails,omitempty"`
	OfOutput   []geminiTokenCount `json:"candidatesTokensDetails,omitempty"`
}

type geminiTokenCount struct {
	Modality string `json:"modality"`
	Count    int64  `json:"tokenCount,omitempty"`
}

func geminiUsageOf(u Usage) *geminiUsage {
	g := &geminiUsage{Prompt: u.PromptTokens, Cached: u.CachedTokens,
		Candidates: u.CompletionTokens - u.ReasoningTokens,
		Thoughts:   u.ReasoningTokens,
		Total:      u.PromptTokens + u.CompletionTokens,
		Details: []geminiTokenCount{
			{"TEXT", u.PromptTokens - u.ImageInputTokens}}}
	if u.ImageInputTokens > 0 {
		g.Details = append(g.Details,
			geminiTokenCount{"IMAGE", u.ImageInputTokens})
	}
	if u.ImageOutputTokens > 0 {
		g.OfOutput = []geminiTokenCount{{"IMAGE", u.ImageOutputTokens}}
	}
	return g
}

type geminiCall struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

type geminiPart struct {
	Text         *string     `json:"text,omitempty"`
	Thought      bool        `json:"thought,omitempty"`
	FunctionCall *geminiCall `json:"functionCall,omitempty"`
	Signature    string      `json:"thoughtSignature,omitempty"`
}

type geminiContent struct {
	Parts []geminiPart `json:"parts,omitempty"`
	Role  string       `json:"role"`
}

type geminiRating struct {
	Category    string `json:"category"`
	Probability string `json:"probability"`
	Blocked     bool   `json:"blocked,omitempty"`
}

type geminiCandidate struct {
	Content       *geminiContent `json:"content,omitempty"`
	FinishReason  string         `json:"finishReason,omitempty"`
	Index         int            `json:"index"`
	SafetyRatings []geminiRating `json:"safetyRatings,omitempty"`
}

type geminiFeedback struct {
	BlockReason string `json:"blockReason"`
}

type geminiResponse struct {
	Candidates []geminiCandidate `json:"candidates,omitempty"`
	Feedback   *geminiFeedback   `json:"promptFeedback,omitempty"`
	Usage      *geminiUsage      `json:"usageMetadata,omitempty"`
	Model      string            `json:"modelVersion"`
	ID         string            `json:"responseId"`
}

// geminiFinish is the word for how it ended. Calls of functions have none.
func (s *Step) geminiFinish() string {
	if word, ok := map[string]string{"": "STOP", "stop": "STOP",
		"end_turn": "STOP", "tool_calls": "STOP", "tool_use": "STOP",
		"stop_sequence": "STOP", "length": "MAX_TOKENS",
		"max_tokens": "MAX_TOKENS", "content_filter": "SAFETY",
		"refusal": "SAFETY"}[s.FinishReason]; ok {
		return word
	}
	return s.FinishReason
}

func (t ToolCall) geminiPart(signature string) geminiPart {
	args := json.RawMessage(t.arguments())
	if !json.Valid(args) {
		args = json.RawMessage("{}")
	}
	return geminiPart{FunctionCall: &geminiCall{t.ID, t.Name, args},
		Signature: signature}
}

func (r *Reasoning) signature() string {
	if r == nil {
		return ""
	}
	return r.Signature
}

// geminiBlocked answers a prompt that the vendor would not take.
func geminiBlocked(s *Step, c call, usage Usage) geminiResponse {
	r := geminiResponse{Feedback: &geminiFeedback{"PROHIBITED_CONTENT"},
		Model: c.model, ID: "r-mock"}
	if s.UsageIn != "never" {
		r.Usage = geminiUsageOf(Usage{PromptTokens: usage.PromptTokens})
	}
	return r
}

func geminiUnary(s *Step, c call) ([]byte, Usage) {
	usage := s.usageOf()
	if s.UsageIn == "never" {
		usage = Usage{}
	}
	if s.Refusal != "" {
		return toJSON(geminiBlocked(s, c, usage)),
			Usage{PromptTokens: usage.PromptTokens}
	}
	var parts []geminiPart
	if s.Reasoning != nil && s.Reasoning.Text != "" {
		parts = append(parts, geminiPart{Text: &s.Reasoning.Text,
			Thought: true})
	}
	signature := s.Reasoning.signature()
	if s.hasText() {
		text := joinRuns(s.textRuns()) + s.garbageMark()
		part := geminiPart{Text: &text}
		if len(s.ToolCalls) == 0 {
			part.Signature = signature
		}
		parts = append(parts, part)
	}
	for _, t := range s.ToolCalls {
		// Of calls made together the first bears the signature.
		parts = append(parts, t.geminiPart(signature))
		signature = ""
	}
	r := geminiResponse{Model: c.model, ID: "r-mock"}
	for i := 0; i < c.choices; i++ {
		r.Candidates = append(r.Candidates, geminiCandidate{
			Content:      &geminiContent{parts, "model"},
			FinishReason: s.geminiFinish(), Index: i,
			SafetyRatings: s.geminiRatings()})
	}
	if s.UsageIn != "never" {
		r.Usage = geminiUsageOf(usage)
	}
	return toJSON(r), usage
}

func (s *Step) geminiRatings() []geminiRating {
	if s.geminiFinish() != "SAFETY" {
		return nil
	}
	return []geminiRating{{"HARM_CATEGORY_DANGEROUS_CONTENT", "HIGH", true}}
}

// geminiStreamer renders the chunks of one stream.
type geminiStreamer struct {
	step  *Step
	call  call
	usage Usage
	parts []segment
}

func geminiStream(s *Step, c call) []segment {
	r := &geminiStreamer{step: s, call: c, usage: s.usageOf()}
	if s.Refusal != "" {
		blocked := geminiBlocked(s, c, r.usage)
		told := Usage{PromptTokens: r.usage.PromptTokens}
		return []segment{{[]event{{bytes: dataEvent(toJSON(blocked)),
			usage: &told}}, 1}}
	}
	if s.Reasoning != nil {
		for _, piece := range pieces(s.Reasoning.Text, 16) {
			text := piece.piece
			r.add(geminiPart{Text: &text, Thought: true}, 1)
		}
	}
	if s.hasText() {
		for _, run := range s.textRuns() {
			text := run.piece + s.garbageMark()
			r.add(geminiPart{Text: &text}, run.times)
		}
	}
	signature := s.Reasoning.signature()
	for _, t := range s.ToolCalls {
		r.add(t.geminiPart(signature), 1)
		signature = ""
	}
	if !s.OmitFinish {
		r.finish(signature)
	}
	if s.Garbage == "duplicate_finish" {
		r.parts = append(r.parts, r.parts[len(r.parts)-1])
	}
	return r.parts
}

// add appends a chunk; each tells what the prompt cost.
func (r *geminiStreamer) add(part geminiPart, times int) {
	r.addChunk(geminiCandidate{Content: &geminiContent{[]geminiPart{part},
		"model"}}, Usage{PromptTokens: r.usage.PromptTokens}, true, times)
}

func (r *geminiStreamer) addChunk(one geminiCandidate, told Usage,
	content bool, times int) {
	body := geminiResponse{Model: r.call.model, ID: "r-mock"}
	for i := 0; i < r.call.choices; i++ {
		one.Index = i
		body.Candidates = append(body.Candidates, one)
	}
	if r.step.UsageIn != "never" {
		body.Usage = geminiUsageOf(told)
	}
	r.parts = append(r.parts, segment{[]event{{
		bytes: dataEvent(toJSON(body)), content: content}}, times})
}

// finish appends the last chunk, whose text is empty and which bears the
// signature that no call has borne.
func (r *geminiStreamer) finish(signature string) {
	empty := ""
	r.addChunk(geminiCandidate{Content: &geminiContent{[]geminiPart{{
		Text: &empty, Signature: signature}}, "model"},
		FinishReason:  r.step.geminiFinish(),
		SafetyRatings: r.step.geminiRatings()}, r.usage, false, 1)
	if r.step.UsageIn != "never" {
		r.parts[len(r.parts)-1].events[0].usage = &r.usage
	}
}

func geminiCount(s *Step) []byte {
	n := s.usageOf().PromptTokens
	return toJSON(struct {
		Total   int64              `json:"totalTokens"`
		Details []geminiTokenCount `json:"promptTokensDetails"`
	}{n, []geminiTokenCount{{"TEXT", n}}})
}

type geminiVector struct {
	Values []float32 `json:"values"`
}

func geminiEmbeddings(s *Step, c call) []byte {
	type one struct {
		Dimensions int `json:"outputDimensionality"`
	}
	var asked struct {
		one
		Requests []one `json:"requests"`
	}
	_ = json.Unmarshal(c.body, &asked)
	if c.op == opGeminiEmbed {
		return toJSON(map[string]geminiVector{"embedding": {
			s.vector(0, asked.Dimensions)}})
	}
	vectors := []geminiVector{}
	for i, request := range asked.Requests {
		vectors = append(vectors, geminiVector{s.vector(i,
			request.Dimensions)})
	}
	return toJSON(map[string][]geminiVector{"embeddings": vectors})
}

type geminiModel struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	DisplayName string   `json:"displayName"`
	InputLimit  int      `json:"inputTokenLimit"`
	OutputLimit int      `json:"outputTokenLimit"`
	Methods     []string `json:"supportedGenerationMethods"`
	Temperature float64  `json:"temperature"`
	TopP        float64  `json:"topP"`
	TopK        int      `json:"topK"`
}

func geminiModelOf(name string) geminiModel {
	return geminiModel{"models/" + name, "001", name, 1048576, 65536,
		[]string{"generateContent", "countTokens", "embedContent"}, 1, 0.95,
		64}
}

// geminiModelAnswer describes a model, or a page of them.
func geminiModelAnswer(c call) []byte {
	if c.op == opGeminiModel {
		return toJSON(geminiModelOf(c.model))
	}
	query, _ := url.ParseQuery(c.query)
	size, err := strconv.Atoi(query.Get("pageSize"))
	if err != nil || size < 1 || size > 1000 {
		size = 50
	}
	start, _ := strconv.Atoi(query.Get("pageToken"))
	if start < 0 || start > len(c.names) {
		start = len(c.names)
	}
	page := struct {
		Models []geminiModel `json:"models"`
		Next   string        `json:"nextPageToken,omitempty"`
	}{Models: []geminiModel{}}
	end := start + size
	if end < len(c.names) {
		page.Next = strconv.Itoa(end)
	} else {
		end = len(c.names)
	}
	for _, name := range c.names[start:end] {
		page.Models = append(page.Models, geminiModelOf(name))
	}
	return toJSON(page)
}
