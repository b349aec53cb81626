package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// Frame types, flags and settings of HTTP/2 that a client meets.
const (
	frameData         = 0
	frameHeaders      = 1
	frameRstStream    = 3
	frameSettings     = 4
	framePing         = 6
	frameGoaway       = 7
	frameWindowUpdate = 8
	frameContinuation = 9

	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20

	settingHeaderTableSize   = 1
	settingEnablePush        = 2
	settingMaxStreams        = 3
	settingInitialWindowSize = 4
	settingMaxFrameSize      = 5

	clientPreface   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeadBytes  = 9
	windowDefault   = 65535
	ownStreamWindow = 1 << 20
	ownConnWindow   = 16 << 20
)

// http2Events is told what a peer sends. Slices are valid during the call.
type http2Events interface {
	onHeaders(stream uint32, fields []headerField, last bool) error
	onData(stream uint32, data []byte, last bool) error
	onReset(stream uint32, code uint32) error
}

// http2Session is the client's side of one connection. One goroutine reads
// and writes: what becomes ready while a read's bytes are looked at leaves in
// one write, so that a peer which batches is met by one that batches.
type http2Session struct {
	conn   net.Conn
	reader *bufio.Reader
	events http2Events

	out        []byte
	decoder    *hpackDecoder
	block      []byte // a header block in pieces
	blockOf    uint32
	blockFlags byte

	peerTableBytes int
	peerStreams    uint32
	peerWindow     int // of a new stream
	peerFrameBytes int
	connWindow     int // what we may send
	windows        map[uint32]int
	waiting        []waitingData // what did not fit into a window
	received       int           // since the last window update
	nextStream     uint32
}

type waitingData struct {
	stream uint32
	data   []byte
}

func newHTTP2Session(c net.Conn, e http2Events) *http2Session {
	return &http2Session{conn: c, reader: bufio.NewReaderSize(c, 64<<10),
		events: e, decoder: newHpackDecoder(),
		peerTableBytes: headerTableBytes, peerStreams: 1 << 30,
		peerWindow: windowDefault, peerFrameBytes: 16384,
		connWindow: windowDefault, windows: map[uint32]int{}, nextStream: 1}
}

// start says hello and waits for the peer's settings.
func (s *http2Session) start() error {
	s.out = append(s.out, clientPreface...)
	s.frame(frameSettings, 0, 0, 12)
	s.setting(settingEnablePush, 0)
	s.setting(settingInitialWindowSize, ownStreamWindow)
	s.windowUpdate(0, ownConnWindow-windowDefault)
	if err := s.flush(); err != nil {
		return err
	}
	kind, err := s.next()
	if err == nil && kind != frameSettings {
		err = fmt.Errorf("first frame has type %d, not SETTINGS", kind)
	}
	return err
}

// request begins a stream whose body is one message, and ends our side of it.
func (s *http2Session) request(block, body []byte) uint32 {
	id := s.nextStream
	s.nextStream += 2
	s.windows[id] = s.peerWindow
	s.frame(frameHeaders, flagEndHeaders, id, len(block))
	s.out = append(s.out, block...)
	s.send(id, body)
	return id
}

// send writes as much as the windows take and keeps the rest.
func (s *http2Session) send(id uint32, body []byte) {
	for {
		n := len(body)
		for _, limit := range []int{s.connWindow, s.windows[id],
			s.peerFrameBytes} {
			if n > limit {
				n = limit
			}
		}
		if n <= 0 {
			s.waiting = append(s.waiting, waitingData{id, body})
			return
		}
		s.connWindow -= n
		s.windows[id] -= n
		flags := byte(0)
		if n == len(body) {
			flags = flagEndStream
		}
		s.frame(frameData, flags, id, n)
		s.out = append(s.out, body[:n]...)
		if body = body[n:]; len(body) == 0 {
			return
		}
	}
}

func (s *http2Session) sendWaiting() {
	waiting := s.waiting
	s.waiting = nil
	for _, w := range waiting {
		s.send(w.stream, w.data)
	}
}

// next handles one frame and returns its type.
func (s *http2Session) next() (byte, error) {
	if s.reader.Buffered() < frameHeadBytes {
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	head, err := s.reader.Peek(frameHeadBytes)
	if err != nil {
		return 0, fmt.Errorf("connection ended: %w", err)
	}
	n := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
	kind, flags := head[3], head[4]
	id := binary.BigEndian.Uint32(head[5:]) &^ (1 << 31)
	_, _ = s.reader.Discard(frameHeadBytes)
	if s.reader.Buffered() < n {
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	payload, err := s.reader.Peek(n)
	if err == bufio.ErrBufferFull {
		return 0, fmt.Errorf("frame of %d bytes", n)
	}
	if err != nil {
		return 0, fmt.Errorf("frame cut short: %w", io.ErrUnexpectedEOF)
	}
	err = s.handle(kind, flags, id, payload)
	_, _ = s.reader.Discard(n)
	return kind, err
}

func (s *http2Session) handle(kind, flags byte, id uint32,
	p []byte) error {
	switch kind {
	case frameData:
		return s.onData(flags, id, p)
	case frameHeaders:
		p, err := unpadded(flags, p)
		if err != nil {
			return err
		}
		if flags&flagPriority != 0 {
			if len(p) < 5 {
				return errFrame
			}
			p = p[5:]
		}
		s.block = append(s.block[:0], p...)
		s.blockOf, s.blockFlags = id, flags
		return s.endOfHeaders(flags)
	case frameContinuation:
		if id != s.blockOf {
			return errFrame
		}
		s.block = append(s.block, p...)
		return s.endOfHeaders(flags)
	case frameRstStream:
		if len(p) != 4 {
			return errFrame
		}
		return s.events.onReset(id, binary.BigEndian.Uint32(p))
	case frameSettings:
		return s.onSettings(flags, p)
	case framePing:
		if flags&flagAck == 0 {
			s.frame(framePing, flagAck, 0, len(p))
			s.out = append(s.out, p...)
		}
	case frameGoaway:
		if len(p) < 8 {
			return errFrame
		}
		return fmt.Errorf("GOAWAY, code %d: %s",
			binary.BigEndian.Uint32(p[4:]), p[8:])
	case frameWindowUpdate:
		if len(p) != 4 {
			return errFrame
		}
		return s.onWindowUpdate(id, int(binary.BigEndian.Uint32(p)))
	}
	return nil
}

var errFrame = errors.New("malformed frame")

func unpadded(flags byte, p []byte) ([]byte, error) {
	if flags&flagPadded == 0 {
		return p, nil
	}
	if len(p) == 0 || int(p[0]) >= len(p) {
		return nil, errFrame
	}
	return p[1 : len(p)-int(p[0])], nil
}

func (s *http2Session) onData(flags byte, id uint32, p []byte) error {
	whole := len(p)
	p, err := unpadded(flags, p)
	if err != nil {
		return err
	}
	last := flags&flagEndStream != 0
	if err := s.events.onData(id, p, last); err != nil {
		return err
	}
	if last {
		s.forget(id)
	}
	// A stream's own window is larger than any scripted answer, so that only
	// the connection's is ever given back.
	s.received += whole
	if s.received > ownConnWindow/2 {
		s.windowUpdate(0, s.received)
		s.received = 0
	}
	return nil
}

func (s *http2Session) endOfHeaders(flags byte) error {
	if flags&flagEndHeaders == 0 {
		return nil
	}
	fields, err := s.decoder.decode(s.block)
	if err != nil {
		return err
	}
	last := s.blockFlags&flagEndStream != 0
	if err := s.events.onHeaders(s.blockOf, fields, last); err != nil {
		return err
	}
	if last {
		s.forget(s.blockOf)
	}
	return nil
}

func (s *http2Session) forget(id uint32) { delete(s.windows, id) }

func (s *http2Session) onSettings(flags byte, p []byte) error {
	if flags&flagAck != 0 {
		return nil
	}
	for ; len(p) >= 6; p = p[6:] {
		value := int(binary.BigEndian.Uint32(p[2:]))
		switch binary.BigEndian.Uint16(p) {
		case settingHeaderTableSize:
			s.peerTableBytes = value
		case settingMaxStreams:
			s.peerStreams = uint32(value)
		case settingInitialWindowSize:
			for id := range s.windows {
				s.windows[id] += value - s.peerWindow
			}
			s.peerWindow = value
		case settingMaxFrameSize:
			s.peerFrameBytes = value
		}
	}
	s.frame(frameSettings, flagAck, 0, 0)
	s.sendWaiting()
	return nil
}

func (s *http2Session) onWindowUpdate(id uint32, n int) error {
	if id == 0 {
		s.connWindow += n
	} else if _, open := s.windows[id]; open {
		s.windows[id] += n
	}
	s.sendWaiting()
	return nil
}

func (s *http2Session) frame(kind, flags byte, id uint32, n int) {
	s.out = append(s.out, byte(n>>16), byte(n>>8), byte(n), kind, flags,
		byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
}

func (s *http2Session) setting(name uint16, value uint32) {
	s.out = append(s.out, byte(name>>8), byte(name), byte(value>>24),
		byte(value>>16), byte(value>>8), byte(value))
}

func (s *http2Session) windowUpdate(id uint32, n int) {
	s.frame(frameWindowUpdate, 0, id, 4)
	s.out = append(s.out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func (s *http2Session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.conn.Write(s.out)
	s.out = s.out[:0]
	return err
}
