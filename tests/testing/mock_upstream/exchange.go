package main

import (
	"errors"
	"sync/atomic"
	"time"
)

// errPeerGone says that the caller closed or reset before the answer's end.
var errPeerGone = errors.New("the peer went away")

// field is one header line. Order and repetition are kept.
type field struct{ name, value string }

type framing int

const (
	framingLength  framing = iota // content-length
	framingChunked                // transfer-encoding: chunked
	framingClose                  // the close of the connection ends the body
	framingBoth                   // a content-length and chunked: malformed
)

// exchange is one request's way back to the caller, whichever protocol
// carries it. Methods that write return errPeerGone when the caller has left.
//
// An exchange belongs to the goroutine that serves the request.
type exchange interface {
	// Head begins the answer. Nothing is sent before the first Body, Flush or
	// Finish. bodyBytes matters to framings that declare a length.
	Head(status int, header []field, f framing, bodyBytes int) error
	// Inform sends an informational (1xx) answer ahead of the real one.
	Inform(status int) error
	// Body sends p at once as the next piece of the body.
	Body(p []byte) error
	// Flush sends a pending head.
	Flush() error
	// Finish ends the body properly.
	Finish() error
	// Raw sends bytes outside of any framing. False if the protocol cannot.
	Raw(p []byte) (bool, error)
	// Pause waits for d, or forever if d is negative, and ends early with
	// errPeerGone.
	Pause(d time.Duration) error
	// SplitWire makes every later write leave in pieces of n bytes.
	SplitWire(n int, pause time.Duration)

	// CountInto adds the bytes written from now on to n.
	CountInto(n *atomic.Int64)

	// How to end badly. After any of them the exchange is over.

	Reset()              // TCP reset, or RST_STREAM
	Close(truncate bool) // end of file, without close_notify if truncate
	HalfClose()          // end of file while still listening to the peer
}

// outcome is how an exchange ended.
type outcome int

const (
	outcomeServed    outcome = iota // the whole answer was written
	outcomeAborted                  // the script cut it short
	outcomeCancelled                // the peer left first
)

func (o outcome) String() string {
	return [...]string{"served", "aborted", "cancelled"}[o]
}
