package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// answer is a rendered answer, independent of the protocol that carries it
// except for prebuilt.
type answer struct {
	step    *Step
	op      operation
	status  int
	header  []field // without framing
	stream  bool
	body    []byte    // if not a stream
	parts   []segment // if a stream
	framing framing
	usage   Usage // told in body
	// The whole answer for HTTP/1.1, when it can leave in a single write.
	prebuilt []byte
}

// segment is a sequence of events sent several times.
type segment struct {
	events []event
	times  int
}

// event is one server-sent event, ready to be sent.
type event struct {
	bytes   []byte
	content bool   // counts as a chunk and is paced
	usage   *Usage // what it tells; counted once sent
}

// call is a request as the renderers see it.
type call struct {
	shape
	model string
	asked asked
	names []string // for the lists of models
}

// render makes the answer of a step for a call.
func render(step *Step, c call) *answer {
	a := &answer{step: step, op: c.op, status: step.Status}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	contentType := "application/json"
	switch {
	case step.Body != nil || step.BodyBase64 != nil:
		a.body = step.BodyBase64
		if step.Body != nil {
			a.body = []byte(*step.Body)
		}
		if c.stream && a.status < 300 {
			contentType = "text/event-stream; charset=utf-8"
		}
	case a.status >= 400:
		a.body = errorBody(c.op.anthropic(), a.status, step.Error)
	case a.status >= 300:
		a.body = []byte{}
	default:
		contentType = a.renderContent(step, c)
	}
	if step.ContentType != "" {
		contentType = step.ContentType
	}
	a.header = vendorHeader(c.op.anthropic(), a.status, step, contentType)
	a.framing = framingOf(step, a.stream)
	spoil(a, c)
	a.prebuild()
	return a
}

// renderContent makes the body or events of a success and names their type.
func (a *answer) renderContent(step *Step, c call) string {
	switch c.op {
	case opOpenAIChat:
		if c.stream {
			a.parts = openAIStream(step, c)
		} else {
			a.body, a.usage = openAIUnary(step, c)
		}
	case opAnthropicMessages:
		if c.stream {
			a.parts = anthropicStream(step, c)
		} else {
			a.body, a.usage = anthropicUnary(step, c)
		}
	case opOpenAIEmbeddings:
		a.body, a.usage = embeddings(step, c)
	case opAnthropicCountTokens:
		a.body = countTokens(step)
	default:
		a.body = modelAnswer(c)
	}
	if a.parts == nil {
		return "application/json"
	}
	a.stream = true
	a.parts = styleEvents(step, c, a.parts)
	return "text/event-stream; charset=utf-8"
}

func framingOf(step *Step, stream bool) framing {
	switch step.Framing {
	case "chunked":
		return framingChunked
	case "content_length":
		return framingLength
	case "close":
		return framingClose
	}
	if stream {
		return framingChunked
	}
	return framingLength
}

// bodyBytes is the length of the body that will be sent.
func (a *answer) bodyBytes() int {
	if !a.stream {
		return len(a.body)
	}
	n := 0
	for _, part := range a.parts {
		size := 0
		for _, e := range part.events {
			size += len(e.bytes)
		}
		n += size * part.times
	}
	return n
}

// prebuild makes the single write of an answer that needs nothing special.
func (a *answer) prebuild() {
	if a.stream || a.framing != framingLength || a.step.special() {
		return
	}
	var b bytes.Buffer
	appendHead(&b, a.status, a.header)
	b.WriteString("content-length: ")
	b.WriteString(strconv.Itoa(len(a.body)))
	b.WriteString("\r\n\r\n")
	b.Write(a.body)
	a.prebuilt = b.Bytes()
}

func appendHead(b *bytes.Buffer, status int, header []field) {
	b.WriteString("HTTP/1.1 ")
	b.WriteString(strconv.Itoa(status))
	b.WriteByte(' ')
	text := http.StatusText(status)
	if text == "" {
		text = "Status"
	}
	b.WriteString(text)
	b.WriteString("\r\n")
	for _, f := range header {
		b.WriteString(f.name)
		b.WriteString(": ")
		b.WriteString(f.value)
		b.WriteString("\r\n")
	}
}

// vendorHeader is the header of an answer as the vendor would send it, the
// step's own lines taking the place of ours.
func vendorHeader(anthropic bool, status int, step *Step,
	contentType string) []field {
	header := []field{{"content-type", contentType}}
	if anthropic {
		header = append(header,
			field{"request-id", "req_mock"},
			field{"anthropic-organization-id", "org-mock"},
			field{"anthropic-ratelimit-requests-limit", "10000"},
			field{"anthropic-ratelimit-requests-remaining", "9999"},
			field{"anthropic-ratelimit-requests-reset",
				"2026-01-01T00:00:01Z"})
	} else {
		header = append(header,
			field{"x-request-id", "req_mock"},
			field{"openai-organization", "org-mock"},
			field{"openai-processing-ms", "1"},
			field{"openai-version", "2020-10-01"},
			field{"x-ratelimit-limit-requests", "10000"},
			field{"x-ratelimit-remaining-requests", "9999"},
			field{"x-ratelimit-reset-requests", "6ms"})
	}
	if step.RetryAfter != nil {
		header = append(header, field{"retry-after", *step.RetryAfter})
	}
	if step.RetryAfterMs != nil {
		header = append(header, field{"retry-after-ms", *step.RetryAfterMs})
	}
	if step.Location != "" {
		header = append(header, field{"location", step.Location})
	}
	if status >= 500 {
		header = append(header, field{"x-should-retry", "true"})
	}
	return replaceFields(header, step.Headers)
}

// replaceFields appends extra to header, dropping first what it names.
func replaceFields(header, extra []field) []field {
	kept := header[:0:0]
	for _, f := range header {
		named := false
		for _, e := range extra {
			named = named || http.CanonicalHeaderKey(e.name) ==
				http.CanonicalHeaderKey(f.name)
		}
		if !named {
			kept = append(kept, f)
		}
	}
	return append(kept, extra...)
}

// toJSON encodes our own structs, which cannot fail, without HTML escapes.
func toJSON(v interface{}) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
