package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// Buffers above this are not kept while a connection is idle or a stream
// long, so that thousands of either stay cheap.
const keptBytesMax = 16 << 10

// http1Conn serves one HTTP/1.x connection. One goroutine reads, answers and
// watches for the peer's leaving: while an answer pauses, the goroutine
// blocks in a read whose deadline is the pause, so that an idle stream costs
// neither a timer of its own nor a second goroutine.
type http1Conn struct {
	server *server
	conn   net.Conn
	tcp    *net.TCPConn
	id     int64
	reader *bufio.Reader

	request  request
	head     []byte
	body     []byte
	parsed   parsedHead
	requests int

	out       []byte // built, not yet written
	framing   framing
	discards  bool // the answer to HEAD has no body
	closing   bool // after this answer
	over      bool // the connection was closed by a fault
	deadline  bool // a read deadline is set
	wireEvery int
	wirePause time.Duration
	counter   *atomic.Int64
}

func newHTTP1Conn(s *server, c net.Conn, tcp *net.TCPConn,
	id int64) *http1Conn {
	return &http1Conn{server: s, conn: c, tcp: tcp, id: id,
		reader: bufio.NewReaderSize(c, 4096)}
}

// run serves requests until either side ends the connection.
func (c *http1Conn) run() {
	if c.server.http2 != nil && c.conn == net.Conn(c.tcp) {
		if start, err := c.reader.Peek(4); err == nil &&
			string(start) == "PRI " {
			c.server.http2.adopt(&buffered{c.conn, c.reader}, c.id)
			return
		}
	}
	defer c.server.stats.connectionClosed()
	defer c.conn.Close()
	for !c.over && !c.closing {
		if err := c.readRequest(); err != nil {
			c.refuse(err)
			return
		}
		c.requests++
		c.server.handle(c, &c.request)
		c.body = c.request.body[:0]
		if cap(c.body) > keptBytesMax {
			c.body = nil
		}
		if cap(c.out) > keptBytesMax {
			c.out = nil
		}
	}
}

// refuse answers bytes that are no request. A close between requests is none.
func (c *http1Conn) refuse(err error) {
	var bad malformed
	if !errors.As(err, &bad) {
		return
	}
	c.server.stats.requestMalformed(bad.Error())
	body := bad.Error() + "\n"
	c.out = append(c.out[:0], "HTTP/1.1 400 Bad Request\r\n"+
		"content-type: text/plain\r\nconnection: close\r\ncontent-length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"+body...)
	_, _ = c.conn.Write(c.out)
}

// Head implements exchange.
func (c *http1Conn) Head(status int, header []field, f framing,
	bodyBytes int) error {
	if f != framingLength && c.request.proto != "HTTP/1.1" {
		f = framingClose
	}
	c.framing = f
	c.discards = c.request.method == http.MethodHead
	if f == framingClose {
		c.closing = true
	}
	b := bytes.NewBuffer(c.out[:0])
	appendHead(b, status, header)
	if f == framingLength || f == framingBoth {
		b.WriteString("content-length: ")
		b.WriteString(strconv.Itoa(bodyBytes))
		b.WriteString("\r\n")
	}
	if f == framingChunked || f == framingBoth {
		b.WriteString("transfer-encoding: chunked\r\n")
	}
	if c.closing {
		b.WriteString("connection: close\r\n")
	}
	b.WriteString("\r\n")
	c.out = b.Bytes()
	return nil
}

// Inform implements exchange.
func (c *http1Conn) Inform(status int) error {
	return c.write([]byte("HTTP/1.1 " + strconv.Itoa(status) + " " +
		http.StatusText(status) + "\r\n\r\n"))
}

// Body implements exchange.
func (c *http1Conn) Body(p []byte) error {
	if len(p) == 0 || c.discards {
		return c.Flush()
	}
	if c.framing == framingChunked || c.framing == framingBoth {
		c.out = strconv.AppendInt(c.out, int64(len(p)), 16)
		c.out = append(c.out, "\r\n"...)
		c.out = append(c.out, p...)
		c.out = append(c.out, "\r\n"...)
	} else {
		c.out = append(c.out, p...)
	}
	return c.Flush()
}

// Flush implements exchange.
func (c *http1Conn) Flush() error {
	if len(c.out) == 0 {
		return nil
	}
	err := c.write(c.out)
	c.out = c.out[:0]
	return err
}

// Finish implements exchange.
func (c *http1Conn) Finish() error {
	if (c.framing == framingChunked || c.framing == framingBoth) &&
		!c.discards {
		c.out = append(c.out, "0\r\n\r\n"...)
	}
	return c.Flush()
}

// Raw implements exchange.
func (c *http1Conn) Raw(p []byte) (bool, error) { return true, c.write(p) }

// SplitWire implements exchange.
func (c *http1Conn) SplitWire(n int, pause time.Duration) {
	c.wireEvery, c.wirePause = n, pause
}

// CountInto implements exchange.
func (c *http1Conn) CountInto(n *atomic.Int64) { c.counter = n }

func (c *http1Conn) write(p []byte) error {
	if c.wireEvery == 0 {
		return c.writeAll(p)
	}
	for len(p) > 0 {
		n := c.wireEvery
		if n > len(p) {
			n = len(p)
		}
		if err := c.writeAll(p[:n]); err != nil {
			return err
		}
		if c.wirePause > 0 {
			if err := c.Pause(c.wirePause); err != nil {
				return err
			}
		}
		p = p[n:]
	}
	return nil
}

func (c *http1Conn) writeAll(p []byte) error {
	n, err := c.conn.Write(p)
	c.server.stats.bytes.Add(int64(n))
	if c.counter != nil {
		c.counter.Add(int64(n))
	}
	if err != nil {
		c.over = true
		return errPeerGone
	}
	return nil
}

// Pause implements exchange.
func (c *http1Conn) Pause(d time.Duration) error {
	until := time.Time{}
	if d >= 0 {
		until = time.Now().Add(d)
	}
	if d >= 0 || c.deadline {
		_ = c.conn.SetReadDeadline(until)
		c.deadline = d >= 0
	}
	for {
		_, err := c.reader.Peek(c.reader.Buffered() + 1)
		switch {
		case err == nil: // The next request, early; it has its turn later.
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			// Too much came early to see the end of it.
			if d < 0 {
				select {}
			}
			time.Sleep(time.Until(until))
			return nil
		default:
			c.over = true
			return errPeerGone
		}
	}
}

// Reset implements exchange.
func (c *http1Conn) Reset() {
	c.over = true
	_ = c.tcp.SetLinger(0)
	_ = c.tcp.Close()
}

// Close implements exchange.
func (c *http1Conn) Close(truncate bool) {
	c.over = true
	if truncate {
		_ = c.tcp.Close()
		return
	}
	_ = c.conn.Close()
}

// HalfClose implements exchange.
func (c *http1Conn) HalfClose() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.tcp.CloseWrite()
	_ = c.Pause(-1)
	c.over = true
}
