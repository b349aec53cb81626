package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// buffered is a connection some of whose bytes were read ahead.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.reader.Read(p) }

// http2Server hands connections that speak HTTP/2 to net/http, which is a
// listener's Accept away from any connection that someone else accepted.
type http2Server struct {
	server *server
	http   *http.Server
	conns  chan net.Conn
	known  sync.Map // net.Conn to *http2Conn
}

// http2Conn is what is remembered of a connection.
type http2Conn struct {
	conn     net.Conn
	id       int64
	requests atomic.Int64
}

type http2ConnKey struct{}

func newHTTP2Server(s *server) *http2Server {
	h := &http2Server{server: s, conns: make(chan net.Conn)}
	h.http = &http.Server{
		Handler:        h,
		MaxHeaderBytes: headBytesMax,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			known, _ := h.known.Load(c)
			return context.WithValue(ctx, http2ConnKey{}, known)
		},
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				h.known.Delete(c)
				s.stats.connectionClosed()
			}
		},
	}
	configureHTTP2(h.http, s.options)
	go func() { _ = h.http.Serve(h) }()
	return h
}

// adopt serves c from now on.
func (h *http2Server) adopt(c net.Conn, id int64) {
	h.known.Store(c, &http2Conn{conn: c, id: id})
	h.conns <- c
}

// Accept, Close and Addr implement net.Listener.

func (h *http2Server) Accept() (net.Conn, error) { return <-h.conns, nil }
func (h *http2Server) Close() error              { return nil }
func (h *http2Server) Addr() net.Addr            { return &net.TCPAddr{} }

// ServeHTTP implements http.Handler.
func (h *http2Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyBytesMax))
	if err != nil {
		h.server.stats.requestMalformed("HTTP/2 body: " + err.Error())
		return
	}
	known := r.Context().Value(http2ConnKey{}).(*http2Conn)
	x := &http2Exchange{server: h.server, writer: w, request: r, conn: known}
	h.server.handle(x, &request{
		method: r.Method, path: r.URL.Path, query: r.URL.RawQuery,
		proto: r.Proto, header: r.Header, head: headOf(r), body: body,
		connection: known.id, reused: known.requests.Add(1) > 1,
		secure: r.TLS != nil,
	})
	if x.abort {
		panic(http.ErrAbortHandler) // The stream is reset.
	}
}

// headOf writes the header as HTTP/1.1 would have carried it.
func headOf(r *http.Request) []byte {
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.RequestURI + " " + r.Proto +
		"\r\nHost: " + r.Host + "\r\n")
	_ = r.Header.Write(&b) // A buffer takes everything.
	b.WriteString("\r\n")
	return b.Bytes()
}

// http2Exchange is one stream.
type http2Exchange struct {
	server  *server
	writer  http.ResponseWriter
	request *http.Request
	conn    *http2Conn
	counter *atomic.Int64
	abort   bool
	// How much of a declared length is still to come; 0 if none was declared.
	left int
}

// Head implements exchange.
func (x *http2Exchange) Head(status int, header []field, f framing,
	bodyBytes int) error {
	for _, h := range header {
		x.writer.Header().Add(h.name, h.value)
	}
	if f == framingLength {
		x.writer.Header().Set("Content-Length", strconv.Itoa(bodyBytes))
		x.left = bodyBytes
	}
	x.writer.WriteHeader(status)
	return nil
}

// Inform implements exchange.
func (x *http2Exchange) Inform(status int) error {
	x.writer.WriteHeader(status)
	return nil
}

// Body implements exchange.
func (x *http2Exchange) Body(p []byte) error {
	n, err := x.writer.Write(p)
	x.server.stats.bytes.Add(int64(n))
	if x.counter != nil {
		x.counter.Add(int64(n))
	}
	if err != nil {
		return errPeerGone
	}
	if x.left > 0 && n == x.left {
		// All of it leaves with the stream's end as the handler returns.
		x.left = 0
		return nil
	}
	x.left -= n
	return x.Flush()
}

// Flush implements exchange.
func (x *http2Exchange) Flush() error {
	x.writer.(http.Flusher).Flush()
	if x.request.Context().Err() != nil {
		return errPeerGone
	}
	return nil
}

// Finish implements exchange. The stream ends as the handler returns.
func (x *http2Exchange) Finish() error { return nil }

// Raw implements exchange. Frames are not ours to write.
func (x *http2Exchange) Raw(p []byte) (bool, error) {
	x.abort = true
	return false, nil
}

// SplitWire implements exchange: frames are cut where they are.
func (x *http2Exchange) SplitWire(int, time.Duration) {}

// CountInto implements exchange.
func (x *http2Exchange) CountInto(n *atomic.Int64) { x.counter = n }

// Pause implements exchange.
func (x *http2Exchange) Pause(d time.Duration) error {
	gone := x.request.Context().Done()
	if d < 0 {
		<-gone
		return errPeerGone
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-gone:
		return errPeerGone
	case <-timer.C:
		return nil
	}
}

// Reset implements exchange.
func (x *http2Exchange) Reset() { x.abort = true }

// Close implements exchange: the whole connection goes.
func (x *http2Exchange) Close(truncate bool) {
	x.abort = true
	_ = x.conn.conn.Close()
}

// HalfClose implements exchange: HTTP/2 has no such end of a connection.
func (x *http2Exchange) HalfClose() { x.Close(false) }
