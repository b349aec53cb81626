package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

const (
	headBytesMax = 1 << 20
	bodyBytesMax = 256 << 20
)

// malformed is a complaint about bytes that are no HTTP request. A gateway
// that sends them has a bug, so nothing is forgiven.
type malformed string

func (m malformed) Error() string { return string(m) }

// parsedHead is what was made of head. The next request on a connection often
// has the very same head, which then need not be parsed again.
type parsedHead struct {
	head    []byte
	request *http.Request
	url     *url.URL
	expects bool
}

// readRequest fills c.request with the next request.
func (c *http1Conn) readRequest() error {
	if c.deadline {
		_ = c.conn.SetReadDeadline(time.Time{})
		c.deadline = false
	}
	if err := c.readHead(); err != nil {
		return err
	}
	if !bytes.Equal(c.head, c.parsed.head) {
		if err := c.parseHead(); err != nil {
			return err
		}
	}
	p := c.parsed
	if err := c.readBody(p); err != nil {
		return err
	}
	c.closing = p.request.Close
	c.request = request{
		method: p.request.Method, path: p.url.Path, query: p.url.RawQuery,
		proto: p.request.Proto, header: p.request.Header,
		head: c.head, body: c.body, connection: c.id,
		reused: c.requests > 0, secure: c.conn != net.Conn(c.tcp),
		plain: p.request.Proto == "HTTP/1.1" && !p.request.Close &&
			p.request.Method != http.MethodHead,
	}
	c.counter, c.wireEvery = nil, 0
	return nil
}

// readHead reads up to and with the empty line into c.head.
func (c *http1Conn) readHead() error {
	c.head = c.head[:0]
	for {
		line, err := c.reader.ReadSlice('\n')
		c.head = append(c.head, line...)
		if len(c.head) > headBytesMax {
			return malformed("the head is too long")
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			if len(c.head) > 0 && errors.Is(err, io.EOF) {
				c.server.stats.requestMalformed("the head was cut short")
			}
			return err
		}
		if string(line) == "\r\n" || string(line) == "\n" {
			return nil
		}
	}
}

func (c *http1Conn) parseHead() error {
	c.parsed.head = nil
	if why := headFault(c.head); why != "" {
		return malformed(why)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(c.head)))
	if err != nil {
		return malformed(err.Error())
	}
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return malformed(err.Error())
	}
	c.parsed = parsedHead{append([]byte{}, c.head...), r, u,
		strings.EqualFold(r.Header.Get("Expect"), "100-continue")}
	return nil
}

// headFault finds what net/http forgives and a strict peer would not.
func headFault(head []byte) string {
	lines := strings.SplitAfter(string(head), "\n")
	hosts, lengths, encodings := 0, 0, 0
	for i, line := range lines[:len(lines)-1] {
		text := strings.TrimSuffix(line, "\r\n")
		if len(text) == len(line) {
			return "a line does not end in CR LF"
		}
		if i == 0 || text == "" {
			continue
		}
		colon := strings.IndexByte(text, ':')
		if colon < 1 || !isToken(text[:colon]) {
			return "not a header line: " + text
		}
		for _, b := range []byte(text) {
			if b < ' ' && b != '\t' || b == 0x7f {
				return "a control character in a header"
			}
		}
		switch strings.ToLower(text[:colon]) {
		case "host":
			hosts++
		case "content-length":
			lengths++
		case "transfer-encoding":
			encodings++
		}
	}
	switch {
	case strings.HasSuffix(lines[0], " HTTP/1.1\r\n") && hosts != 1:
		return "HTTP/1.1 wants exactly one host"
	case lengths+encodings > 1:
		return "the body's length is told more than once"
	}
	return ""
}

func isToken(s string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	for _, b := range []byte(s) {
		if !(b >= '0' && b <= '9' || b >= 'a' && b <= 'z' ||
			b >= 'A' && b <= 'Z' || strings.IndexByte(marks, b) >= 0) {
			return false
		}
	}
	return true
}

// readBody reads the whole body into c.body.
func (c *http1Conn) readBody(p parsedHead) error {
	c.body = c.body[:0]
	length := p.request.ContentLength
	if p.expects && length != 0 {
		if err := c.writeAll([]byte(
			"HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return err
		}
	}
	switch {
	case len(p.request.TransferEncoding) > 0:
		return c.readChunked()
	case length > bodyBytesMax:
		return malformed("the body is too long")
	case length > 0:
		if int64(cap(c.body)) < length {
			c.body = make([]byte, length)
		}
		c.body = c.body[:length]
		return c.cutShort(io.ReadFull(c.reader, c.body))
	}
	return nil
}

func (c *http1Conn) cutShort(_ int, err error) error {
	if err != nil {
		c.server.stats.requestMalformed("the body was cut short")
	}
	return err
}

func (c *http1Conn) readChunked() error {
	buffer := bytes.NewBuffer(c.body)
	chunks := io.LimitReader(httputil.NewChunkedReader(c.reader),
		bodyBytesMax+1)
	if _, err := buffer.ReadFrom(chunks); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return c.cutShort(0, err)
		}
		return malformed("chunked body: " + err.Error())
	}
	c.body = buffer.Bytes()
	if len(c.body) > bodyBytesMax {
		return malformed("the body is too long")
	}
	for { // Trailers, which are read and dropped.
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return c.cutShort(0, err)
		}
		if string(line) == "\r\n" {
			return nil
		}
	}
}
