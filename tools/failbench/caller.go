package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// benchRequest is one call of the gateway, in either API.
type benchRequest struct {
	Model     string                   `json:"model"`
	MaxTokens int                      `json:"max_tokens"`
	Stream    bool                     `json:"stream,omitempty"`
	Messages  []map[string]interface{} `json:"messages"`
	// OpenAI's alone.
	StreamOptions map[string]bool          `json:"stream_options,omitempty"`
	Tools         []map[string]interface{} `json:"tools,omitempty"`
}

// told is what a caller was told.
type told struct {
	status int // 0 where no head of an answer came.
	header http.Header
	body   string
	// Of a stream, what its events say.
	text       string
	events     int
	ended      bool // Properly, in the API's own words.
	errorEvent bool
	firstEvent time.Duration // From the request on.
	took       time.Duration
	err        error // Of the connection.
	// The patience ran out before the end: that is our doing, and no word of
	// the gateway's.
	waited bool
}

// said is how the answer began, for people.
func (t *told) said() string {
	if t.waited {
		return "the caller still waits"
	}
	if t.status == 0 {
		return "the connection breaks off"
	}
	return fmt.Sprintf("status %d", t.status)
}

func (b *bench) plain() benchRequest {
	return benchRequest{Model: b.options.model, MaxTokens: 4096,
		Messages: []map[string]interface{}{
			{"role": "user", "content": "Say something."}}}
}

func (b *bench) streamed() benchRequest {
	r := b.plain()
	r.Stream = true
	if b.options.api == "openai" {
		r.StreamOptions = map[string]bool{"include_usage": true}
	}
	return r
}

func (b *bench) path() string {
	if b.options.api == "anthropic" {
		return "/v1/messages"
	}
	return "/v1/chat/completions"
}

func (b *bench) newRequest(ctx context.Context, at string,
	r benchRequest) (*http.Request, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	h, err := http.NewRequestWithContext(ctx, http.MethodPost, at+b.path(),
		bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	h.Header.Set("Content-Type", "application/json")
	if b.options.key != "" {
		h.Header.Set("Authorization", "Bearer "+b.options.key)
	}
	if b.options.api == "anthropic" {
		h.Header.Set("Anthropic-Version", "2023-06-01")
		if b.options.key != "" {
			h.Header.Set("X-Api-Key", b.options.key)
		}
	}
	return h, nil
}

// ask makes a call of the gateway and takes its answer to the end.
func (b *bench) ask(r benchRequest) told {
	return b.askUntil(r, nil)
}

// askUntil is ask, but leaves once `enough` says so of what has come.
func (b *bench) askUntil(r benchRequest, enough func(*told) bool) told {
	t := b.askAt(b.options.gateway, r, enough)
	if t.waited {
		b.waited.Add(1)
	}
	return t
}

func (b *bench) askAt(at string, r benchRequest,
	enough func(*told) bool) (t told) {
	ctx, leave := context.WithTimeout(b.running, b.options.patience)
	defer leave()
	begun := time.Now()
	// Also where no head of an answer has come.
	defer func() {
		t.took = time.Since(begun)
		t.waited = t.err != nil && ctx.Err() == context.DeadlineExceeded
	}()
	request, err := b.newRequest(ctx, at, r)
	if err != nil {
		t.err = err
		return t
	}
	response, err := b.client.Do(request)
	if err != nil {
		t.err = err
		return t
	}
	defer response.Body.Close()
	t.status, t.header = response.StatusCode, response.Header
	body := &boundedReader{from: response.Body, left: answerBytesMax}
	if !r.Stream || t.status != http.StatusOK {
		text, err := io.ReadAll(body)
		t.body, t.err = string(text), err
		return t
	}
	t.readEvents(body, begun, enough)
	return t
}

// toldUsage is what an answer says of its tokens.
type toldUsage struct {
	input  int64 // Without those from the cache in Anthropic's API alone.
	output int64
	cached int64
}

func (u toldUsage) String() string {
	return fmt.Sprintf("input %d, output %d, cached %d", u.input, u.output,
		u.cached)
}

// usageIn reads the usage of a whole answer, in the API's own fields; one that
// is not there is -1.
func usageIn(api, body string) toldUsage {
	var answer struct {
		Usage struct {
			Prompt     *int64 `json:"prompt_tokens"`
			Completion *int64 `json:"completion_tokens"`
			Details    struct {
				Cached *int64 `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
			Input     *int64 `json:"input_tokens"`
			Output    *int64 `json:"output_tokens"`
			CacheRead *int64 `json:"cache_read_input_tokens"`
		} `json:"usage"`
	}
	if json.Unmarshal([]byte(body), &answer) != nil {
		return toldUsage{-1, -1, -1}
	}
	number := func(field *int64) int64 {
		if field == nil {
			return -1
		}
		return *field
	}
	u := answer.Usage
	if api == "anthropic" {
		return toldUsage{number(u.Input), number(u.Output), number(u.CacheRead)}
	}
	return toldUsage{number(u.Prompt), number(u.Completion),
		number(u.Details.Cached)}
}

// answerBytesMax is far more than the largest answer of any check.
const answerBytesMax = 64 << 20

// boundedReader fails where an answer has no end.
type boundedReader struct {
	from io.Reader
	left int
}

func (r *boundedReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, fmt.Errorf("it has more than %d MB", answerBytesMax>>20)
	}
	if len(p) > r.left {
		p = p[:r.left]
	}
	n, err := r.from.Read(p)
	r.left -= n
	return n, err
}

// readEvents reads server-sent events as the SDKs do.
func (t *told) readEvents(body io.Reader, begun time.Time,
	enough func(*told) bool) {
	lines := bufio.NewReaderSize(body, 64*1024)
	var all strings.Builder
	defer func() { t.body = all.String() }()
	name := ""
	for {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		text := strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(text, "event:"):
			name = strings.TrimSpace(text[len("event:"):])
		case strings.HasPrefix(text, "data:"):
			if t.events == 0 {
				t.firstEvent = time.Since(begun)
			}
			t.events++
			t.readEvent(name, strings.TrimSpace(text[len("data:"):]))
			name = ""
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			t.err = err
			return
		}
		if enough != nil && enough(t) {
			return
		}
	}
}

// readEvent takes what one event says. Of an Anthropic event the type in its
// data counts, which is the same as its name.
func (t *told) readEvent(name, data string) {
	if data == "[DONE]" {
		t.ended = true
		return
	}
	var event struct {
		Type    string          `json:"type"`
		Error   json.RawMessage `json:"error"`
		Choices []struct {
			Delta struct {
				Content string `json:"content"`
			} `json:"delta"`
		} `json:"choices"`
		Delta struct {
			Text string `json:"text"`
		} `json:"delta"`
	}
	if json.Unmarshal([]byte(data), &event) != nil {
		return
	}
	if len(event.Error) > 0 && string(event.Error) != "null" ||
		event.Type == "error" || name == "error" {
		t.errorEvent = true
	}
	if event.Type == "message_stop" {
		t.ended = true
	}
	t.text += event.Delta.Text
	for _, choice := range event.Choices {
		t.text += choice.Delta.Content
	}
}

// wholeText is the text of a whole answer; false if it is none.
func (t *told) wholeText() (string, bool) {
	var answer struct {
		Choices []struct {
			Message struct {
				Content *string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	}
	if json.Unmarshal([]byte(t.body), &answer) != nil {
		return "", false
	}
	if len(answer.Choices) > 0 && answer.Choices[0].Message.Content != nil {
		return *answer.Choices[0].Message.Content, true
	}
	if len(answer.Content) > 0 {
		return answer.Content[0].Text, true
	}
	return "", false
}
