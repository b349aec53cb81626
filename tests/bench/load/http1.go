package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// http1Caller makes one call after the other over one HTTP/1.1 connection.
type http1Caller struct {
	load    *load
	conn    net.Conn
	reader  *bufio.Reader
	request []byte
	tally   tally
}

// A format is the vendor's whose clients the driver stands for.
type format struct {
	path string
	// The caller's key and whatever else the vendor's clients send.
	fields string
	// Before the text of a request's first message.
	limits string
	// In every whole answer.
	answerMark string
	// Before the text of an event that carries some.
	textMark string
	// Begins the last line of a stream.
	endMark string
}

var formats = map[string]*format{
	"openai": {
		path:       "/v1/chat/completions",
		fields:     "authorization: Bearer %s\r\n",
		answerMark: `"choices":[{`,
		textMark:   `"content":"`,
		endMark:    "data: [DONE]",
	},
	"anthropic": {
		path:       "/v1/messages",
		fields:     "x-api-key: %s\r\nanthropic-version: 2023-06-01\r\n",
		limits:     `"max_tokens":4096,`,
		answerMark: `"type":"message"`,
		textMark:   `"text_delta","text":"`,
		endMark:    "event: message_stop",
	},
}

// chatRequest is a whole HTTP/1.1 request in the load's format.
func chatRequest(l *load) []byte {
	f := formats[l.format]
	stream := ""
	if l.mode != modeUnary {
		stream = `"stream":true,`
	}
	body := fmt.Sprintf(
		`{"model":%q,%s%s"messages":[{"role":"user","content":%q}]}`,
		l.model, stream, f.limits, l.prompt())
	return []byte(fmt.Sprintf("POST %s HTTP/1.1\r\n"+
		"host: %s\r\nuser-agent: llmgateway-bench\r\naccept: */*\r\n"+
		f.fields+"content-type: application/json\r\n"+
		"content-length: %d\r\n\r\n%s", f.path, l.target, l.key, len(body),
		body))
}

func newHTTP1Caller(l *load, c net.Conn) *http1Caller {
	return &http1Caller{load: l, conn: c,
		reader: bufio.NewReaderSize(c, 8<<10), request: l.request,
		tally: tally{meter: l.meter}}
}

func (h *http1Caller) counted() *tally { return &h.tally }
func (h *http1Caller) close()          { h.conn.Close() }

// run calls until the run is over.
func (h *http1Caller) run() error {
	for h.load.meter.more() {
		began := time.Now()
		if err := h.call(began); err != nil {
			return err
		}
		h.tally.called(time.Since(began))
	}
	return nil
}

func (h *http1Caller) call(began time.Time) error {
	if _, err := h.conn.Write(h.request); err != nil {
		return err
	}
	a, err := h.readHead()
	if err != nil {
		return err
	}
	if a.status != 200 {
		body, _ := io.ReadAll(io.LimitReader(h.bodyOf(a), 512))
		return fmt.Errorf("status %d: %s", a.status, body)
	}
	if h.load.mode == modeUnary {
		return h.readWhole(a)
	}
	return h.readEvents(a, began)
}

// open begins a stream and returns when its first text has come.
func (h *http1Caller) open(opened func()) error {
	if _, err := h.conn.Write(h.request); err != nil {
		return err
	}
	a, err := h.readHead()
	if err != nil {
		return err
	}
	if a.status != 200 {
		return fmt.Errorf("status %d", a.status)
	}
	lines := bufio.NewReaderSize(h.bodyOf(a), 1<<10)
	for told := false; ; {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("stream ended early: %w", err)
		}
		if !told && formats[h.load.format].contentBytes(line) > 0 {
			told = true
			opened()
		}
	}
}

type answerHead struct {
	status  int
	length  int // -1 if unknown
	chunked bool
}

func (h *http1Caller) readHead() (answerHead, error) {
	a := answerHead{length: -1}
	line, err := h.reader.ReadSlice('\n')
	if err != nil {
		return a, fmt.Errorf("no answer: %w", err)
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return a, fmt.Errorf("not HTTP/1.1: %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("no status: %q", line)
	}
	for {
		if line, err = h.reader.ReadSlice('\n'); err != nil {
			return a, fmt.Errorf("head cut short: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return a, nil
		}
		name, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "content-length"):
			if a.length, err = strconv.Atoi(value); err != nil {
				return a, fmt.Errorf("bad length: %q", line)
			}
		case strings.EqualFold(name, "transfer-encoding"):
			a.chunked = strings.EqualFold(value, "chunked")
		}
	}
}

func (h *http1Caller) bodyOf(a answerHead) io.Reader {
	if a.chunked {
		return &chunkedBody{reader: h.reader}
	}
	if a.length >= 0 {
		return io.LimitReader(h.reader, int64(a.length))
	}
	return h.reader
}

func (h *http1Caller) readWhole(a answerHead) error {
	var whole []byte
	var err error
	if !a.chunked && a.length >= 0 && a.length <= h.reader.Size() {
		if whole, err = h.reader.Peek(a.length); err == nil {
			defer h.reader.Discard(a.length)
		}
	} else {
		whole, err = io.ReadAll(h.bodyOf(a))
		if err == nil && a.length >= 0 && len(whole) != a.length {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		return fmt.Errorf("body cut short: %w", err)
	}
	if !bytes.Contains(whole, []byte(formats[h.load.format].answerMark)) {
		return fmt.Errorf("not a completion: %.200q", whole)
	}
	return nil
}

func (h *http1Caller) readEvents(a answerHead, began time.Time) error {
	body := h.bodyOf(a)
	lines := bufio.NewReaderSize(body, 4<<10)
	f := formats[h.load.format]
	endMark := []byte(f.endMark)
	done := false
	text := 0
	for {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil {
			return fmt.Errorf("stream cut short: %w", err)
		}
		if n := f.contentBytes(line); n > 0 {
			if text == 0 {
				h.tally.began(time.Since(began))
			}
			text += n
			h.tally.text(n)
		} else if bytes.HasPrefix(line, endMark) {
			done = true
		}
	}
	if !done {
		return fmt.Errorf("the stream ended without %s", f.endMark)
	}
	return h.load.checkText(text)
}

// contentBytes is how much text a line of an event stream adds. The scripted
// texts need no escapes.
func (f *format) contentBytes(line []byte) int {
	i := bytes.Index(line, []byte(f.textMark))
	if i < 0 {
		return 0
	}
	n := bytes.IndexByte(line[i+len(f.textMark):], '"')
	if n < 0 {
		return 0
	}
	return n
}

// chunkedBody takes the chunks' frames away.
type chunkedBody struct {
	reader *bufio.Reader
	left   int // of the chunk
	inside bool
	over   bool
}

func (b *chunkedBody) Read(p []byte) (int, error) {
	if b.over {
		return 0, io.EOF
	}
	if b.left == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
		if b.over {
			return 0, io.EOF
		}
	}
	if len(p) > b.left {
		p = p[:b.left]
	}
	n, err := b.reader.Read(p)
	b.left -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *chunkedBody) nextChunk() error {
	if b.inside {
		if err := b.emptyLine(); err != nil {
			return err
		}
	}
	b.inside = true
	line, err := b.reader.ReadSlice('\n')
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	size, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
	n, err := strconv.ParseUint(size, 16, 31)
	if err != nil {
		return fmt.Errorf("bad chunk size %q", line)
	}
	b.left = int(n)
	if n == 0 {
		b.over = true
		return b.emptyLine()
	}
	return nil
}

func (b *chunkedBody) emptyLine() error {
	line, err := b.reader.ReadSlice('\n')
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	if len(bytes.TrimRight(line, "\r\n")) != 0 {
		return fmt.Errorf("bad end of a chunk: %q", line)
	}
	return nil
}
