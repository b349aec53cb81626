package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

// Step says how to answer one request. The zero Step is a plain, correct,
// immediate answer. README.md describes each field.
type Step struct {
	// How many requests this step answers before the next step's turn.
	Times int `json:"times"`

	// Content of a correct answer.

	Text         string     `json:"text"`
	ReplyBytes   int        `json:"reply_bytes"`
	Chunks       int        `json:"chunks"`
	ChunkBytes   int        `json:"chunk_bytes"`
	Usage        *Usage     `json:"usage"`
	UsageIn      string     `json:"usage_in"`
	FinishReason string     `json:"finish_reason"`
	StopSequence string     `json:"stop_sequence"`
	ToolCalls    []ToolCall `json:"tool_calls"`
	Refusal      string     `json:"refusal"`
	Reasoning    *Reasoning `json:"reasoning"`
	Choices      int        `json:"choices"`
	Dimensions   int        `json:"dimensions"`
	Style        string     `json:"style"`

	// Status, headers and raw overrides.

	Status            int        `json:"status"`
	Headers           HeaderList `json:"headers"`
	ContentType       string     `json:"content_type"`
	Body              *string    `json:"body"`
	BodyBase64        []byte     `json:"body_base64"`
	Error             *ErrorBody `json:"error"`
	RetryAfter        *string    `json:"retry_after"`
	RetryAfterMs      *string    `json:"retry_after_ms"`
	RetryAfterDateSec *int       `json:"retry_after_date_s"`
	Location          string     `json:"location"`
	RequireKey        string     `json:"require_key"`
	Inform            []int      `json:"inform"`

	// Pace, in time and in bytes.

	FirstByteDelayMs int    `json:"first_byte_delay_ms"`
	ChunkDelayMs     int    `json:"chunk_delay_ms"`
	SplitBytes       int    `json:"split_bytes"`
	SplitAt          int    `json:"split_at"`
	SplitDelayMs     int    `json:"split_delay_ms"`
	DripMs           int    `json:"drip_ms"`
	WireSplitBytes   int    `json:"wire_split_bytes"`
	EventsPerWrite   int    `json:"events_per_write"`
	Framing          string `json:"framing"`

	// How the event stream is written.

	LineEnding    string `json:"line_ending"`
	Bom           bool   `json:"bom"`
	Comments      int    `json:"comments"`
	Pings         int    `json:"pings"`
	MultiLineData bool   `json:"multi_line_data"`
	NoSpace       bool   `json:"no_space"`

	// Faults. Those "after chunks" let that many content events through.

	ResetBeforeFirstByte  bool `json:"reset_before_first_byte"`
	CloseBeforeFirstByte  bool `json:"close_before_first_byte"`
	CloseReusedConnection bool `json:"close_reused_connection"`
	ResetReusedConnection bool `json:"reset_reused_connection"`
	CloseAfterAnswer      bool `json:"close_after_answer"`
	StallBeforeFirstByte  bool `json:"stall_before_first_byte"`
	ResetAfterChunks      *int `json:"reset_after_chunks"`
	CloseAfterChunks      *int `json:"close_after_chunks"`
	HalfCloseAfterChunks  *int `json:"half_close_after_chunks"`
	StallAfterChunks      *int `json:"stall_after_chunks"`
	ErrorAfterChunks      *int `json:"error_after_chunks"`
	// End the chunked body properly in the middle of the stream.
	EndAfterChunks *int   `json:"end_after_chunks"`
	OmitTerminator bool   `json:"omit_terminator"`
	OmitFinish     bool   `json:"omit_finish"`
	TLSTruncate    bool   `json:"tls_truncate"`
	Garbage        string `json:"garbage"`
	GarbageBytes   int    `json:"garbage_bytes"`
}

// Usage is in OpenAI's meaning: prompt_tokens holds the cached and written
// ones too, completion_tokens the reasoning ones. Anthropic's answers are
// derived from it.
type Usage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	CachedTokens     int64 `json:"cached_tokens"`
	CacheWriteTokens int64 `json:"cache_write_tokens"`
	ReasoningTokens  int64 `json:"reasoning_tokens"`
	// Told apart by all but Anthropic.
	ImageInputTokens  int64 `json:"image_input_tokens,omitempty"`
	ImageOutputTokens int64 `json:"image_output_tokens,omitempty"`
	// In US dollars; told by OpenRouter.
	Cost float64 `json:"cost,omitempty"`
}

// ToolCall is one call the answer asks for. Arguments is JSON in a string, or
// whatever is to be sent in its place.
type ToolCall struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// Reasoning becomes a thinking block, or reasoning_content in OpenAI's form.
type Reasoning struct {
	Text      string `json:"text"`
	Signature string `json:"signature"`
	Redacted  string `json:"redacted"`
}

// ErrorBody overrides parts of the vendor's error object.
type ErrorBody struct {
	Type    string  `json:"type"`
	Code    *string `json:"code"`
	Param   *string `json:"param"`
	Message string  `json:"message"`
	// Gemini alone: google.rpc.RetryInfo, such as "37s"; the quota that was
	// exceeded; an error in a stream that is no event but bare, indented JSON.
	RetryDelay string `json:"retry_delay"`
	QuotaID    string `json:"quota_id"`
	Bare       bool   `json:"bare"`
}

// HeaderList is written {"name": "value"} or {"name": ["a", "b"]} and keeps
// the order in which it was written.
type HeaderList []field

func (h *HeaderList) UnmarshalJSON(data []byte) error {
	var failure error
	*h = nil
	ok := scanObject(data, func(key, value []byte) {
		var many []string
		var one string
		if json.Unmarshal(value, &one) == nil {
			many = []string{one}
		} else if err := json.Unmarshal(value, &many); err != nil {
			failure = fmt.Errorf("header %q: want a string or strings", key)
		}
		for _, v := range many {
			*h = append(*h, field{string(key), v})
		}
	})
	if !ok {
		return fmt.Errorf("headers: want an object")
	}
	return failure
}

// Script is a list of steps; the last repeats, or all do with Cycle.
type Script struct {
	Steps []*Step `json:"steps"`
	Cycle bool    `json:"cycle"`
}

// parseScript reads a step, a list of steps, or {"steps": [...], "cycle"}.
func parseScript(data []byte) (*Script, error) {
	script := &Script{}
	trimmed := bytes.TrimSpace(data)
	hasSteps := false
	scanObject(trimmed, func(key, _ []byte) {
		hasSteps = hasSteps || string(key) == "steps"
	})
	var err error
	switch {
	case hasSteps:
		err = decodeStrictly(trimmed, script)
	case len(trimmed) > 0 && trimmed[0] == '[':
		err = decodeStrictly(trimmed, &script.Steps)
	default:
		script.Steps = []*Step{{}}
		err = decodeStrictly(trimmed, script.Steps[0])
	}
	if err != nil {
		return nil, err
	}
	if len(script.Steps) == 0 {
		return nil, fmt.Errorf("a script needs at least one step")
	}
	for i, step := range script.Steps {
		if step == nil {
			return nil, fmt.Errorf("step %d is null", i)
		}
		if err := step.check(); err != nil {
			return nil, fmt.Errorf("step %d: %w", i, err)
		}
	}
	return script, nil
}

// A misspelt field would make a fault test pass for want of the fault.
func decodeStrictly(data []byte, into interface{}) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("text after the script")
	}
	return nil
}

var choices = map[string][]string{
	"usage_in": {"", "requested", "always", "never", "finish_chunk",
		"every_chunk"},
	"framing":     {"", "chunked", "content_length", "close"},
	"style":       {"", "openai", "azure", "deepseek", "openrouter"},
	"line_ending": {"", "lf", "crlf", "cr", "mixed"},
}

func (s *Step) check() error {
	for name, value := range map[string]string{"usage_in": s.UsageIn,
		"framing": s.Framing, "line_ending": s.LineEnding,
		"style": s.Style} {
		if !contains(choices[name], value) {
			return fmt.Errorf("%s: %q is none of %s", name, value,
				strings.Join(choices[name][1:], ", "))
		}
	}
	if s.Garbage != "" && !contains(garbageNames, s.Garbage) {
		return fmt.Errorf("garbage: %q is none of %s", s.Garbage,
			strings.Join(garbageNames, ", "))
	}
	if s.Status != 0 && (s.Status < 200 || s.Status > 999) {
		return fmt.Errorf("status: %d is outside 200..999", s.Status)
	}
	const bytesMax = 1 << 30
	for _, n := range []int{s.ReplyBytes, s.Chunks, s.ChunkBytes,
		s.GarbageBytes, s.FirstByteDelayMs, s.ChunkDelayMs, s.SplitBytes,
		s.SplitAt, s.SplitDelayMs, s.DripMs, s.WireSplitBytes, s.Times,
		s.Choices, s.Comments, s.Pings, s.EventsPerWrite, s.Dimensions} {
		if n < 0 || n > bytesMax {
			return fmt.Errorf("%d is outside 0..%d", n, bytesMax)
		}
	}
	return nil
}

func contains(list []string, value string) bool {
	for _, one := range list {
		if one == value {
			return true
		}
	}
	return false
}

// defaultName is the script for models that have none of their own.
const defaultName = "*"

// scriptTable maps model names to scripts. Readers take no lock.
type scriptTable struct {
	mu    sync.Mutex // held by writers
	table atomic.Pointer[map[string]*Script]
	start *map[string]*Script // what restore brings back
}

func newScriptTable() *scriptTable {
	t := &scriptTable{}
	t.start = &map[string]*Script{defaultName: {Steps: []*Step{{}}}}
	t.table.Store(t.start)
	return t
}

// restore forgets the scripts that did not come from the file.
func (t *scriptTable) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.table.Store(t.start)
}

func (t *scriptTable) set(name string, script *Script) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := map[string]*Script{}
	for k, v := range *t.table.Load() {
		next[k] = v
	}
	next[name] = script
	t.table.Store(&next)
}

// find returns the script of that name, else the default.
func (t *scriptTable) find(name string) *Script {
	table := *t.table.Load()
	if s, ok := table[name]; ok {
		return s
	}
	return table[defaultName]
}

// has tells whether there is a script of this name.
func (t *scriptTable) has(name string) bool {
	_, ok := (*t.table.Load())[name]
	return ok
}

// names returns the models that have scripts of their own.
func (t *scriptTable) names() []string {
	var names []string
	for name := range *t.table.Load() {
		if name != defaultName && !strings.HasPrefix(name, "/") {
			names = append(names, name)
		}
	}
	return names
}

// loadFile reads {"scripts": {"model": script, ...}}.
func (t *scriptTable) loadFile(data []byte) error {
	var file struct {
		Scripts map[string]json.RawMessage `json:"scripts"`
	}
	if err := decodeStrictly(data, &file); err != nil {
		return err
	}
	for name, raw := range file.Scripts {
		script, err := parseScript(raw)
		if err != nil {
			return fmt.Errorf("script %q: %w", name, err)
		}
		t.set(name, script)
	}
	t.start = t.table.Load()
	return nil
}
