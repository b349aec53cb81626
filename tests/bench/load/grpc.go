package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// grpcCaller keeps a number of calls in flight over one HTTP/2 connection.
type grpcCaller struct {
	load    *load
	session *http2Session
	first   []byte // header block of the first request
	later   []byte
	message []byte
	calls   map[uint32]*grpcCall
	spare   []*grpcCall
	opened  func() // idle streams: the first text has come
	tally   tally
}

type grpcCall struct {
	began     time.Time
	partial   []byte // a message in pieces
	textBytes int
	messages  int
	ended     bool // the contract's last event has come
}

func newGrpcCaller(l *load, c net.Conn) *grpcCaller {
	g := &grpcCaller{load: l, message: l.request,
		calls: map[uint32]*grpcCall{}, tally: tally{meter: l.meter}}
	g.session = newHTTP2Session(c, g)
	return g
}

func (g *grpcCaller) counted() *tally { return &g.tally }
func (g *grpcCaller) close()          { g.session.conn.Close() }

// grpcMessage is a whole request body: the prefix and the message.
func grpcMessage(l *load) []byte {
	message := generateRequest(l.model, l.prompt())
	prefix := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(prefix[1:], uint32(len(message)))
	return append(prefix, message...)
}

func (g *grpcCaller) begin() error {
	if err := g.session.start(); err != nil {
		return err
	}
	if int(g.session.peerStreams) < g.load.streams {
		return fmt.Errorf("the server allows %d streams, not %d",
			g.session.peerStreams, g.load.streams)
	}
	scheme, path := "http", generatePath
	if g.load.tls != nil {
		scheme = "https"
	}
	if g.load.mode != modeUnary {
		path = streamGeneratePath
	}
	g.first, g.later = requestBlocks([]headerField{
		{":method", "POST"}, {":scheme", scheme}, {":path", path},
		{":authority", g.load.target}, {"te", "trailers"},
		{"content-type", "application/grpc"},
		{"user-agent", "llmgateway-bench"},
		{"authorization", "Bearer " + g.load.key},
	}, g.session.peerTableBytes >= headerTableBytes)
	for i := 0; i < g.load.streams && g.load.meter.more(); i++ {
		g.call()
	}
	return nil
}

// run calls until the run is over.
func (g *grpcCaller) run() error {
	if err := g.begin(); err != nil {
		return err
	}
	for len(g.calls) > 0 {
		if _, err := g.session.next(); err != nil {
			return err
		}
	}
	return nil
}

// open begins the streams, and returns only when one fails.
func (g *grpcCaller) open(opened func()) error {
	g.opened = opened
	return g.run()
}

func (g *grpcCaller) call() {
	var c *grpcCall
	if n := len(g.spare); n > 0 {
		c, g.spare = g.spare[n-1], g.spare[:n-1]
		*c = grpcCall{partial: c.partial[:0]}
	} else {
		c = &grpcCall{}
	}
	c.began = time.Now()
	block := g.later
	if g.session.nextStream == 1 {
		block = g.first
	}
	g.calls[g.session.request(block, g.message)] = c
}

func (g *grpcCaller) onHeaders(id uint32, fields []headerField,
	last bool) error {
	c := g.calls[id]
	if c == nil {
		return fmt.Errorf("headers of unknown stream %d", id)
	}
	status, message := "", ""
	for _, f := range fields {
		switch f.name {
		case ":status":
			if f.value != "200" {
				return fmt.Errorf("HTTP status %s", f.value)
			}
		case "grpc-status":
			status = f.value
		case "grpc-message":
			message = f.value
		}
	}
	if !last {
		return nil
	}
	if status != "0" {
		return fmt.Errorf("gRPC status %q: %s", status, message)
	}
	return g.finish(id, c)
}

func (g *grpcCaller) finish(id uint32, c *grpcCall) error {
	if len(c.partial) > 0 {
		return errors.New("a message was cut short")
	}
	if g.load.mode == modeUnary {
		if c.messages != 1 || c.textBytes == 0 {
			return fmt.Errorf("%d messages with %d bytes of text",
				c.messages, c.textBytes)
		}
	} else {
		if !c.ended {
			return errors.New("the stream ended without its last event")
		}
		if err := g.load.checkText(c.textBytes); err != nil {
			return err
		}
	}
	g.tally.called(time.Since(c.began))
	delete(g.calls, id)
	g.spare = append(g.spare, c)
	if g.load.meter.more() {
		g.call()
	}
	return nil
}

func (g *grpcCaller) onData(id uint32, data []byte, last bool) error {
	c := g.calls[id]
	if c == nil {
		return fmt.Errorf("data of unknown stream %d", id)
	}
	if last {
		return errors.New("a stream ended without trailers")
	}
	if len(c.partial) > 0 {
		c.partial = append(c.partial, data...)
		data = c.partial
	}
	for len(data) >= 5 {
		n := int(binary.BigEndian.Uint32(data[1:]))
		if data[0] != 0 {
			return errors.New("a compressed message")
		}
		if len(data) < 5+n {
			break
		}
		if err := g.onMessage(c, data[5:5+n]); err != nil {
			return err
		}
		data = data[5+n:]
	}
	c.partial = append(c.partial[:0], data...)
	return nil
}

func (g *grpcCaller) onMessage(c *grpcCall, p []byte) error {
	c.messages++
	if g.load.mode == modeUnary {
		c.textBytes += len(answerText(p))
		return nil
	}
	if n := len(eventText(p)); n > 0 {
		if c.textBytes == 0 {
			g.tally.began(time.Since(c.began))
			if g.opened != nil {
				g.opened()
			}
		}
		c.textBytes += n
		g.tally.text(n)
		return nil
	}
	last, finished := eventEnd(p)
	if last && !finished {
		return errors.New("the stream's last event tells of a failure")
	}
	c.ended = c.ended || last
	return nil
}

func (g *grpcCaller) onReset(id uint32, code uint32) error {
	return fmt.Errorf("stream %d was reset, code %d", id, code)
}
