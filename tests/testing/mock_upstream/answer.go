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
	vendor  vendor
	model   string
	status  int
	header  []field // without framing
	stream  bool
	body    []byte    // if not a stream
	parts   []segment // if a stream
	framing framing
	usage   Usage // told in body
	// What ends a stream that fails after an event; nil where it is the same
	// after each.
	failure func(last *event) []byte
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
	number  int    // its sequence_number, where events have one
}

// call is a request as the renderers see it.
type call struct {
	shape
	model string
	asked asked
	names []string // for the lists of models
	body  []byte   // of the request
	query string
}

// render makes the answer of a step for a call.
func render(step *Step, c call) *answer {
	a := &answer{step: step, vendor: c.vendor, model: c.model,
		status: step.Status}
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
			contentType = c.vendor.streamType()
		}
	case a.status >= 400:
		a.body = errorBody(c.vendor, a.status, step.Error)
	case a.status >= 300:
		a.body = []byte{}
	default:
		contentType = a.renderContent(step, c)
	}
	if step.ContentType != "" {
		contentType = step.ContentType
	}
	a.header = vendorHeader(c.vendor, a.status, step, contentType)
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
	case opOpenAIResponses:
		if c.stream {
			a.parts, a.failure = responseStream(step, c)
		} else {
			a.body, a.usage = responseUnary(step, c)
		}
	case opGeminiGenerate:
		if c.stream {
			a.parts = geminiStream(step, c)
		} else {
			a.body, a.usage = geminiUnary(step, c)
		}
	case opOllamaChat:
		if c.stream {
			a.parts = ollamaStream(step, c)
		} else {
			a.body, a.usage = ollamaUnary(step, c)
		}
	default:
		a.renderRest(step, c)
	}
	if a.parts == nil {
		return c.vendor.wholeType()
	}
	a.stream = true
	a.parts = styleEvents(step, c, a.parts)
	return c.vendor.streamType()
}

// renderRest makes the body of what is never streamed.
func (a *answer) renderRest(step *Step, c call) {
	switch c.op {
	case opOpenAIEmbeddings:
		a.body, a.usage = embeddings(step, c)
	case opOpenAIInputTokens:
		a.body = countInputTokens(step)
	case opAnthropicCountTokens:
		a.body = countTokens(step)
	case opGeminiCountTokens:
		a.body = geminiCount(step)
	case opGeminiEmbed, opGeminiBatchEmbed:
		a.body = geminiEmbeddings(step, c)
	case opGeminiModels, opGeminiModel:
		a.body = geminiModelAnswer(c)
	case opOllamaEmbed:
		a.body, a.usage = ollamaEmbeddings(step, c)
	case opOllamaTags:
		a.body = ollamaTags(c)
	case opOllamaVersion:
		a.body = []byte(`{"version":"0.12.3"}`)
	default:
		a.body = modelAnswer(c)
	}
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
func vendorHeader(v vendor, status int, step *Step,
	contentType string) []field {
	header := append([]field{{"content-type", contentType}},
		vendorFields[v]...)
	if step.RetryAfter != nil {
		header = append(header, field{"retry-after", *step.RetryAfter})
	}
	if step.RetryAfterMs != nil {
		header = append(header, field{"retry-after-ms", *step.RetryAfterMs})
	}
	if step.Location != "" {
		header = append(header, field{"location", step.Location})
	}
	if status >= 500 && (v == vendorOpenAI || v == vendorAnthropic) {
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
